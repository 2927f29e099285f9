//! Issuers made of one listener each, that answer about tokens as they are told, and a validator that asks them.

use std::{fmt::Write, path::Path, sync::Arc, time::Duration};

use countersign::{
    config::{Config, Environment},
    domain::{
        revocation::{Reach, Revocation, Target},
        time::Clock,
    },
    ops::drain::Tasks,
};
use serde_json::{Value, json};

use crate::{
    support::{
        idp::{Hit, Idp, Reply},
        inprocess::{self, InProcess},
        tokens::Signer,
    },
    table::{
        Expected,
        mint::{self, Asked, ManualClock, NOW},
    },
};

pub(super) const TOKEN: &str = "at_0123456789abcdef";
/// When to ask again where an issuer does not say.
pub(super) const SOON: Option<Duration> = Some(Duration::from_secs(1));
const SHARED: &str = "a-made-up-secret-that-protects-nothing";
const INTROSPECT: &str = "/introspect";

/// Who is asked: how it answers about tokens, and more lines of its section.
pub(super) struct World {
    pub(super) idps: Vec<Idp>,
    pub(super) inner: InProcess,
    pub(super) clock: Arc<ManualClock>,
    _tasks: Tasks,
}

/// What a question got for an answer, in a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Good,
    Refused(countersign::domain::reason::Reason),
    Fault(&'static str, Option<Duration>),
}

/// Answers about every token like this, and finds its endpoint in its metadata.
pub(super) fn introspecting(
    answer: impl Fn(&Hit) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Hit) -> Reply + Send + Sync + 'static {
    move |hit| if hit.path == INTROSPECT { answer(hit) } else { metadata(hit) }
}

fn metadata(hit: &Hit) -> Reply {
    let host = hit.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let issuer = format!("http://{host}");
    let document = json!({
        "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
        "introspection_endpoint": format!("{issuer}{INTROSPECT}"),
    });
    Reply::ok(document.to_string().into_bytes())
}

pub(super) fn reply(answer: &Value) -> Reply {
    Reply::ok(answer.to_string().into_bytes())
}

/// What an issuer says of a good token.
pub(super) fn active() -> Value {
    json!({
        "active": true, "token_type": "Bearer", "aud": "api", "sub": "alice", "client_id": "web", "scope": "read",
        "iat": NOW - 60, "exp": NOW + 3600,
    })
}

impl World {
    /// One issuer that is asked about all opaque tokens.
    pub(super) async fn with(answer: impl Fn(&Hit) -> Reply + Send + Sync + 'static) -> Self {
        Self::of(vec![(Idp::start(introspecting(answer)).await, Some("{}"))]).await
    }

    /// These issuers, each with its `introspection`; `None`: it is not asked.
    pub(super) async fn of(issuers: Vec<(Idp, Option<&str>)>) -> Self {
        let mut yaml = "issuers:\n".to_owned();
        for (number, (idp, introspection)) in issuers.iter().enumerate() {
            writeln!(
                yaml,
                "  - name: idp{number}\n    issuer: {}\n    secret: {{ env: SHARED }}\n    audiences: [api]\n    \
                 keys: {{ timeout: 1s, refresh_after: 100ms, min_refetch: 50ms }}\n    clients: [{{ id: us, secret: {{ env: CLIENT }} }}]\n    introspection: {}",
                idp.url(""),
                introspection.unwrap_or("off"),
            )
            .unwrap();
        }
        let environment = Environment::from_iter([("SHARED", SHARED), ("CLIENT", "hunter2")]);
        let config = Config::parse(&yaml, &environment, Path::new("/")).unwrap().config;
        let (clock, tasks) = (Arc::new(ManualClock::at(NOW)), Tasks::default());
        let inner = inprocess::validator(config, Arc::<ManualClock>::clone(&clock), &tasks).await;
        let idps = issuers.into_iter().map(|(idp, _)| idp).collect();
        Self { idps, inner, clock, _tasks: tasks }
    }

    pub(super) fn issuer(&self, number: usize) -> String {
        self.idps[number].url("")
    }

    pub(super) async fn ask(&self, token: &str) -> Said {
        self.ask_for(token, &Asked::default()).await
    }

    pub(super) async fn ask_for(&self, token: &str, asked: &Asked) -> Said {
        match mint::ask(&self.inner, token, asked).await {
            Ok(Expected::Good) => Said::Good,
            Ok(Expected::Refused(reason)) => Said::Refused(reason),
            Err(fault) => Said::Fault(fault.reason(), fault.retry_after()),
        }
    }

    /// How often an issuer was asked about a token.
    pub(super) fn questions(&self, number: usize) -> usize {
        self.asked(number).len()
    }

    /// What it was asked.
    pub(super) fn asked(&self, number: usize) -> Vec<Hit> {
        self.idps[number].hits().into_iter().filter(|hit| hit.path == INTROSPECT).collect()
    }

    pub(super) fn revoke(&self, target: Target) {
        let until = self.clock.now().plus(Duration::from_hours(1));
        let made_at = self.clock.now();
        let revocation = Revocation { target, reach: Reach::All, made_at, until, kept_until: until };
        self.inner.revocations.insert(&[revocation]).unwrap();
    }

    /// A good JWT of an issuer.
    pub(super) fn jwt(&self, number: usize) -> String {
        let claims = json!({
            "iss": self.issuer(number), "aud": "api", "sub": "alice", "iat": NOW - 60, "exp": NOW + 3600,
        });
        Signer::shared("HS256", SHARED.as_bytes()).access_token(&claims)
    }
}
