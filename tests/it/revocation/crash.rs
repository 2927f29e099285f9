//! R1: what was answered OK is refused after a crash, whenever it comes.
//!
//! A service takes 500 revocations a second and is killed at a random moment; after the restart every revocation that
//! was answered is looked for. `REVOCATION_CRASHES` says how many seeds are run, `REVOCATION_SEED` which is the first.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use countersign::{
    ops::drain::Tasks,
    proto::client::{
        BatchValidateRequest, Reason, RevokeRequest, ValidateRequest, batch_validate_item,
        revoke_request::Target, token_service_client::TokenServiceClient, validate_response::Outcome,
    },
};
use serde_json::{Value, json};
use tokio::{
    sync::{Notify, mpsc},
    time::{MissedTickBehavior, interval},
};
use tonic::transport::Channel;

use super::{asked, random::Random};
use crate::support::{
    service::Service,
    tokens::{Signer, claims, key_set},
    wait::within,
};

const ISSUER: &str = "https://idp.example.test";
const AUDIENCE: &str = "https://api.example.test";
/// One each two milliseconds: 500 a second.
const PACE: Duration = Duration::from_millis(2);
const WORKERS: usize = 16;
/// Crashes of one service, one after the other, on the same store.
const CRASHES: u64 = 2;
/// A batch holds up to a thousand tokens.
const BATCH: usize = 500;
const TO_ANSWER: Duration = Duration::from_secs(30);

/// What is revoked: the number makes every id its own.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Token(u64),
    TokenId(u64),
    Session(u64),
    Subject(u64),
}

impl Victim {
    fn draw(random: &mut Random, number: u64) -> Self {
        match random.below(4) {
            0 => Self::Token(number),
            1 => Self::TokenId(number),
            2 => Self::Session(number),
            _ => Self::Subject(number),
        }
    }

    /// A token that its revocation refuses, and nothing else does.
    fn token(self, signer: &Signer) -> String {
        // The times of one moment: a token without an id is another one a second later.
        static CLAIMS: OnceLock<Value> = OnceLock::new();
        let mut claims = CLAIMS.get_or_init(|| claims(ISSUER, AUDIENCE)).clone();
        let mut put = |name: &str, value: Value| claims[name] = value;
        let (Self::Token(number) | Self::TokenId(number) | Self::Session(number) | Self::Subject(number)) =
            self;
        put("jti", json!(format!("token-{number}")));
        put("sid", json!(format!("session-{number}")));
        put("sub", json!(format!("subject-{number}")));
        if let Self::Token(_) = self {
            // Known by its signing input alone.
            claims.as_object_mut().unwrap().remove("jti");
        }
        signer.access_token(&claims)
    }

    fn target(self, signer: &Signer) -> Target {
        match self {
            // The same bytes again: an ES256 signature differs each time, its signing input does not.
            Self::Token(_) => Target::Token(self.token(signer)),
            Self::TokenId(number) => Target::TokenId(format!("token-{number}")),
            Self::Session(number) => Target::SessionId(format!("session-{number}")),
            Self::Subject(number) => Target::Subject(format!("subject-{number}")),
        }
    }
}

