//! What is planned, recorded, tried, and still there after a restart.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign::{
    domain::{revocation::Target, time::UnixTime, token::RawToken},
    issuer::IssuerSettings,
    ops::{clock::SystemClock, drain::Tasks, metrics},
    service::propagate::{Ask, Plan, PropagationMetrics, Propagator, Surroundings, Upstream},
    store::{Answer, Delivery, Order, Recorded, SessionRecord, Sight, Snapshot, Store},
};
use futures_util::{FutureExt, future::ready};

use super::kit::{SECRET, TOKEN, WELL_KNOWN, http, metadata, settings};
use crate::support::{
    idp::{DEADLINE, Idp, Reply},
    wait::until,
};

const CLIENT: &str = "clients: [{ id: app, secret: { env: CLIENT_SECRET } }]";

/// Survives a propagator, as a store survives a process.
#[derive(Debug, Default)]
struct Memory(Mutex<BTreeMap<[u8; 16], Delivery>>);

impl Memory {
    fn keep(&self, delivery: Delivery) {
        self.0.lock().unwrap().insert(delivery.id, delivery);
    }

    fn all(&self) -> Vec<Delivery> {
        self.0.lock().unwrap().values().cloned().collect()
    }
}

impl Store for Memory {
    fn deliveries(&self) -> Answer<'_, Vec<Delivery>> {
        ready(Ok(self.all())).boxed()
    }

    fn postpone(&self, delivery: Delivery) -> Answer<'_, ()> {
        self.0.lock().unwrap().entry(delivery.id).and_modify(|kept| *kept = delivery);
        ready(Ok(())).boxed()
    }

    fn settle(&self, delivery: [u8; 16]) -> Answer<'_, ()> {
        self.0.lock().unwrap().remove(&delivery);
        ready(Ok(())).boxed()
    }

    fn record(&self, _: Order) -> Answer<'_, Recorded> {
        unreachable!("the tests record")
    }

    fn snapshot(&self) -> Answer<'_, Snapshot> {
        unreachable!("deliveries are no revocations")
    }

    fn sight<'s>(&'s self, _: Option<Target>, _: &'s [Target]) -> Answer<'s, Sight> {
        unreachable!("deliveries are no revocations")
    }

    fn remember_sessions(&self, _: Vec<SessionRecord>) -> Answer<'_, ()> {
        unreachable!("deliveries are no sessions")
    }

    fn sweep(&self, _: UnixTime) -> Answer<'_, ()> {
        unreachable!("deliveries end otherwise")
    }
}

/// A propagator as a process would have it.
fn propagator(store: &Arc<Memory>, issuers: &[IssuerSettings], tasks: &Tasks) -> Propagator {
    let around = Surroundings {
        store: Arc::<Memory>::clone(store),
        is_shared: false,
        http: http(),
        clock: Arc::new(SystemClock),
        metrics: PropagationMetrics::register(&mut metrics::registry()),
        tasks: tasks.clone(),
    };
    Propagator::new(around, issuers).unwrap()
}

fn wall() -> UnixTime {
    use countersign::domain::time::Clock as _;
    SystemClock.now()
}

fn token_of(issuer: &str, lives: Duration) -> Ask<'_> {
    let token = RawToken::new(TOKEN, 8192).unwrap();
    Ask::Token { issuer, token, client_id: Some("app"), expires_at: wall().plus(lives) }
}

fn planned(propagator: &Propagator, ask: &Ask<'_>) -> Delivery {
    match propagator.plan(ask, wall()) {
        Plan::Deliver(delivery) => delivery,
        Plan::Nothing(upstream) => panic!("{upstream:?}"),
    }
}

