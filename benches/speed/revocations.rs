//! Many live revocations: what they take, and what they cost a look-up, a validation and the start. In this process, with the
//! library's own set, and beside it what it would be with moka, which holds the other things in memory.

use std::{
    hint::black_box,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use countersign::{
    api::grpc::token::encode,
    app::start_issuer,
    config::{Config, Environment},
    domain::{
        decide::Requirements,
        kind::TokenKind,
        revocation::{Reach, Revocation, Target, check::Known as _},
        time::{Clock, UnixTime},
    },
    issuer::{HttpClient, KeyMetrics, Surroundings},
    ops::{
        clock::SystemClock,
        drain::Tasks,
        metrics::{self, SightMetrics, ValidationMetrics},
    },
    service::{
        trust::Trust,
        validate::{Question, RevocationSources, Validator},
    },
    state::{cache::TokenCache, revocations::Revocations, sessions::Sessions},
    store::{self, Revision, Snapshot, StoreSettings},
};
use moka::{Expiry, sync::Cache};

use crate::{
    report::{median, note, row},
    tokens::{AUDIENCE, ISSUER, Signer},
};

/// Unoptimised it is only to be seen that it works.
pub(crate) const MANY: usize = if cfg!(debug_assertions) { 20_000 } else { 1_000_000 };
const FEW: usize = 1_000;
const LOOKS: usize = if cfg!(debug_assertions) { 10_000 } else { 1_000_000 };
const VALIDATIONS: usize = if cfg!(debug_assertions) { 1_000 } else { 300_000 };
/// Tokens that are asked about in turn, so that the same entries are not always at hand.
const TOKENS: usize = if cfg!(debug_assertions) { 20 } else { 1_000 };
/// No other scene's.
const SERIALS: usize = 2_000_000;
const TOKEN_BYTES: usize = 730;
const ROUNDS: usize = 5;

pub(crate) async fn measure(directory: &Path, signer: &Signer, now: u64) {
    let (few, many) = (snapshot(FEW), snapshot(MANY));
    memory_and_start(&many);
    look_ups(&few, &many);
    validations(directory, signer, now, [&few, &many]).await;
}

/// Of every kind that a token is looked for by, none of them any token's here.
pub(crate) fn snapshot(count: usize) -> Snapshot {
    let now = SystemClock.now();
    let until = now.plus(Duration::from_hours(24));
    let revocations = (0..count).map(|number| {
        let name = format!("nobody-{number}");
        let target = match number % 4 {
            0 => Target::token_id(ISSUER, &name),
            1 => Target::session(ISSUER, &name),
            2 => Target::subject(ISSUER, &name),
            _ => Target::client(ISSUER, &name),
        };
        Revocation { target, reach: Reach::All, made_at: now, until, kept_until: until }
    });
    Snapshot { revision: Revision { epoch: 1, sequence: 1 }, revocations: revocations.collect() }
}

fn set(snapshot: &Snapshot) -> (Revocations, Duration) {
    let (set, snapshot) = (Revocations::new(u64::MAX), snapshot.clone());
    let start = Instant::now();
    set.load(snapshot, Duration::ZERO, SystemClock.now());
    (set, start.elapsed())
}

fn memory_and_start(many: &Snapshot) {
    // Added, not loaded: a snapshot is let go of while it is loaded, and nobody could tell which memory was whose.
    let (before, held) = (resident_kib(), Revocations::new(u64::MAX));
    held.add(&many.revocations);
    let plain = resident_kib().saturating_sub(before);
    assert_eq!(held.total(), u64::try_from(many.revocations.len()).unwrap());
    let mib = plain as f64 / 1024.0;
    row(&format!("Memory of {MANY} revocations"), &format!("{mib:.0} MiB"), "<= 300 MiB", mib <= 300.0);
    note(&format!("{:.0} bytes each", per(plain)));
    let before = resident_kib();
    let start = Instant::now();
    let moka = twin(many);
    let taken = start.elapsed();
    let resident = resident_kib().saturating_sub(before);
    note(&format!(
        "with moka: {:.0} MiB, {:.0} bytes each, filled in {:.0} ms",
        resident as f64 / 1024.0,
        per(resident),
        millis(taken),
    ));
    drop((held, moka));
    note(&format!("a snapshot is loaded in {:.0} ms", millis(set(many).1)));
}

fn per(kib: u64) -> f64 {
    kib as f64 * 1024.0 / MANY as f64
}

fn look_ups(few: &Snapshot, many: &Snapshot) {
    let absent: Vec<Target> = (0..MANY).map(|number| Target::session("x", &number.to_string())).collect();
    let now = SystemClock.now();
    let sets = [few, many].map(|snapshot| set(snapshot).0);
    let twins = [few, many].map(twin);
    let present: Vec<Target> = many.revocations.iter().map(|revocation| revocation.target).collect();
    for (what, targets) in [("not there", &absent), ("there", &present)] {
        let plain = sets.each_ref().map(|set| per_look(targets, |target| set.at(now).find(target).is_some()));
        let moka = twins
            .each_ref()
            .map(|twin| per_look(targets, |target| twin.get(target).is_some_and(|(_, until)| now < until)));
        note(&format!(
            "a look-up of one that is {what}: {:.0} ns at {FEW}, {:.0} ns at {MANY}; with moka {:.0} and {:.0} ns",
            plain[0], plain[1], moka[0], moka[1],
        ));
    }
}

/// Nanoseconds.
fn per_look(targets: &[Target], look: impl Fn(&Target) -> bool) -> f64 {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for target in targets.iter().cycle().take(LOOKS) {
            black_box(look(black_box(target)));
        }
        rounds.push(start.elapsed().as_secs_f64() * 1e9 / LOOKS as f64);
    }
    median(&rounds)
}

