//! One service behind two Envoys, and what each failure looks like from outside.

use std::path::PathBuf;

use super::{
    super::{
        allowed::identity,
        client::{LONG, get},
        envoy::{Counts, Door, Envoy, Version},
        scene::bearer,
        upstream::{Head, Upstream},
    },
    table::{Row, Seen},
};
use crate::support::wait::until;

/// How the service says that it cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    ErrorResponse,
    RpcError,
}

impl Told {
    pub(super) const ALL: [Self; 2] = [Self::ErrorResponse, Self::RpcError];

    /// The section of the configuration.
    pub(super) fn yaml(self) -> &'static str {
        match self {
            Self::ErrorResponse => "ext_authz: { cannot_tell: error_response }\n",
            Self::RpcError => "ext_authz: { cannot_tell: rpc_error }\n",
        }
    }
}

const DOORS: [&str; 2] = ["closed", "open"];

/// Whether Envoy has time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    Patient,
    /// As long as Envoy waits by default.
    Hasty,
}

/// Both Envoys before one service.
pub(super) struct Edge {
    told: Told,
    upstream: Upstream,
    envoys: Vec<(Version, Envoy)>,
}

impl Edge {
    pub(super) async fn before(service: impl Into<PathBuf>, told: Told, patience: Patience) -> Self {
        let (service, upstream) = (service.into(), Upstream::start().await);
        let door = |name| match patience {
            Patience::Patient => Door::to(name, service.clone()),
            Patience::Hasty => Door::to(name, service.clone()).impatient(),
        };
        let [closed, open] = DOORS;
        let doors = [door(closed), door(open).failing_open()];
        let mut envoys = Vec::new();
        for version in Version::ALL {
            envoys.push((version, Envoy::start(version, &upstream, &doors).await));
        }
        Self { told, upstream, envoys }
    }

    /// Nothing has happened: it is the service that lets this pass.
    pub(super) async fn is_well(&self, token: &str) {
        for (version, envoy) in &self.envoys {
            for door in DOORS {
                until(&format!("{version:?} to be answered"), LONG, async || {
                    let answer = get(envoy.door(door), "/plain", &[("authorization", &bearer(token))]).await;
                    let heads = self.upstream.take();
                    let is_alices = |head: &Head| head.one("x-auth-subject").as_deref() == Some("alice");
                    (answer.status == 200 && heads.iter().any(is_alices)).then_some(())
                })
                .await;
            }
        }
    }

    /// The failure is there, and both Envoys show what the row says.
    pub(super) async fn shows(&self, row: &Row, token: &str) {
        for (version, envoy) in &self.envoys {
            let is_old = self.told == Told::ErrorResponse && *version == Version::V1_36;
            let expected = if is_old { &row.old } else { &row.usual };
            let seen = self.seen(envoy, token).await;
            assert_eq!(seen, *expected, "{version:?} {:?} {row:?}", self.told);
        }
    }

    async fn seen(&self, envoy: &Envoy, token: &str) -> Seen {
        let mut statuses = [None; 2];
        let mut counted = Vec::new();
        for (place, door) in statuses.iter_mut().zip(DOORS) {
            let before = envoy.counts(door).await;
            let headers = [("authorization", bearer(token)), ("x-auth_subject", "mallory".to_owned())];
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            let status = get(envoy.door(door), "/plain", &headers).await.status;
            let after = envoy.counts(door).await;
            let passed: Vec<_> = self.upstream.take().iter().map(identity).collect();
            // Each request that passes is of alice, or of nobody.
            assert_eq!(passed.len(), usize::from(status == 200), "{passed:?}");
            let is_nobodys = passed.iter().any(Vec::is_empty);
            assert_eq!(
                is_nobodys,
                after.failure_mode_allowed == before.failure_mode_allowed + 1,
                "{passed:?}"
            );
            *place = (!is_nobodys).then_some(status);
            counted.push(words(before, after));
        }
        let [closed, open] = counted.try_into().unwrap();
        assert_eq!(closed, open, "the doors count alike");
        Seen { statuses, counted: closed }
    }
}

/// What was counted between.
fn words(before: Counts, after: Counts) -> Vec<String> {
    let counts = [
        ("denied", after.denied - before.denied),
        ("error", after.error - before.error),
        ("ok", after.ok - before.ok),
        ("upstream_rq_timeout", after.upstream_rq_timeout - before.upstream_rq_timeout),
    ];
    counts.iter().filter(|(_, count)| *count > 0).map(|(word, _)| (*word).to_owned()).collect()
}