#[tokio::test]
async fn what_could_not_be_delivered_is_delivered_after_a_restart() {
    let idp = Idp::start(|_| Reply::status("503 Service Unavailable")).await;
    let issuer = idp.url("");
    let settings = [settings(&issuer, SECRET, &[CLIENT])];
    let store = Arc::new(Memory::default());

    let tasks = Tasks::default();
    let first = propagator(&store, &settings, &tasks);
    first.start();
    let delivery = planned(&first, &token_of(&issuer, Duration::from_mins(10)));
    assert!(!format!("{delivery:?}").contains("hunter2"));
    store.keep(delivery.clone());
    assert_eq!(first.deliver_now(delivery, DEADLINE).await, Upstream::Queued);
    tasks.stop().await;
    assert_eq!(store.all().iter().map(|it| it.attempts).collect::<Vec<_>>(), [1]);

    idp.change(|hit| match hit.path.as_str() {
        WELL_KNOWN => metadata(hit, Some("/revoke")),
        _ => Reply::ok(vec![]),
    });
    let tasks = Tasks::default();
    let second = propagator(&store, &settings, &tasks);
    second.start();
    until("the token to be revoked", DEADLINE, async || store.all().is_empty().then_some(())).await;
    let sent = idp.hits().pop().unwrap();
    assert_eq!(
        (sent.path.as_str(), sent.body.as_str()),
        ("/revoke", "token=hunter2-token&token_type_hint=access_token")
    );
    tasks.stop().await;
}

#[tokio::test]
async fn an_issuer_that_is_taken_out_and_configured_again_is_told_then() {
    let idp = Idp::start(|hit| match hit.path.as_str() {
        WELL_KNOWN => metadata(hit, Some("/revoke")),
        _ => Reply::ok(vec![]),
    })
    .await;
    let issuer = idp.url("");
    let known = [settings(&issuer, SECRET, &[CLIENT])];
    let tasks = Tasks::default();
    let store = Arc::new(Memory::default());
    let propagator = propagator(&store, &known, &tasks);
    let delivery = planned(&propagator, &token_of(&issuer, Duration::from_mins(10)));
    propagator.replace_issuers(&[]);
    assert!(matches!(
        propagator.plan(&token_of(&issuer, Duration::from_mins(10)), wall()),
        Plan::Nothing(Upstream::Unsupported)
    ));
    propagator.replace_issuers(&known);
    propagator.start();
    assert_eq!(propagator.deliver_now(delivery, DEADLINE).await, Upstream::Done);
    tasks.stop().await;
}

#[tokio::test]
async fn only_what_a_provider_can_be_told_is_planned() {
    let (plain, scalekit) = ("https://idp.example", "https://acme.scalekit.dev");
    let issuers = [
        settings(plain, SECRET, &[CLIENT]),
        settings(scalekit, SECRET, &["profile: scalekit", CLIENT]),
        settings("https://no-client.example", SECRET, &[]),
    ];
    let propagator = propagator(&Arc::default(), &issuers, &Tasks::default());
    let said = |ask: &Ask<'_>| match propagator.plan(ask, wall()) {
        Plan::Nothing(upstream) => Some(upstream),
        Plan::Deliver(_) => None,
    };
    let hour = Duration::from_hours(1);
    let subject = |issuer| Ask::Subject { issuer, subject: "usr_1", except: None, up_to: wall() };
    let session = |issuer| Ask::Session { issuer, session_id: "ses_1" };
    for (ask, expected) in [
        (token_of(plain, hour), None),
        (token_of(scalekit, hour), None),
        (token_of("https://no-client.example", hour), Some(Upstream::Unsupported)),
        (session(scalekit), None),
        (subject(scalekit), None),
        (session(plain), Some(Upstream::NothingToSend)),
        (subject(plain), Some(Upstream::NothingToSend)),
        (Ask::TokenId, Some(Upstream::NothingToSend)),
        (Ask::Client, Some(Upstream::NothingToSend)),
        (Ask::Issuer, Some(Upstream::NothingToSend)),
    ] {
        assert_eq!(said(&ask), expected, "{ask:?}");
    }
    let expired = Ask::Token {
        issuer: plain,
        token: RawToken::new(TOKEN, 8192).unwrap(),
        client_id: None,
        expires_at: wall().minus(hour),
    };
    assert_eq!(said(&expired), Some(Upstream::NothingToSend), "nobody cares any more");
    let Plan::Deliver(delivery) = propagator.plan(&token_of(plain, hour), wall()) else { panic!() };
    let left = delivery.not_after.since(wall());
    assert!(left > hour && left <= hour + Duration::from_mins(1), "exp and the leeway: {left:?}");
}