/// Everything that was answered, by number, and the last revision.
#[derive(Default)]
struct Answered {
    victims: HashMap<u64, Victim>,
    revision: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_what_was_answered_is_refused_after_a_kill() {
    let (first, seeds) = (asked("REVOCATION_SEED", 1), asked("REVOCATION_CRASHES", 3));
    for seed in first..first + seeds {
        survive(seed).await;
    }
}

async fn survive(seed: u64) {
    let signer = Arc::new(Signer::es256());
    let yaml =
        format!("issuers:\n  - {{ issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: ./keys.json }}\n");
    let keys = key_set(&[&signer]).to_string();
    let mut service = Service::start_with_files(&yaml, &[("keys.json", keys.as_bytes())]).await;
    let mut random = Random::seeded(seed);
    let answered = Arc::new(Mutex::new(Answered::default()));
    let numbers = Arc::new(AtomicU64::new(0));
    for crash in 1..=CRASHES {
        let enough = answered.lock().unwrap().victims.len() + 1 + usize::try_from(random.below(600)).unwrap();
        revoke_until_killed(&mut service, &signer, &mut random, &numbers, &answered, enough).await;
        service.restart().await;
        let context = format!("seed {seed}, crash {crash}");
        everything_is_refused(&service, &signer, &answered, &context).await;
        what_nobody_revoked_is_good(&service, &signer, &context).await;
    }
    let (asked, answered) = (numbers.load(Ordering::Relaxed), answered.lock().unwrap().victims.len());
    println!("seed {seed}: {CRASHES} kills, {answered} of {asked} revocations answered, all refused");
}

/// Revokes at [`PACE`], and kills the service once `enough` are answered.
async fn revoke_until_killed(
    service: &mut Service,
    signer: &Arc<Signer>,
    random: &mut Random,
    numbers: &Arc<AtomicU64>,
    answered: &Arc<Mutex<Answered>>,
    enough: usize,
) {
    let reached = Arc::new(Notify::new());
    let (give, take) = mpsc::channel::<Victim>(WORKERS * 4);
    let take = Arc::new(tokio::sync::Mutex::new(take));
    let tasks = Tasks::default();
    for _ in 0..WORKERS {
        let (client, take) = (service.client().await, Arc::clone(&take));
        let (signer, answered, reached) = (Arc::clone(signer), Arc::clone(answered), Arc::clone(&reached));
        tasks.spawn(async move { work(client, &take, &signer, &answered, &reached, enough).await });
    }
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let killed = reached.notified();
    tokio::pin!(killed);
    loop {
        tokio::select! {
            () = &mut killed => break,
            _ = pace.tick() => {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                // When the workers are behind, the pace is theirs.
                tokio::select! {
                    () = &mut killed => break,
                    given = give.send(Victim::draw(random, number)) => given.expect("the workers run"),
                }
            }
        }
    }
    service.kill9().await;
    drop(give);
    within("the workers to end", TO_ANSWER, tasks.stop()).await;
}

/// Revokes what it is given until the connection breaks.
async fn work(
    mut client: TokenServiceClient<Channel>,
    take: &tokio::sync::Mutex<mpsc::Receiver<Victim>>,
    signer: &Signer,
    answered: &Mutex<Answered>,
    reached: &Notify,
    enough: usize,
) {
    loop {
        let Some(victim) = take.lock().await.recv().await else { return };
        let request = RevokeRequest {
            target: Some(victim.target(signer)),
            issuer: ISSUER.to_owned(),
            reason: "stolen".to_owned(),
            ..RevokeRequest::default()
        };
        let Ok(response) = client.revoke(request).await else { return };
        let (Victim::Token(number)
        | Victim::TokenId(number)
        | Victim::Session(number)
        | Victim::Subject(number)) = victim;
        let mut answered = answered.lock().unwrap();
        answered.victims.insert(number, victim);
        answered.revision = response.into_inner().revision;
        if answered.victims.len() >= enough {
            reached.notify_one();
        }
    }
}

async fn everything_is_refused(
    service: &Service,
    signer: &Signer,
    answered: &Mutex<Answered>,
    context: &str,
) {
    let (victims, revision) = {
        let answered = answered.lock().unwrap();
        let mut victims: Vec<_> = answered.victims.values().copied().collect();
        victims.sort_by_key(|victim| format!("{victim:?}"));
        (victims, answered.revision.clone())
    };
    let mut client = service.client().await;
    for some in victims.chunks(BATCH) {
        let question = |victim: &Victim| ValidateRequest {
            token: victim.token(signer),
            // Read-your-writes holds over the crash, too.
            min_revision: revision.clone(),
            ..ValidateRequest::default()
        };
        let requests = some.iter().map(question).collect();
        let request = BatchValidateRequest { requests, include_claims: false };
        let answer = within("an answer", TO_ANSWER, client.batch_validate(request)).await.unwrap();
        for (victim, item) in some.iter().zip(answer.into_inner().items) {
            let Some(batch_validate_item::Result::Response(response)) = item.result else {
                panic!("{context}: {victim:?}: no response");
            };
            let Some(Outcome::Rejection(rejection)) = response.outcome else {
                panic!("{context}: {victim:?} was answered OK and passes");
            };
            assert_eq!(rejection.reason(), Reason::Revoked, "{context}: {victim:?}");
        }
    }
}

async fn what_nobody_revoked_is_good(service: &Service, signer: &Signer, context: &str) {
    let token = Victim::TokenId(u64::MAX).token(signer);
    let said = service.validate(&token).await;
    assert!(said.is_good(), "{context}: {said:?}");
}
