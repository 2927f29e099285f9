//! How soon what is revoked on one replica is refused on another, and what 1,000 revocations a second cost each.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use countersign::proto::client::{
    RevokeRequest, ValidateRequest, revoke_request::Target, token_service_client::TokenServiceClient,
    validate_response::Outcome,
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tonic::transport::Channel;

use super::{Deployment, Replica};
use crate::{
    latency::Latencies,
    report::note,
    tokens::{ISSUER, Signer},
};

const REVOCATIONS: usize = if cfg!(debug_assertions) { 20 } else { 1_000 };
const A_SECOND: u32 = 1_000;
const FOR: Duration = Duration::from_secs(if cfg!(debug_assertions) { 1 } else { 10 });
/// No other scene's.
const SERIALS: usize = 3_000_000;
const TOKEN_BYTES: usize = 730;

pub(crate) async fn propagation(directory: &Path, signer: &Signer, now: u64) {
    let deployment = Deployment::start(directory).await;
    let replicas =
        [deployment.replica("a").await, deployment.replica("b").await, deployment.replica("c").await];
    println!("Propagation: three replicas, Redis on loopback, durability: memory");
    delays(&replicas, signer, now).await;
    costs(&deployment, &replicas).await;
}

async fn client(replica: &Replica) -> TokenServiceClient<Channel> {
    TokenServiceClient::connect(format!("http://{}", replica.process.address)).await.unwrap()
}

fn revoke(id: String) -> RevokeRequest {
    RevokeRequest {
        target: Some(Target::TokenId(id)),
        issuer: ISSUER.to_owned(),
        reason: "measured".to_owned(),
        ..RevokeRequest::default()
    }
}

async fn is_good(client: &mut TokenServiceClient<Channel>, token: &str) -> bool {
    let request = ValidateRequest { token: token.to_owned(), ..ValidateRequest::default() };
    matches!(client.validate(request).await.unwrap().into_inner().outcome, Some(Outcome::Token(_)))
}

/// One revocation at a time. The other replica is asked without a pause, from before the revocation is sent; a delay ends with
/// the answer that was the first to refuse, so it is longer than the truth by up to one call.
async fn delays([a, b, _]: &[Replica; 3], signer: &Signer, now: u64) {
    let (mut a, b) = (client(a).await, client(b).await);
    let (mut since_sent, mut since_answered) = (Vec::new(), Vec::new());
    for serial in SERIALS..SERIALS + REVOCATIONS {
        let token = signer.token(serial, TOKEN_BYTES, now);
        let mut asking = b.clone();
        assert!(is_good(&mut asking, &token).await, "nobody has revoked it");
        let refused = tokio::spawn(async move {
            while is_good(&mut asking, &token).await {}
            Instant::now()
        });
        let sent = Instant::now();
        a.revoke(revoke(format!("{serial:08}"))).await.unwrap();
        let answered = Instant::now();
        let refused = refused.await.unwrap();
        since_sent.push(refused - sent);
        since_answered.push(refused.saturating_duration_since(answered));
    }
    for (from, delays) in [("Revoke is sent to A", since_sent), ("A has answered", since_answered)] {
        let delays = Latencies::new(delays);
        let shown = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)]
            .map(|(name, part)| format!("{name} {:.0}", delays.micros_at(part)));
        note(&format!("refused on B after {from}, us of {REVOCATIONS}: {}", shown.join("  ")));
    }
}

/// What everybody uses while there is nothing to do, and while A is asked to revoke.
async fn costs(deployment: &Deployment, replicas: &[Replica; 3]) {
    let before = Used::of(deployment, replicas).await;
    sleep(FOR).await;
    note(&format!("idle, ms of CPU a second: {}", Used::of(deployment, replicas).await.since(&before)));
    let mut a = client(&replicas[0]).await;
    // So that what is made on the first call is made.
    a.revoke(revoke("first".to_owned())).await.unwrap();
    let before = Used::of(deployment, replicas).await;
    let revoked = at_pace(&a).await;
    let after = Used::of(deployment, replicas).await;
    let rate = f64::from(revoked) / (after.at - before.at).as_secs_f64();
    note(&format!("at {rate:.0} revocations a second, ms of CPU a second: {}", after.since(&before)));
}

/// Revokes at the pace, whether or not answers keep up with it; returns how many were answered, which is all.
async fn at_pace(a: &TokenServiceClient<Channel>) -> u32 {
    let many = A_SECOND * u32::try_from(FOR.as_secs()).unwrap();
    let mut pace = interval(Duration::from_secs(1) / A_SECOND);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = JoinSet::new();
    for number in 0..many {
        pace.tick().await;
        let mut client = a.clone();
        calls.spawn(async move { client.revoke(revoke(format!("paced-{number}"))).await.map(drop) });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().expect("grpc-status 0");
    }
    many
}

/// CPU time until a moment.
struct Used {
    at: Instant,
    replicas: [Duration; 3],
    redis: f64,
}

impl Used {
    async fn of(deployment: &Deployment, replicas: &[Replica; 3]) -> Self {
        Self {
            redis: deployment.redis_cpu().await,
            replicas: replicas.each_ref().map(|replica| replica.process.cpu()),
            at: Instant::now(),
        }
    }

    fn since(&self, before: &Self) -> String {
        let wall = (self.at - before.at).as_secs_f64();
        let [a, b, c] = [0, 1, 2].map(|index| {
            self.replicas[index].saturating_sub(before.replicas[index]).as_secs_f64() * 1e3 / wall
        });
        let redis = (self.redis - before.redis) * 1e3 / wall;
        format!("A, which is asked, {a:.1}; B and C, which follow, {b:.1} and {c:.1}; Redis {redis:.1}")
    }
}
