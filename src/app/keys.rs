//! What the process says about its issuers' keys: readiness at the start, health from then on.

use std::{collections::HashMap, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;

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

/// Follows every issuer at work. Ready needs every first fetch attempted, and one issuer with usable keys.
#[derive(Debug)]
pub(super) struct Followers {
    readiness: Readiness,
    health: Health,
    tasks: Tasks,
    /// Done with the first usable keys of any issuer, be it one that came later.
    any: Arc<Guard>,
    by_name: HashMap<String, Follower>,
}

#[derive(Debug)]
struct Follower {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Followers {
    /// Begins with these.
    pub(super) fn start(
        holders: Vec<KeyHolder>,
        readiness: &Readiness,
        health: &Health,
        tasks: &Tasks,
    ) -> Self {
        let any = Arc::new(readiness.register("usable keys of at least one issuer"));
        if holders.is_empty() {
            any.done();
        }
        let (readiness, health, tasks) = (readiness.clone(), health.clone(), tasks.clone());
        let mut followers = Self { readiness, health, tasks, any, by_name: HashMap::new() };
        for holder in holders {
            followers.follow(holder);
        }
        followers
    }

    /// Follows these, too, each instead of one of the same name; and says nothing any more about the names that are `gone`.
    pub(super) async fn change(&mut self, gone: &[String], started: Vec<KeyHolder>) {
        for name in gone.iter().map(String::as_str).chain(started.iter().map(KeyHolder::name)) {
            if let Some(Follower { stop, task }) = self.by_name.remove(name) {
                stop.cancel();
                // Else it could still say something after the others. If it panicked, it says nothing either.
                drop(task.await);
            }
        }
        for name in gone {
            self.readiness.degraded(no_usable_keys(name), false);
            self.health.remove_issuer(name).await;
        }
        for holder in started {
            self.follow(holder);
        }
    }

    fn follow(&mut self, holder: KeyHolder) {
        let attempted = self.readiness.register(format!("first key fetch of issuer {}", holder.name));
        // What nobody has fetched yet is as unusable as what is lost.
        self.readiness.degraded(no_usable_keys(&holder.name), !(holder.usable)());
        let said = Said {
            readiness: self.readiness.clone(),
            health: self.health.clone(),
            any: Arc::clone(&self.any),
            usable: None,
        };
        let name = holder.name.clone();
        let stop = self.tasks.stopping().child_token();
        let stopped = stop.clone();
        let task = self.tasks.spawn(async move {
            stopped.run_until_cancelled(follow_one(holder, attempted, said)).await;
        });
        self.by_name.insert(name, Follower { stop, task });
    }
}

fn no_usable_keys(issuer: &str) -> String {
    format!("issuer {issuer} has no usable keys")
}

/// What is said about one issuer, and to whom.
struct Said {
    readiness: Readiness,
    health: Health,
    any: Arc<Guard>,
    /// `None`: nothing yet.
    usable: Option<bool>,
}

async fn follow_one(holder: KeyHolder, attempted: Guard, mut said: Said) {
    // It may begin with keys: those of a shared secret, or of an issuer that it takes over from.
    said.report(&holder.name, (holder.usable)()).await;
    // Whether it was attempted or has taken too long: start-up goes on.
    drop(timeout(FIRST_FETCH, holder.first_attempt).await);
    said.report(&holder.name, (holder.usable)()).await;
    drop(attempted);
    let mut tick = interval(FOLLOW);
    loop {
        tick.tick().await;
        said.report(&holder.name, (holder.usable)()).await;
    }
}

impl Said {
    async fn report(&mut self, name: &str, usable: bool) {
        if self.usable.replace(usable) != Some(usable) {
            self.readiness.degraded(no_usable_keys(name), !usable);
            self.health.issuer(name, usable).await;
        }
        if usable {
            self.any.done();
        }
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
        let _followers = Followers::start(holders, &readiness, &health, &tasks);

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
        let _followers = Followers::start(vec![holder], &readiness, &health, &tasks);

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
