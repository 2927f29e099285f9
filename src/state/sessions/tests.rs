use futures_util::{future::join_all, poll};
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{
        revocation::{Reach, check::Known as _},
        testing::{ISSUER, at, claims_with, verified},
    },
    ops::metrics::{Registry, exposition, registry},
    store::{Revision, Snapshot, testing::memory::MemoryStore},
};

/// Sessions, the store behind them, and what they count.
struct Setup {
    sessions: Sessions,
    store: Arc<MemoryStore>,
    revocations: Arc<Revocations>,
    registry: Registry,
}

fn setup() -> Setup {
    let (store, revocations) = (Arc::new(MemoryStore::default()), Arc::new(Revocations::new(1000)));
    let nothing = Snapshot { revision: Revision { epoch: 7, sequence: 0 }, revocations: vec![] };
    revocations.load(nothing, Duration::ZERO, at(0));
    let mut registry = registry();
    let metrics = SightMetrics::register(&mut registry);
    let kept: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
    let sessions = Sessions::start(kept, Arc::clone(&revocations), metrics, &Tasks::default());
    Setup { sessions, store, revocations, registry }
}

impl Setup {
    fn lookups(&self, result: &str) -> u64 {
        let sample = format!(r#"countersign_session_lookups_total{{result="{result}"}} "#);
        let text = exposition(&self.registry);
        text.lines().find_map(|line| line.strip_prefix(&sample)).unwrap().parse().unwrap()
    }

    fn generation(&self) -> u64 {
        self.revocations.at(at(0)).generation()
    }

    async fn look_up(&self, token: &VerifiedToken) -> SessionStanding {
        self.sessions.look_up(token, at(0)).await.unwrap().standing(at(0)).unwrap()
    }

    fn find(&self, token: &VerifiedToken) -> Option<SessionStanding> {
        self.sessions.find(token, at(0))?.standing(at(0))
    }
}

fn token(others: &Value) -> VerifiedToken {
    verified(&claims_with(others))
}

fn session() -> Target {
    Target::session(ISSUER, "s1")
}

fn begun(seconds: i64) -> SessionStanding {
    SessionStanding { began_at: at(seconds), has_ended: false }
}

fn stored(began_at: UnixTime, ended_at: Option<UnixTime>) -> SessionRecord {
    SessionRecord { ended_at, ..record(&token(&json!({})), began_at, at(0)) }
}

/// Its first life is over.
fn kept(target: Target, reach: Reach) -> Revocation {
    Revocation { target, reach, made_at: at(-86_400), until: at(-60), kept_until: at(86_400) }
}

#[tokio::test(start_paused = true)]
async fn s5_the_store_is_asked_at_the_first_sight_once_for_everybody_and_then_no_more() {
    let setup = setup();
    let tokens: Vec<_> = (0..20).map(|id| token(&json!({"jti": id.to_string()}))).collect();
    assert!(tokens.iter().all(|token| setup.find(token).is_none()));
    setup.store.hang(true);
    let mut looks = std::pin::pin!(join_all(tokens.iter().map(|token| setup.look_up(token))));
    assert!(poll!(looks.as_mut()).is_pending());
    setup.store.hang(false);
    assert!(looks.await.iter().all(|standing| *standing == begun(-60)));
    assert_eq!((setup.store.sights(), setup.lookups("unknown")), (1, 1));
    assert_eq!(setup.find(&tokens[0]), Some(begun(-60)));
}

#[tokio::test(start_paused = true)]
async fn s5_who_asks_first_may_go_away_and_the_others_are_answered() {
    let setup = setup();
    let one = token(&json!({}));
    let mut second = std::pin::pin!(setup.look_up(&one));
    setup.store.hang(true);
    {
        let mut first = std::pin::pin!(setup.look_up(&one));
        assert!(poll!(first.as_mut()).is_pending());
        assert!(poll!(second.as_mut()).is_pending());
    }
    setup.store.hang(false);
    assert_eq!(second.await, begun(-60));
    assert_eq!(setup.store.sights(), 2, "the first one's question went with it");
}

#[tokio::test(start_paused = true)]
async fn s5_what_is_known_is_good_for_half_of_the_longest_token() {
    let setup = setup();
    let one = token(&json!({}));
    let tracked = setup.sessions.look_up(&one, at(0)).await.unwrap();
    // `max_token_lifetime` is a day.
    assert!(setup.sessions.find(&one, at(12 * 3600 - 1)).is_some());
    assert!(setup.sessions.find(&one, at(12 * 3600)).is_none());
    assert_eq!(tracked.standing(at(12 * 3600)), None);
    assert_eq!(
        setup.sessions.remembered(&token(&json!({"iat": at(0).as_secs()}))),
        Some(begun(-60)),
        "it begins no later for having to be looked up again"
    );
}

/// With single sign-on all clients of a user share one session, and each client's cut-off is its own.
#[tokio::test(start_paused = true)]
async fn s5_the_store_is_asked_about_each_client_of_a_session() {
    for first in ["web", "app"] {
        let setup = setup();
        setup.store.keep(&[kept(Target::client(ISSUER, "app"), Reach::All)]);
        let (web, app) = (token(&json!({})), token(&json!({"client_id": "app"})));
        if first == "app" {
            assert!(setup.look_up(&app).await.has_ended);
        }
        assert!(!setup.look_up(&web).await.has_ended, "{first} came first");
        assert!(setup.look_up(&app).await.has_ended, "{first} came first");
        assert_eq!(setup.find(&web), Some(begun(-60)));
        assert_eq!(setup.store.sights(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn r3_second_lives_and_ended_sessions_are_found_at_the_first_sight() {
    let alice = Target::subject(ISSUER, "alice");
    let spared = Target::exception(ISSUER, "alice", "s1");
    let cases = [
        (vec![stored(at(-900), Some(at(-300)))], vec![], true),
        (vec![stored(at(-900), None)], vec![], false),
        (vec![], vec![kept(session(), Reach::All)], true),
        (vec![], vec![kept(alice, Reach::UpTo(at(-60)))], true),
        (vec![], vec![kept(alice, Reach::UpTo(at(-61)))], false),
        (vec![stored(at(-900), None)], vec![kept(alice, Reach::UpTo(at(-900)))], true),
        (vec![], [alice, spared].map(|target| kept(target, Reach::UpTo(at(-10)))).to_vec(), false),
        (vec![], vec![kept(Target::client(ISSUER, "web"), Reach::UpTo(at(-60)))], true),
        (vec![], vec![kept(Target::issuer(ISSUER), Reach::UpTo(at(-60)))], true),
        (vec![], vec![kept(Target::client(ISSUER, "app"), Reach::All)], false),
    ];
    for (sessions, revocations, expected) in cases {
        let setup = setup();
        let case = format!("{sessions:?} {revocations:?}");
        setup.store.remember_sessions(sessions).await.unwrap();
        setup.store.keep(&revocations);
        assert_eq!(setup.look_up(&token(&json!({}))).await.has_ended, expected, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn s5_a_store_that_does_not_answer_costs_50_ms_once_a_second() {
    let setup = setup();
    setup.store.hang(true);
    let (one, start) = (token(&json!({})), Instant::now());
    let fails = async || setup.sessions.look_up(&one, at(0)).await.map(drop) == Err(NoSight);
    let all = join_all((0..20).map(|_| fails())).await;
    assert!(all.into_iter().all(|failed| failed));
    assert_eq!(start.elapsed(), Duration::from_millis(50));
    for _ in 0..100 {
        assert!(fails().await);
    }
    assert_eq!(start.elapsed(), Duration::from_millis(50), "nobody else waited");
    assert_eq!((setup.store.sights(), setup.lookups("failed")), (1, 120));
    assert_eq!(setup.find(&one), None, "nor was anything learned");

    setup.store.hang(false);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(setup.look_up(&one).await, begun(-60));
    assert_eq!(setup.find(&one), Some(begun(-60)));
}

#[tokio::test(start_paused = true)]
async fn s5_a_store_that_fails_is_no_store_that_knows_nothing() {
    let setup = setup();
    setup.store.fail(true);
    let one = token(&json!({}));
    for _ in 0..3 {
        assert_eq!(setup.sessions.look_up(&one, at(0)).await.map(drop), Err(NoSight));
    }
    assert_eq!((setup.store.sights(), setup.lookups("failed")), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn r4_an_earlier_token_of_a_session_makes_others_be_looked_at_again() {
    let setup = setup();
    let (late, early) = (token(&json!({})), token(&json!({"auth_time": at(-500).as_secs()})));
    let tracked = setup.sessions.look_up(&late, at(0)).await.unwrap();
    let generation = setup.generation();
    assert_eq!(setup.find(&token(&json!({"jti": "t2"}))), Some(begun(-60)));
    assert_eq!(setup.generation(), generation);
    assert_eq!(setup.find(&early), None, "a cut-off that only the store keeps may reach it now");
    assert_ne!(setup.generation(), generation);
    assert_eq!(tracked.standing(at(0)), None);
    assert_eq!(setup.look_up(&late).await, begun(-500));
}

/// Two first tokens at once: whichever is looked up last, the earlier one counts.
#[tokio::test(start_paused = true)]
async fn r4_of_first_sights_at_once_the_earliest_counts() {
    for order in [[-60, -500], [-500, -60]] {
        let setup = setup();
        let both = order
            .map(|begin| token(&json!({"auth_time": at(begin).as_secs(), "client_id": begin.to_string()})));
        setup.store.hang(true);
        let mut looks = std::pin::pin!(join_all(both.iter().map(|one| setup.sessions.look_up(one, at(0)))));
        assert!(poll!(looks.as_mut()).is_pending());
        setup.store.hang(false);
        for tracked in looks.await {
            assert_eq!(tracked.unwrap().last_standing(), begun(-500), "{order:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r4_a_record_says_when_a_session_began_on_another_day() {
    let setup = setup();
    setup.store.remember_sessions(vec![stored(at(-86_400), None)]).await.unwrap();
    assert_eq!(setup.look_up(&token(&json!({}))).await, begun(-86_400));
    assert_eq!(setup.lookups("found"), 1);
}

/// Whether it is older than a cut-off is asked of the set, for as long as one may live (`check`); after that a login counts.
#[tokio::test(start_paused = true)]
async fn r4_a_token_without_iat_shows_that_its_session_is_there_and_no_more() {
    let setup = setup();
    setup.store.keep(&[kept(Target::subject(ISSUER, "alice"), Reach::UpTo(at(-1_000_000)))]);
    let ageless = token(&json!({"iat": null}));
    assert_eq!(setup.look_up(&ageless).await, begun(0));
    setup.store.keep(&[kept(Target::subject(ISSUER, "alice"), Reach::UpTo(at(0)))]);
    let other = token(&json!({"iat": null, "sid": "another"}));
    assert!(setup.look_up(&other).await.has_ended, "seen no later than the cut-off");
}

#[tokio::test(start_paused = true)]
async fn without_a_session_only_a_token_from_before_all_that_is_remembered_is_looked_up() {
    let days = |days: i64| token(&json!({"sid": null, "auth_time": at(-86_400 * days).as_secs()}));
    assert!(!Sessions::matters_to(&token(&json!({"sid": null})), at(0)));
    assert!(!Sessions::matters_to(&days(1), at(0)));
    assert!(Sessions::matters_to(&days(2), at(0)));
    assert!(Sessions::matters_to(&token(&json!({})), at(0)));
    let setup = setup();
    setup.store.keep(&[kept(Target::subject(ISSUER, "alice"), Reach::All)]);
    assert!(setup.look_up(&days(2)).await.has_ended);
    setup.sessions.flush().await;
    assert_eq!(setup.store.session(&Target::session(ISSUER, "")), None, "there is nothing to record");
}

#[tokio::test(start_paused = true)]
async fn s4_a_new_session_is_recorded_and_one_that_has_ended_does_not_begin_again() {
    let setup = setup();
    setup.look_up(&token(&json!({}))).await;
    assert_eq!(setup.find(&token(&json!({"auth_time": at(-500).as_secs()}))), None);
    setup.sessions.flush().await;
    let until = at(0).plus(Duration::from_hours(24 * 91));
    let expected = SessionRecord {
        issuer: ISSUER.to_owned(),
        session_id: "s1".to_owned(),
        subject: "alice".to_owned(),
        client_id: "web".to_owned(),
        began_at: at(-500),
        ended_at: None,
        kept_until: until,
    };
    assert_eq!(setup.store.session(&session()), Some(expected));

    let setup = self::setup();
    setup.store.remember_sessions(vec![stored(at(-50), Some(at(-30)))]).await.unwrap();
    assert!(setup.look_up(&token(&json!({}))).await.has_ended);
    setup.sessions.flush().await;
    let merged = setup.store.session(&session()).unwrap();
    assert_eq!((merged.began_at, merged.ended_at), (at(-60), Some(at(-30))));
}

#[tokio::test(start_paused = true)]
async fn s4_new_sessions_survive_a_trouble_of_the_store_and_nobody_waits_for_its_end() {
    let setup = setup();
    setup.look_up(&token(&json!({}))).await;
    setup.store.fail(true);
    timeout(Duration::from_millis(500), setup.sessions.flush()).await.expect("it does not wait");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(setup.store.session(&session()).is_none());
    setup.store.fail(false);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(setup.store.session(&session()).is_some());
}

#[tokio::test(start_paused = true)]
async fn s4_a_session_that_is_known_to_have_ended_has_ended_for_all_its_clients_when_the_store_is_silent() {
    let setup = setup();
    setup.store.remember_sessions(vec![stored(at(-50), Some(at(-30)))]).await.unwrap();
    assert!(setup.look_up(&token(&json!({}))).await.has_ended);
    let other = token(&json!({"client_id": "another"}));
    assert_eq!(setup.find(&other), None, "the store was not asked for this one");
    assert!(setup.sessions.remembered(&other).unwrap().has_ended);
}
