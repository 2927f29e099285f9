//! What an exchange of a refresh token costs, how long a replay takes, and how often a burst reaches the provider.
//!
//! The provider is the development issuer, in this process: it ends a session whose refresh token comes twice. Its signatures are
//! not on the service's account.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use countersign::{
    dev::DevIssuer,
    proto::client::{
        RefreshRequest, TokenSet, refresh_request::Credential, refresh_response::Outcome,
        token_service_client::TokenServiceClient,
    },
    store::KeyRing,
};
use tokio::task::JoinSet;
use tonic::transport::Channel;

use crate::{
    latency::Latencies,
    process::{Process, free_address},
    replicas::RedisServer,
    report::{note, row},
    scenes::{dev_issuer, ready},
};

const SESSIONS: usize = if cfg!(debug_assertions) { 4 } else { 32 };
const FOR: Duration = Duration::from_secs(if cfg!(debug_assertions) { 1 } else { 8 });
const REPLAYS: usize = if cfg!(debug_assertions) { 50 } else { 5_000 };
const BURST: usize = 1_000;

pub(crate) async fn measure(directory: &Path) {
    let issuer = dev_issuer().await;
    println!("Refreshing at a provider on loopback that rotates; its own work is not counted");
    let file = directory.join("refresh.redb");
    on(directory, &issuer, "embedded", &format!("kind: embedded, path: {}", file.display())).await;
    let redis = RedisServer::start().await;
    let shared = format!("kind: redis, url: 'redis://{}', durability: memory", redis.address());
    on(directory, &issuer, "redis", &shared).await;
}

/// Everything, with this store.
async fn on(directory: &Path, issuer: &DevIssuer, name: &str, store: &str) {
    let (process, admin) = start(directory, issuer, name, store).await;
    let client = TokenServiceClient::connect(format!("http://{}", process.address)).await.unwrap();
    println!("  store: {name}");
    rates(&process, &client, issuer).await;
    replays(&client, issuer).await;
    bursts(&client, issuer, admin).await;
}

async fn start(directory: &Path, issuer: &DevIssuer, name: &str, store: &str) -> (Process, SocketAddr) {
    let (address, admin) = (free_address(), free_address());
    let (ring, secret) = (directory.join("refresh.keys"), directory.join("refresh.secret"));
    if !ring.exists() {
        KeyRing::create(&ring).unwrap();
    }
    std::fs::write(&secret, issuer.client_secret()).unwrap();
    let text = format!(
        "listen: {address}\nadmin: {{ listen: {admin} }}\nissuers:\n  - name: bench\n    issuer: {}\n    \
         audiences: [countersign-dev]\n    clients: [{{ id: {}, secret: {{ file: {} }} }}]\n    \
         refresh: {{ rotation: strict }}\n\
         refresh: {{ limit: {{ burst: 1000000, per: 1000s }}, caller_limit: {{ burst: 1000000, per: 1000s }}, \
         issuer_limit: {{ burst: 1000000, per: 1000s }} }}\n\
         key_ring: {{ file: {} }}\nstore: {{ {store} }}\ntelemetry: {{ log: error }}\n",
        issuer.issuer_url(),
        issuer.client_id(),
        secret.display(),
        ring.display(),
    );
    let path = directory.join(format!("refresh-{name}.yaml"));
    std::fs::write(&path, text).unwrap();
    let since = Instant::now();
    let mut process = Process::countersign(&path, address);
    ready(admin, since).await;
    process.accepting(since);
    (process, admin)
}

async fn refresh(client: &mut TokenServiceClient<Channel>, token: &str) -> TokenSet {
    let credential = Some(Credential::RefreshToken(token.to_owned()));
    let request = RefreshRequest { credential, ..RefreshRequest::default() };
    match client.refresh(request).await.unwrap().into_inner().outcome {
        Some(Outcome::Tokens(tokens)) => tokens,
        Some(Outcome::Rejection(rejection)) => panic!("{rejection:?}"),
        None => panic!("an answer without an outcome"),
    }
}

/// Each session refreshes again as soon as it was answered.
async fn rates(process: &Process, client: &TokenServiceClient<Channel>, issuer: &DevIssuer) {
    let logins: Vec<_> = (0..SESSIONS).map(|_| issuer.login().unwrap().refresh_token).collect();
    let (before, since) = (process.cpu(), Instant::now());
    let mut sessions = JoinSet::new();
    for mut token in logins {
        let mut client = client.clone();
        sessions.spawn(async move {
            let mut refreshed = 0_u32;
            while since.elapsed() < FOR {
                let tokens = refresh(&mut client, &token).await;
                assert!(!tokens.replayed, "it is a new one each time");
                token = tokens.refresh_token;
                refreshed += 1;
            }
            refreshed
        });
    }
    let refreshed: u32 = sessions.join_all().await.into_iter().sum();
    let (wall, used) = (since.elapsed().as_secs_f64(), process.cpu().saturating_sub(before).as_secs_f64());
    note(&format!(
        "{SESSIONS} sessions at once: {:.0} refreshes a second, {:.0} us of server CPU each",
        f64::from(refreshed) / wall,
        used * 1e6 / f64::from(refreshed)
    ));
}

/// One after the other, all of them within the time of a replay.
async fn replays(client: &TokenServiceClient<Channel>, issuer: &DevIssuer) {
    let mut client = client.clone();
    let token = issuer.login().unwrap().refresh_token;
    let first = refresh(&mut client, &token).await;
    let mut durations = Vec::new();
    for _replay in 0..REPLAYS {
        let since = Instant::now();
        let tokens = refresh(&mut client, &token).await;
        durations.push(since.elapsed());
        assert!(tokens.replayed && tokens.refresh_token == first.refresh_token);
    }
    let durations = Latencies::new(durations);
    let shown = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)]
        .map(|(name, part)| format!("{name} {:.0}", durations.micros_at(part)));
    note(&format!("a replay, us of {REPLAYS}: {}", shown.join("  ")));
}

/// Many callers with one token at once.
async fn bursts(client: &TokenServiceClient<Channel>, issuer: &DevIssuer, admin: SocketAddr) {
    let token = issuer.login().unwrap().refresh_token;
    let before = exchanges(admin).await;
    let since = Instant::now();
    let mut callers = JoinSet::new();
    for _caller in 0..BURST {
        let (mut client, token) = (client.clone(), token.clone());
        callers.spawn(async move { refresh(&mut client, &token).await.refresh_token });
    }
    let answers = callers.join_all().await;
    let took = since.elapsed();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "one successor");
    let sent = exchanges(admin).await - before;
    row(
        &format!("    exchanges for a burst of {BURST} callers"),
        &format!("{sent:.0}"),
        "= 1",
        (sent - 1.0).abs() < f64::EPSILON,
    );
    note(&format!("all answered after {:.1} ms", took.as_secs_f64() * 1e3));
}

/// How many refresh tokens were sent so far, whatever came of it.
async fn exchanges(admin: SocketAddr) -> f64 {
    let text = crate::scenes::get(admin, "/metrics").await;
    let lines = text.lines().filter(|line| line.starts_with("countersign_refresh_exchanges_total{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}
