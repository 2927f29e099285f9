//! A session that is refreshed on one of two replicas while something fails, and what its row says of that.

use super::{
    super::set::{Calling, Came, LONG, Plan, Set},
    table::Row,
};
use std::time::Duration;

use crate::support::wait::until;

/// The replica to which something happens, and the one where others ask afterwards.
pub(super) const VICTIM: usize = 0;
pub(super) const OTHER: usize = 1;

/// For what ends when a lease is over.
pub(super) const SOON: &str = "upstream_timeout: 4s, lease: 6s, limit: { burst: 100, per: 1s }";
/// For what has to be over before that.
pub(super) const LATER: &str = "upstream_timeout: 10s, lease: 12s, limit: { burst: 100, per: 1s }";

/// How long the provider takes a refresh token again, and how long its access tokens live: longer than a lease.
const GRACE: Duration = Duration::from_secs(20);
const LIFETIME: Duration = Duration::from_secs(18);

#[derive(Clone, Copy, Debug)]
enum Provider {
    Strict,
    Graceful,
}

/// Two replicas, and a session that was refreshed once, on the other one.
pub(super) struct Scene {
    pub(super) set: Set,
    /// What is presented.
    pub(super) token: String,
    provider: Provider,
    row: Row,
    /// What the other replica said so far: each word once.
    heard: Vec<String>,
    /// How often tokens had been asked for before.
    asked_before: u64,
}

/// Plays a row with either kind of provider.
#[expect(clippy::future_not_send, reason = "each test has one thread")]
pub(super) async fn with_both(row: &str, refresh: &'static str, play: impl AsyncFn(&mut Scene)) {
    let one = async |provider| {
        let mut scene = Scene::start(row, provider, refresh).await;
        play(&mut scene).await;
        scene.check().await;
    };
    let both = [Provider::Strict, Provider::Graceful].map(|provider| Box::pin(one(provider)));
    futures_util::future::join_all(both).await;
}

impl Scene {
    async fn start(row: &str, provider: Provider, refresh: &'static str) -> Self {
        let (rotation, grace) = match provider {
            Provider::Strict => ("rotation: strict", Duration::ZERO),
            Provider::Graceful => ("rotation: graceful, grace: 20s", GRACE),
        };
        let plan = Plan {
            replicas: 2,
            rotation,
            refresh,
            lifetime: LIFETIME,
            grace,
            is_durable: true,
            ..Plan::default()
        };
        let set = Set::start(plan).await;
        let login = set.provider.user_tokens("alice").await;
        let token = set.refresh(OTHER, &login.refresh_token).await.tokens().refresh_token;
        let asked_before = set.provider.token_requests().await;
        Self { set, token, provider, row: Row::of(row), heard: Vec::new(), asked_before }
    }

    /// The token is presented to the replica that something happens to.
    pub(super) async fn call(&self) -> Calling {
        Calling::start(&self.set.replicas[VICTIM], &self.token).await
    }

    /// The same, and the request to the provider's path waits there.
    pub(super) async fn call_held(&self, path: &str, how: &str) -> Calling {
        self.set.provider.plan(path, &[how.into()]).await;
        let call = self.call().await;
        self.set.provider.wait_held(1).await;
        call
    }

    /// The caller that waited heard what the row says.
    pub(super) fn told(&self, came: &Came) {
        assert_eq!(came.word(), self.row.told, "{:?}, {:?}: {came:?}", self.provider, self.row);
    }

    /// Somebody else presents the token on the other replica.
    pub(super) async fn ask_again(&mut self) -> Came {
        let came = self.set.refresh(OTHER, &self.token).await;
        let word = came.word();
        if self.heard.last() != Some(&word) {
            self.heard.push(word);
        }
        came
    }

    /// What others hear until there is a last word, how often the token was sent, and whether the session lives on: as the row
    /// says. A session that does goes on with its newest token.
    pub(super) async fn check(&mut self) {
        let last = until("a last word", LONG, async || match self.ask_again().await {
            Came::Fault(_) => None,
            last @ (Came::Tokens(_) | Came::Refused(_)) => Some(last),
        })
        .await;
        let (row, provider) = (&self.row, self.provider);
        let index = match provider {
            Provider::Strict => 0,
            Provider::Graceful => 1,
        };
        assert_eq!(self.heard, row.then[index], "{provider:?}, {row:?}: {last:?}");
        let sent = self.set.provider.token_requests().await - self.asked_before;
        assert_eq!(sent, row.sent, "{provider:?}, {row:?}");
        assert_eq!(self.set.alarms(OTHER).await, 0, "nobody stole anything");
        if row.is_lost[index] {
            assert_eq!(self.set.refresh(OTHER, &self.token).await.word(), last.word(), "it is over for good");
            assert_eq!(self.set.provider.token_requests().await - self.asked_before, sent);
            return;
        }
        let tokens = last.tokens();
        assert!(self.set.replicas[OTHER].validate(&tokens.access_token).await.is_good());
        // A replica that reads from Redis again may still be on its way to writing.
        let next = until("the session to go on", LONG, async || {
            match self.set.refresh(OTHER, &tokens.refresh_token).await {
                Came::Fault(_) => None,
                last @ (Came::Tokens(_) | Came::Refused(_)) => Some(last),
            }
        })
        .await;
        self.token = next.tokens().refresh_token;
        self.heard.clear();
        self.asked_before = self.set.provider.token_requests().await;
    }
}
