//! What is measured, row by row of the speed budget (ARCHITECTURE.md).

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use countersign::{
    dev::{DevIssuer, DevOptions},
    ops::{clock::SystemClock, drain::Tasks},
    proto::{
        client::{BatchValidateRequest, ValidateRequest},
        server::{ValidateResponse, validate_response::Outcome},
    },
};
use prost::Message;

use crate::{
    check::{self, Edge},
    envoy, latency,
    load::{Load, Round},
    machine,
    process::{Process, free_address},
    refresh, replicas,
    report::{median, note, row},
    revocations,
    rounds::{ROUNDS, in_turn, medians, ratios},
    tokens::{AUDIENCE, ISSUER, Signer, jwks},
};

pub(crate) const TOKEN_BYTES: usize = 730;
const CALLS: usize = 60_000;
const FRESH_TOKENS: usize = 12_000;
/// Serial numbers of the tokens in batches: no other scene's.
const BATCH_SERIALS: usize = 1_000_000;
const STARTS: usize = 11;
/// A million revocations may have to be read first.
const TO_BE_READY: Duration = Duration::from_mins(2);
/// They measure what needs none of the servers that the others share.
const APART: [&str; 6] = ["revocations", "propagation", "joining", "refresh", "check", "envoy"];

/// Measures the scenes whose names are asked for; all of them if none is.
pub(crate) async fn run(asked: &[String]) {
    let wanted = |scene: &str| asked.is_empty() || asked.iter().any(|asked| asked == scene);
    let directory = std::env::temp_dir().join(format!("countersign-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let signers = Signer::all();
    std::fs::write(directory.join("jwks.json"), jwks(&signers)).unwrap();
    machine::describe().await;
    println!("{ROUNDS} rounds each, in turn; server CPU time per call from the operating system; medians\n");

    if wanted("revocations") {
        revocations::measure(&directory, &signers[0], now).await;
    }
    if wanted("propagation") {
        replicas::propagation(&directory, &signers[0], now).await;
    }
    if wanted("joining") {
        replicas::joining(&directory, &signers[0], now).await;
    }
    if wanted("refresh") {
        refresh::measure(&directory).await;
    }
    if wanted("check") || wanted("envoy") {
        let edge = Edge::start(&directory, &signers[0], now).await;
        if wanted("check") {
            check::measure(&edge).await;
        }
        if wanted("envoy") {
            envoy::measure(&directory, &edge).await;
        }
    }
    if !asked.is_empty() && asked.iter().all(|scene| APART.contains(&scene.as_str())) {
        std::fs::remove_dir_all(&directory).unwrap();
        return;
    }
    let bench = Bench::start(&directory, &signers[0], now).await;
    if wanted("cached") {
        bench.cached().await;
    }
    if wanted("latency") {
        bench.latency().await;
    }
    if wanted("batch") {
        bench.batch(&signers[0], now).await;
    }
    for signer in signers.iter().filter(|_| wanted("uncached")) {
        bench.uncached(signer, now).await;
    }
    if wanted("runtimes") {
        bench.runtimes().await;
    }
    drop(bench);
    if wanted("start") {
        start_and_idle(&directory).await;
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

struct Bench {
    countersign: Process,
    forgetful: Process,
    noop: Process,
    token: String,
    directory: PathBuf,
}

pub(crate) fn is_token(answer: &[u8]) -> bool {
    answer.first() == Some(&0x0a)
}

pub(crate) fn validate(token: &str) -> Bytes {
    ValidateRequest { token: token.to_owned(), ..ValidateRequest::default() }.encode_to_vec().into()
}

/// Writes a configuration; returns where it is and where its server listens.
pub(crate) fn config(directory: &Path, name: &str, max_age: &str) -> (PathBuf, std::net::SocketAddr) {
    let (address, admin) = (free_address(), free_address());
    let (jwks, store) = (directory.join("jwks.json"), directory.join(format!("{name}.redb")));
    let text = format!(
        "listen: {address}\nadmin: {{ listen: {admin} }}\nissuers:\n  - name: bench\n    issuer: {ISSUER}\n    \
         audiences: [{AUDIENCE}]\n    jwks_file: {}\ncache: {{ max_age: {max_age} }}\n\
         store: {{ kind: embedded, path: {} }}\ntelemetry: {{ log: error }}\n",
        jwks.display(),
        store.display(),
    );
    let path = directory.join(format!("{name}.yaml"));
    std::fs::write(&path, text).unwrap();
    (path, address)
}

impl Bench {
    async fn start(directory: &Path, signer: &Signer, now: u64) -> Self {
        let (path, address) = config(directory, "cached", "5m");
        let mut countersign = Process::countersign(&path, address);
        countersign.accepting(Instant::now());
        // Forgets a token after a second, so that every round of fresh tokens is fresh again.
        let (path, address) = config(directory, "forgetful", "1s");
        let mut forgetful = Process::countersign(&path, address);
        forgetful.accepting(Instant::now());
        let token = signer.token(0, TOKEN_BYTES, now);
        let answer = Load::new(&countersign, "Validate", vec![validate(&token)], is_token).await.once().await;
        let Some(Outcome::Token(info)) = ValidateResponse::decode(answer).unwrap().outcome else {
            panic!("the token was refused");
        };
        std::fs::write(directory.join("answer.bin"), &info).unwrap();
        let noop = Process::noop(&directory.join("answer.bin"), None);
        note(&format!("token {} bytes, answer {} bytes", token.len(), info.len()));
        Self { countersign, forgetful, noop, token, directory: directory.to_owned() }
    }

    /// Row 1.
    async fn cached(&self) {
        let request = vec![validate(&self.token)];
        let ours = Load::new(&self.countersign, "Validate", request.clone(), is_token).await;
        let noop = Load::new(&self.noop, "Validate", request, is_token).await;
        let (ours, noop) = in_turn(
            async || ours.round(&self.countersign, CALLS).await,
            async || noop.round(&self.noop, CALLS).await,
        )
        .await;
        let ratio = ratios(&ours, &noop, Round::per_cpu_second);
        row(
            "Validate, cached RS256 / no-op",
            &format!("{ratio:.3} calls per CPU s"),
            ">= 0.90",
            ratio >= 0.90,
        );
        note(&format!(
            "ours {:.1} us, no-op {:.1} us of server CPU per call; {:.0} and {:.0} calls per second; wall ratio {:.3}",
            medians(&ours, Round::cpu_micros),
            medians(&noop, Round::cpu_micros),
            medians(&ours, Round::per_second),
            medians(&noop, Round::per_second),
            ratios(&ours, &noop, Round::per_second),
        ));
    }

    /// Which runtime: one of many threads, or one for each thread. Asked of the no-op, since the RPC is what it is about.
    async fn runtimes(&self) {
        let threads = Process::noop_in_threads(&self.directory.join("answer.bin"));
        let request = vec![validate(&self.token)];
        for connections in [1, 4, 16] {
            let load =
                async |of: &Process| Load::over(connections, of, "Validate", request.clone(), is_token).await;
            let (each, one) = (load(&threads).await, load(&self.noop).await);
            let (each, one) = in_turn(
                async || each.round(&threads, CALLS).await,
                async || one.round(&self.noop, CALLS).await,
            )
            .await;
            note(&format!(
                "{connections} connections, a runtime for each thread / one for all: {:.3} calls per CPU s ({:.1} against \
                 {:.1} us), {:.3} calls per s",
                ratios(&each, &one, Round::per_cpu_second),
                medians(&each, Round::cpu_micros),
                medians(&one, Round::cpu_micros),
                ratios(&each, &one, Round::per_second),
            ));
        }
    }

    /// No row: the distribution behind row 1.
    async fn latency(&self) {
        let request = vec![validate(&self.token)];
        let ours = Load::new(&self.countersign, "Validate", request.clone(), is_token).await;
        let noop = Load::new(&self.noop, "Validate", request, is_token).await;
        latency::measure(&ours, &noop).await;
    }

    /// Row 2. A batch is of many users' tokens, so each is another; the unary calls ask about the same ones in turn.
    async fn batch(&self, signer: &Signer, now: u64) {
        let tokens: Vec<String> =
            (0..32).map(|serial| signer.token(BATCH_SERIALS + serial, TOKEN_BYTES, now)).collect();
        let one_by_one: Vec<_> = tokens.iter().map(|token| validate(token)).collect();
        for include_claims in [false, true] {
            let requests = tokens
                .iter()
                .map(|token| ValidateRequest { token: token.clone(), ..ValidateRequest::default() })
                .collect();
            let request = BatchValidateRequest { requests, include_claims }.encode_to_vec().into();
            let batch = Load::new(&self.countersign, "BatchValidate", vec![request], is_token).await;
            let unary = Load::new(&self.countersign, "Validate", one_by_one.clone(), is_token).await;
            let (batch, unary) = in_turn(
                async || batch.round(&self.countersign, CALLS / 8).await,
                async || unary.round(&self.countersign, CALLS).await,
            )
            .await;
            let ratio = ratios(&batch, &unary, Round::per_cpu_second) * 32.0;
            let claims = if include_claims { "with" } else { "without" };
            row(
                &format!("Batch of 32 {claims} claims / unary"),
                &format!("{ratio:.1} x tokens per CPU s"),
                ">= 8",
                ratio >= 8.0,
            );
            note(&format!("{:.2} us of server CPU per token", medians(&batch, Round::cpu_micros) / 32.0));
        }
    }

    /// Row 3. The yardstick is one server that does both, answers as the no-op does and verifies the bare signature: the sum
    /// of both measured apart leaves out what every server pays for doing them in turn (colder caches, smaller batches of
    /// frames). The sum is printed, too.
    async fn uncached(&self, signer: &Signer, now: u64) {
        let tokens: Vec<String> =
            (0..FRESH_TOKENS).map(|serial| signer.token(serial, TOKEN_BYTES, now)).collect();
        let bare = signer.bare_verify_micros(&tokens[0]);
        let key = self.directory.join("key.bin");
        std::fs::write(&key, signer.public_key()).unwrap();
        let verifying = Process::noop(&self.directory.join("answer.bin"), Some((signer.name(), &key)));
        let requests: Vec<_> = tokens.iter().map(|token| validate(token)).collect();
        let fresh = Load::new(&self.forgetful, "Validate", requests.clone(), is_token).await;
        let coming = Load::new(&self.countersign, "Validate", requests.clone(), is_token).await;
        let verified = Load::new(&verifying, "Validate", requests, is_token).await;
        let noop = Load::new(&self.noop, "Validate", vec![validate(&self.token)], is_token).await;
        let (ours, yardstick) = in_turn(
            async || {
                // A second and more, so that what the last round left in the cache no longer counts.
                tokio::time::sleep(Duration::from_millis(1200)).await;
                fresh.round(&self.forgetful, FRESH_TOKENS).await
            },
            async || verified.round(&verifying, FRESH_TOKENS).await,
        )
        .await;
        let mut apart = Vec::new();
        for _ in 0..3 {
            apart.push(noop.round(&self.noop, CALLS).await);
        }
        let mut in_a_row = Vec::new();
        for _ in 0..3 {
            in_a_row.push(coming.round(&self.countersign, FRESH_TOKENS).await.cpu_micros());
        }
        let ratio = ratios(&ours, &yardstick, Round::per_cpu_second);
        row(
            &format!("Validate, uncached {} / (no-op + verify)", signer.name()),
            &format!("{ratio:.3} calls per CPU s"),
            ">= 0.85",
            ratio >= 0.85,
        );
        let (ours, both) = (medians(&ours, Round::cpu_micros), medians(&yardstick, Round::cpu_micros));
        let apart = medians(&apart, Round::cpu_micros);
        note(&format!(
            "ours {ours:.1} us, no-op that verifies {both:.1} us of server CPU per call; measured apart: no-op {apart:.1} us \
             + bare verification {bare:.1} us, ratio to their sum {:.3}",
            (apart + bare) / ours,
        ));
        let [first, second, third] = in_a_row.as_slice() else { unreachable!("three rounds") };
        note(&format!(
            "with the usual cache.max_age: the first time {first:.1} us, the second {second:.1} us, the third {third:.1} us"
        ));
    }
}

/// Rows 6 and 7, with discovery and keys from an identity provider on loopback.
async fn start_and_idle(directory: &Path) {
    let issuer = dev_issuer().await;
    let (address, admin) = (free_address(), free_address());
    let path = directory.join("start.yaml");
    let text = format!(
        "listen: {address}\nadmin: {{ listen: {admin} }}\nissuers:\n  - name: dev\n    issuer: {}\n    audiences: [a]\n\
         store: {{ kind: embedded, path: {} }}\ntelemetry: {{ log: error }}\n",
        issuer.issuer_url(),
        directory.join("start.redb").display(),
    );
    std::fs::write(&path, text).unwrap();
    let mut starts = Vec::new();
    let mut resident = Vec::new();
    for _ in 0..STARTS {
        let since = Instant::now();
        let mut process = Process::countersign(&path, address);
        process.accepting(since);
        ready(admin, since).await;
        starts.push(since.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(500)).await;
        resident.push(process.resident_kib() as f64 / 1024.0);
    }
    let start = median(&starts);
    row("Start to ready", &format!("{start:.0} ms"), "<= 150 ms", start <= 150.0);
    let resident = median(&resident);
    row("Idle resident memory", &format!("{resident:.1} MiB"), "<= 25 MiB", resident <= 25.0);
}

pub(crate) async fn ready(admin: std::net::SocketAddr, since: Instant) {
    until_200(admin, "/readyz", since).await;
}

/// Asks an admin port until it says 200 there.
pub(crate) async fn until_200(admin: std::net::SocketAddr, path: &str, since: Instant) {
    while !try_get(admin, path).await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
        assert!(since.elapsed() < TO_BE_READY, "never ready");
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
}

/// What an admin port says.
pub(crate) async fn get(admin: std::net::SocketAddr, path: &str) -> String {
    try_get(admin, path).await.unwrap()
}

async fn try_get(admin: std::net::SocketAddr, path: &str) -> Option<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(admin).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

/// A provider in this process.
pub(crate) async fn dev_issuer() -> DevIssuer {
    let clock = std::sync::Arc::new(SystemClock);
    DevIssuer::start(DevOptions::default(), clock, &Tasks::default()).await.unwrap()
}
