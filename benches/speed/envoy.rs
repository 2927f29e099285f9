//! What a check costs behind a real Envoy with one worker: with Countersign, with a server that does nothing, with Envoy's own
//! `jwt_authn`, and with nothing at all.
//!
//! Envoy answers by itself, behind its filters, so that no upstream takes part; its answer says which identity an upstream
//! would have seen, which is looked at each time. The client sends a forged one.

mod config;
mod http;
mod process;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;

use self::{
    config::{Filter, SEEN},
    http::Clients,
    process::Envoy,
};
use crate::{
    check::{self, Edge},
    latency::Latencies,
    process::Process,
    report::{median, note, row},
    rounds::ROUNDS,
};

const ALONE: &str = "Envoy alone";
const JWT: &str = "jwt_authn";
const JWT_CACHED: &str = "jwt_authn with a cache";
const NOOP: &str = "no-op ext_authz";
const BLIND: &str = "no-op, does not decode";
const OURS: &str = "Countersign";

const CALLS_AT_ONCE: usize = 16;
const CALLS: usize = if cfg!(debug_assertions) { 320 } else { 16_000 };
/// For latencies so few that nobody queues for long, as in the scene `latency`.
const FEW_AT_ONCE: usize = 4;
const FEW_CALLS: usize = if cfg!(debug_assertions) { 80 } else { 8_000 };

/// One way to have requests let through.
struct Arrangement<'a> {
    name: &'static str,
    service: Option<&'a Process>,
    many: Clients,
    few: Clients,
    rounds: Vec<Round>,
    latencies: Vec<Duration>,
}

/// What a round cost.
#[derive(Clone, Copy)]
struct Round {
    wall: Duration,
    envoy: Duration,
    service: Duration,
}

impl Round {
    fn per_second(self) -> f64 {
        CALLS as f64 / self.wall.as_secs_f64()
    }

    fn envoy_micros(self) -> f64 {
        self.envoy.as_secs_f64() * 1e6 / CALLS as f64
    }

    fn service_micros(self) -> f64 {
        self.service.as_secs_f64() * 1e6 / CALLS as f64
    }

    fn micros(self) -> f64 {
        self.envoy_micros() + self.service_micros()
    }
}

pub(crate) async fn measure(directory: &Path, edge: &Edge) {
    let jwks = std::fs::read_to_string(directory.join("jwks.json")).unwrap();
    let envoy = Envoy::start(
        directory,
        &[
            (ALONE, Filter::Nothing),
            (JWT, Filter::JwtAuthn { jwks: &jwks, is_cached: false }),
            (JWT_CACHED, Filter::JwtAuthn { jwks: &jwks, is_cached: true }),
            (NOOP, Filter::ExtAuthz(edge.noop.address)),
            (BLIND, Filter::ExtAuthz(edge.blind.address)),
            (OURS, Filter::ExtAuthz(edge.countersign.address)),
        ],
    )
    .await;
    let request = check::http(&edge.token);
    let mut arrangements = vec![];
    for (name, service) in [
        (ALONE, None),
        (JWT, None),
        (JWT_CACHED, None),
        (NOOP, Some(&edge.noop)),
        (OURS, Some(&edge.countersign)),
        (BLIND, Some(&edge.blind)),
    ] {
        arrangements.push(Arrangement::new(name, service, &envoy, &request).await);
    }
    // A round that does not count warms everything up.
    for round in 0..=ROUNDS {
        for arrangement in &mut arrangements {
            arrangement.round(&envoy, round > 0).await;
        }
    }
    report(arrangements);
}

impl<'a> Arrangement<'a> {
    async fn new(name: &'static str, service: Option<&'a Process>, envoy: &Envoy, request: &Bytes) -> Self {
        let subject = if name == ALONE { "forged" } else { "user-4711" };
        let expected = Bytes::from(format!("\r\n{SEEN}: {subject}\r\n"));
        let listener = envoy.listener(name);
        Self {
            name,
            service,
            many: Clients::connect(CALLS_AT_ONCE, listener, request, &expected).await,
            few: Clients::connect(FEW_AT_ONCE, listener, request, &expected).await,
            rounds: vec![],
            latencies: vec![],
        }
    }

    async fn round(&mut self, envoy: &Envoy, counts: bool) {
        let service = || self.service.map_or(Duration::ZERO, Process::cpu);
        let (before, before_service, start) = (envoy.process.cpu(), service(), Instant::now());
        self.many.round(CALLS).await;
        let round = Round {
            wall: start.elapsed(),
            envoy: envoy.process.cpu().saturating_sub(before),
            service: service().saturating_sub(before_service),
        };
        let latencies = self.few.round(FEW_CALLS).await;
        if counts {
            self.rounds.push(round);
            self.latencies.extend(latencies);
        }
    }

    fn median(&self, figure: impl Fn(Round) -> f64) -> f64 {
        median(&self.rounds.iter().map(|round| figure(*round)).collect::<Vec<_>>())
    }

    /// The median of this one's part of the other's figure, round by round.
    fn part_of(&self, other: &Self, figure: impl Fn(Round) -> f64) -> f64 {
        let parts =
            self.rounds.iter().zip(&other.rounds).map(|(ours, theirs)| figure(*ours) / figure(*theirs));
        median(&parts.collect::<Vec<_>>())
    }
}

fn report(arrangements: Vec<Arrangement<'_>>) {
    let find = |name: &str| arrangements.iter().find(|arrangement| arrangement.name == name).unwrap();
    let (ours, noop, blind) = (find(OURS), find(NOOP), find(BLIND));
    let ratio = noop.part_of(ours, Round::service_micros);
    row(
        "Behind Envoy, cached RS256 / no-op",
        &format!("{ratio:.3} checks per CPU s"),
        ">= 0.90",
        ratio >= 0.90,
    );
    note(&format!(
        "Envoy and service together: {:.3}; against the no-op that does not decode: {:.3}, together {:.3}",
        noop.part_of(ours, Round::micros),
        blind.part_of(ours, Round::service_micros),
        blind.part_of(ours, Round::micros),
    ));
    for arrangement in arrangements {
        let (rate, envoy) = (arrangement.median(Round::per_second), arrangement.median(Round::envoy_micros));
        let service = match arrangement.service {
            Some(_) => format!("{:5.1}", arrangement.median(Round::service_micros)),
            None => "    -".to_owned(),
        };
        let latencies = Latencies::new(arrangement.latencies);
        let [p50, p99] = [0.5, 0.99].map(|part| latencies.micros_at(part));
        note(&format!(
            "{:<24} {rate:6.0} requests/s; us of CPU: Envoy {envoy:5.1}, service {service}; p50 {p50:4.0} us, p99 {p99:4.0}",
            arrangement.name,
        ));
    }
}