async fn validations(directory: &Path, signer: &Signer, now: u64, [few, many]: [&Snapshot; 2]) {
    let tokens: Vec<String> =
        (0..TOKENS).map(|serial| signer.token(SERIALS + serial, TOKEN_BYTES, now)).collect();
    let (small, small_set) = validator(directory, ("few", few), &tokens).await;
    let (large, large_set) = validator(directory, ("many", many), &tokens).await;
    let quiet = [(&small, None), (&large, None)];
    let changing = [(&small, Some(&small_set)), (&large, Some(&large_set))];
    for (what, sides) in [("nothing changes", quiet), ("a change before each", changing)] {
        let mut rounds = [Vec::new(), Vec::new()];
        let mut ratios = Vec::new();
        for _ in 0..=ROUNDS {
            let nanos = sides.map(|(validator, set)| per_validation(validator, set, &tokens));
            rounds.iter_mut().zip(nanos).for_each(|(of, nanos)| of.push(nanos));
            ratios.push(nanos[1] / nanos[0]);
        }
        let ratio = median(&ratios);
        row(
            &format!("Validate at {MANY} / {FEW}, {what}"),
            &format!("{ratio:.3} x the time"),
            "<= 1.1",
            ratio <= 1.1,
        );
        note(&format!("{:.0} and {:.0} ns a call, without the RPC", median(&rounds[0]), median(&rounds[1])));
    }
}

/// Nanoseconds. `changes`: the set, if something changes before each call, so that the token is looked for.
fn per_validation(validator: &Validator, changes: Option<&Arc<Revocations>>, tokens: &[String]) -> f64 {
    let mut moment = validator.moment();
    let start = Instant::now();
    for token in tokens.iter().cycle().take(VALIDATIONS) {
        if let Some(set) = changes {
            set.changed();
        }
        let question = question(token);
        let answer = validator
            .validate_at_once(black_box(&question), &mut moment, |pass, _| black_box(pass).should_refresh);
        assert!(answer.unwrap().unwrap().is_ok());
    }
    start.elapsed().as_secs_f64() * 1e9 / VALIDATIONS as f64
}

const REQUIREMENTS: Requirements<'static> = Requirements::of_kind(TokenKind::Access);

fn question(token: &str) -> Question<'_> {
    Question { token: token.as_bytes(), requirements: REQUIREMENTS, min_revision: None, max_staleness: None }
}

/// As `app` wires one, and has seen these tokens.
async fn validator(
    directory: &Path,
    (name, revocations): (&str, &Snapshot),
    tokens: &[String],
) -> (Validator, Arc<Revocations>) {
    let text = format!(
        "issuers:\n  - issuer: {ISSUER}\n    audiences: [{AUDIENCE}]\n    jwks_file: {}\n",
        directory.join("jwks.json").display()
    );
    let config = Config::parse(&text, &Environment::default(), Path::new("")).unwrap().config;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut registry = metrics::registry();
    let around = Surroundings {
        http: HttpClient::new().unwrap(),
        store: None,
        clock: Arc::clone(&clock),
        metrics: KeyMetrics::register(&mut registry),
        tasks: Tasks::default(),
    };
    let issuer = start_issuer(None, config.issuers[0].clone(), &around).unwrap();
    issuer.wait_first_attempt().await;
    let (set, _) = set(revocations);
    let set = Arc::new(set);
    let settings = StoreSettings::embedded(directory.join(format!("{name}.redb")));
    let kept = store::open(&settings).await.unwrap().revocations;
    let sights = SightMetrics::register(&mut registry);
    let sources = RevocationSources {
        revocations: Arc::clone(&set),
        contact: None,
        sessions: Arc::new(Sessions::start(kept, Arc::clone(&set), sights, &around.tasks)),
        on_stale: config.revocation.on_stale,
    };
    let validator = Validator::new(
        Trust::new(vec![issuer], config.limits.max_token_bytes),
        sources,
        TokenCache::new(config.cache).unwrap(),
        encode,
        clock,
        ValidationMetrics::register(&mut registry),
    );
    for token in tokens {
        let answer = validator.validate(&question(token), |pass| pass.should_refresh).await;
        assert!(answer.unwrap().outcome.is_ok());
    }
    (validator, set)
}

/// What the set would be as the token cache is made.
type Twin = Cache<Target, (Reach, UnixTime)>;

struct Life(UnixTime);

impl Expiry<Target, (Reach, UnixTime)> for Life {
    fn expire_after_create(&self, _: &Target, kept: &(Reach, UnixTime), _: Instant) -> Option<Duration> {
        Some(kept.1.since(self.0))
    }
}

fn twin(snapshot: &Snapshot) -> Twin {
    let twin = Cache::builder().expire_after(Life(SystemClock.now())).build();
    for revocation in &snapshot.revocations {
        twin.insert(revocation.target, (revocation.reach, revocation.until));
    }
    twin.run_pending_tasks();
    twin
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Of this process.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
