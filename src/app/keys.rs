//! What the process says about its issuers' keys: readiness at the start, health from then on.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::time::{interval, timeout};

use crate::{
    api::grpc::health::Health,
    ops::{
        drain::Tasks,
        readiness::{Guard, Readiness},
    },
};

/// Start-up waits this long for an issuer's first fetch, then goes on without.
const FIRST_FETCH: Duration = Duration::from_secs(15);
/// How often health follows what the issuer has.
const FOLLOW: Duration = Duration::from_secs(1);

/// As much of an issuer as readiness and health need.
pub struct KeyHolder {
    name: String,
    first_attempt: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    usable: Box<dyn Fn() -> bool + Send + Sync>,
}

impl KeyHolder {
    /// `first_attempt` resolves once the first fetch succeeded or failed; `usable` tells whether there are keys that
    /// verify now.
    pub fn new(
        name: impl Into<String>,
        first_attempt: impl Future<Output = ()> + Send + Sync + 'static,
        usable: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), first_attempt: Box::pin(first_attempt), usable: Box::new(usable) }
    }

    /// The issuer's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for KeyHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyHolder").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Follows every issuer. Ready needs every first fetch attempted, and one issuer with usable keys.
pub(super) fn follow(holders: Vec<KeyHolder>, readiness: &Readiness, health: &Health, tasks: &Tasks) {
    if holders.is_empty() {
        return;
    }
    let any = Arc::new(readiness.register("usable keys of at least one issuer"));
    for holder in holders {
        let attempted = readiness.register(format!("first key fetch of issuer {}", holder.name));
        let (any, stopping) = (Arc::clone(&any), tasks.stopping().clone());
        let said = Said { readiness: readiness.clone(), health: health.clone(), usable: false };
        // What nobody has fetched yet is as unusable as what is lost.
        readiness.degraded(no_usable_keys(&holder.name), true);
        tasks.spawn(async move {
            stopping.run_until_cancelled(follow_one(holder, attempted, &any, said)).await;
        });
    }
}

fn no_usable_keys(issuer: &str) -> String {
    format!("issuer {issuer} has no usable keys")
}

/// What is said about one issuer, and to whom.
struct Said {
    readiness: Readiness,
    health: Health,
    usable: bool,
}

async fn follow_one(holder: KeyHolder, attempted: Guard, any: &Guard, mut said: Said) {
    // Whether it was attempted or has taken too long: start-up goes on.
    drop(timeout(FIRST_FETCH, holder.first_attempt).await);
    report(&holder.name, (holder.usable)(), &mut said, any).await;
    drop(attempted);
    let mut tick = interval(FOLLOW);
    loop {
        tick.tick().await;
        report(&holder.name, (holder.usable)(), &mut said, any).await;
    }
}

async fn report(name: &str, usable: bool, said: &mut Said, any: &Guard) {
    if usable != said.usable {
        said.usable = usable;
        said.readiness.degraded(no_usable_keys(name), !usable);
        said.health.issuer(name, usable).await;
    }
    if usable {
        any.done();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tonic::Request;
    use tonic_health::pb::{
        HealthCheckRequest, health_check_response::ServingStatus, health_server::Health as _,
    };
    use tonic_health::server::HealthService;

    use super::*;
    use crate::ops::readiness::ReadyState;

    async fn status(service: &HealthService, name: &str) -> ServingStatus {
        let request = Request::new(HealthCheckRequest { service: name.to_owned() });
        service.check(request).await.unwrap().into_inner().status()
    }

    #[tokio::test(start_paused = true)]
    async fn ready_needs_every_first_fetch_attempted_and_one_issuer_with_keys() {
        let (readiness, tasks) = (Readiness::default(), Tasks::default());
        let health = Health::new(vec!["good".to_owned(), "hangs".to_owned()]).await;
        let usable = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&usable);
        let holders = vec![
            KeyHolder::new("good", async {}, move || seen.load(Ordering::SeqCst)),
            KeyHolder::new("hangs", std::future::pending(), || false),
        ];
        follow(holders, &readiness, &health, &tasks);

        tokio::time::sleep(FIRST_FETCH / 2).await;
        let waiting_for =
            ["usable keys of at least one issuer", "first key fetch of issuer hangs"].map(String::from);
        assert_eq!(readiness.state(), ReadyState::Starting(waiting_for.to_vec()));
        tokio::time::sleep(FIRST_FETCH).await;
        assert_eq!(readiness.state(), ReadyState::Starting(waiting_for[..1].to_vec()));
        usable.store(true, Ordering::SeqCst);
        timeout(FOLLOW * 2, readiness.ready()).await.unwrap();
        tasks.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn health_follows_the_keys_and_readiness_does_not() {
        let (readiness, tasks) = (Readiness::default(), Tasks::default());
        let health = Health::new(vec!["idp".to_owned()]).await;
        let service = HealthService::from_health_reporter(health.reporter());
        let usable = Arc::new(AtomicBool::new(true));
        let seen = Arc::clone(&usable);
        let holder = KeyHolder::new("idp", async {}, move || seen.load(Ordering::SeqCst));
        follow(vec![holder], &readiness, &health, &tasks);

        readiness.ready().await;
        assert_eq!(status(&service, "issuer/idp").await, ServingStatus::Serving);
        usable.store(false, Ordering::SeqCst);
        tokio::time::sleep(FOLLOW * 2).await;
        assert_eq!(status(&service, "issuer/idp").await, ServingStatus::NotServing);
        assert_eq!(readiness.state(), ReadyState::Ready(vec!["issuer idp has no usable keys".to_owned()]));
        usable.store(true, Ordering::SeqCst);
        tokio::time::sleep(FOLLOW * 2).await;
        assert_eq!(readiness.state(), ReadyState::Ready(vec![]));
        assert_eq!(status(&service, "issuer/idp").await, ServingStatus::Serving);
        health.drain().await;
        tokio::time::sleep(FOLLOW * 2).await;
        assert_eq!(status(&service, "issuer/idp").await, ServingStatus::NotServing);
        tasks.stop().await;
    }
}
