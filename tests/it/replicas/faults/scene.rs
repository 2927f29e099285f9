//! What is true whatever happens to Redis: nobody forgets a revocation, and the page says the rest.

use countersign::proto::client::{Reason, revoke_request::Target};
use tonic_types::StatusExt as _;

use super::{
    super::set::{LONG, Replicas, Settings},
    table::Row,
};
use crate::support::{
    service::{Said, Service},
    wait::until,
};

/// The replica that goes on with what it knows, and the one that does not.
pub(super) const SERVES: usize = 0;
pub(super) const REFUSES: usize = 1;

/// Two replicas on a Redis to which something is about to happen.
pub(super) struct Scene {
    pub(super) row: Row,
    pub(super) replicas: Replicas,
    settings: Settings,
    files: Vec<(&'static str, Vec<u8>)>,
    good: String,
    /// Revoked tokens that each replica has been seen to know of, or was told to revoke itself.
    known: [Vec<String>; 2],
}

impl Scene {
    /// Both find Redis there, and know of one revocation.
    pub(super) async fn of(link: &str, url: &str) -> Self {
        Self::with(link, &[Settings::memory(url), Settings::memory(url)], &[]).await
    }

    /// Each has its own settings, and these files beside them.
    pub(super) async fn with(link: &str, settings: &[Settings; 2], files: &[(&'static str, &[u8])]) -> Self {
        let [serves, refuses] = settings;
        let refuses =
            Settings { revocation: "on_stale: refuse, max_staleness: 2s".to_owned(), ..refuses.clone() };
        let replicas = Replicas::start_with(&[serves.clone(), refuses], files).await;
        let mut scene = Self {
            row: Row::of(link),
            good: replicas.token_with_id("good"),
            known: Default::default(),
            settings: serves.clone(),
            files: files.iter().map(|(name, content)| (*name, content.to_vec())).collect(),
            replicas,
        };
        scene.revoke_well(SERVES, "before").await;
        let before = scene.replicas.token_with_id("before");
        scene.replicas.refused(REFUSES, &before).await;
        scene.known[REFUSES].push(before);
        for replica in [SERVES, REFUSES] {
            assert!(scene.replicas.all[replica].validate(&scene.good).await.is_good());
        }
        scene
    }

    /// Revokes a token, which works.
    pub(super) async fn revoke_well(&mut self, replica: usize, id: &str) {
        self.replicas.revoke(replica, Target::TokenId(id.to_owned())).await.unwrap();
        self.known[replica].push(self.replicas.token_with_id(id));
    }

    /// The fault is there, for these replicas: each does what the row says, and the other one is not touched.
    pub(super) async fn during(&mut self, replicas: &[usize]) {
        for replica in [SERVES, REFUSES] {
            self.never_good().await;
            let is_there = replicas.contains(&replica);
            self.revokes(replica, is_there.then(|| self.row.revoke_fails().map(ToOwned::to_owned)).flatten())
                .await;
            self.validates(replica, is_there && self.row.grows_stale()).await;
            self.is_ready(replica, is_there && self.row.degrades()).await;
        }
        self.never_good().await;
    }

    /// What Revoke says; the token is refused on that replica whatever it says.
    async fn revokes(&mut self, replica: usize, fails: Option<String>) {
        let id = format!("during {replica}");
        let answer = self.replicas.revoke(replica, Target::TokenId(id.clone())).await;
        let reason = answer.err().map(|status| reason_of(&status));
        assert_eq!(reason, fails, "replica {replica} and {:?}", self.row);
        self.known[replica].push(self.replicas.token_with_id(&id));
        self.never_good().await;
    }

    /// What Validate says to a good token.
    async fn validates(&self, replica: usize, grows_stale: bool) {
        let service = &self.replicas.all[replica];
        if grows_stale && replica == REFUSES {
            let reason = until("what is known to be too old", LONG, async || {
                match service.validate(&self.good).await {
                    Said::CannotTell(status) => Some(reason_of(&status)),
                    Said::Good(_) | Said::Refused(_) => None,
                }
            })
            .await;
            assert_eq!(reason, "REVOCATIONS_STALE");
        } else {
            service.validate(&self.good).await.good();
        }
    }

    /// What `/readyz` says: ready in any case.
    pub(super) async fn is_ready(&self, replica: usize, degraded: bool) {
        until("readiness to show it", LONG, async || {
            let answer = self.replicas.all[replica].admin_get("/readyz").await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            (answer.body.contains("degraded: revocations are not current") == degraded).then_some(())
        })
        .await;
    }

    /// Who knows of a revocation does not forget it, whatever Redis holds now.
    async fn never_good(&self) {
        for (service, known) in self.replicas.all.iter().zip(&self.known) {
            for token in known {
                assert!(!service.validate(token).await.is_good(), "what was revoked is accepted");
            }
        }
    }

    /// The fault is over: all that was revoked is refused everywhere, also by who knows only what Redis holds, and all else is
    /// good.
    pub(super) async fn after(&self) {
        let newcomer = self.newcomer().await;
        for service in self.replicas.all.iter().chain([&newcomer]) {
            for token in self.known.iter().flatten() {
                let reason = until("a revocation to count", LONG, async || {
                    self.never_good().await;
                    match service.validate(token).await {
                        Said::Refused(reason) => Some(reason),
                        Said::Good(_) | Said::CannotTell(_) => None,
                    }
                })
                .await;
                assert_eq!(reason, Reason::Revoked);
            }
            until("what is good to be accepted", LONG, async || {
                service.validate(&self.good).await.is_good().then_some(())
            })
            .await;
        }
        for replica in [SERVES, REFUSES] {
            self.is_ready(replica, false).await;
        }
    }

    async fn newcomer(&self) -> Service {
        let mut newcomer = self.start_another();
        newcomer.ready().await;
        newcomer
    }

    /// Starts a process that knows nothing.
    pub(super) fn start_another(&self) -> Service {
        let files: Vec<(&str, &[u8])> = self.files.iter().map(|(name, it)| (*name, it.as_slice())).collect();
        self.replicas.another(&self.settings, &files)
    }

    /// Starts one now, during the fault, and checks what the row says of that. Who waits is returned.
    pub(super) async fn start_meanwhile(&self) -> Option<Service> {
        let mut service = self.start_another();
        if self.row.refuses_a_start() {
            assert!(!service.wait_exit().await.success(), "{}", service.output());
            return None;
        }
        assert!(self.row.delays_a_start(), "{:?}", self.row);
        let answer = until("its admin port", LONG, async || service.try_admin_get("/readyz").await).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
        Some(service)
    }
}

fn reason_of(status: &tonic::Status) -> String {
    status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}")).reason
}
