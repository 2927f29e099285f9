//! Replicas that refresh at a real provider, which ends the whole grant when a refresh token is used twice.

use std::time::Duration;

use countersign::{
    proto::client::{
        Reason, Recovery, RefreshRequest, RefreshResponse, Rejection, TokenSet, refresh_request::Credential,
        refresh_response::Outcome, token_service_client::TokenServiceClient,
    },
    store::KeyRing,
};
use tokio::task::JoinSet;
use tonic::{Response, Status, transport::Channel};
use tonic_types::StatusExt as _;

use crate::support::{
    peer::{AUDIENCE, OidcProvider, WEB_APP},
    redis::{Fsync, Options, RedisServer},
    service::Service,
    wait::{until, within},
};

/// Longer than anything takes that happens at all.
pub(super) const LONG: Duration = Duration::from_secs(40);

/// What a refresh came to.
pub(super) enum Came {
    Tokens(Box<TokenSet>),
    Refused(Rejection),
    Fault(Box<Status>),
}

impl std::fmt::Debug for Came {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tokens(tokens) => write!(f, "tokens, replayed: {}", tokens.replayed),
            Self::Refused(rejection) => write!(f, "refused: {rejection:?}"),
            Self::Fault(status) => write!(f, "fault: {status:?}"),
        }
    }
}

impl Came {
    #[track_caller]
    pub(super) fn tokens(self) -> TokenSet {
        match self {
            Self::Tokens(tokens) => *tokens,
            other @ (Self::Refused(_) | Self::Fault(_)) => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn refused(self) -> (Reason, Recovery) {
        match self {
            Self::Refused(rejection) => (rejection.reason(), rejection.recovery()),
            other @ (Self::Tokens(_) | Self::Fault(_)) => panic!("{other:?}"),
        }
    }

    /// What the table of docs/operations.md calls it.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Tokens(_) => "tokens".to_owned(),
            Self::Refused(rejection) => {
                rejection.reason().as_str_name().trim_start_matches("REASON_").to_owned()
            }
            Self::Fault(status) => match status.get_details_error_info() {
                Some(info) => info.reason,
                None => "a broken connection".to_owned(),
            },
        }
    }

    /// `ErrorInfo.reason`, and how long to wait.
    #[track_caller]
    pub(super) fn fault(self) -> (String, Option<Duration>) {
        match self {
            Self::Fault(status) => {
                let details = status.get_error_details();
                let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
                (reason, details.retry_info().and_then(|retry| retry.retry_delay))
            }
            other @ (Self::Tokens(_) | Self::Refused(_)) => panic!("{other:?}"),
        }
    }
}

/// How one deployment is set up.
pub(super) struct Plan {
    pub(super) replicas: usize,
    /// `issuers[].refresh`, without `resource`.
    pub(super) rotation: &'static str,
    /// `refresh`.
    pub(super) refresh: &'static str,
    /// What access tokens say of their session.
    pub(super) session_claims: &'static [&'static str],
    /// How long they live.
    pub(super) lifetime: Duration,
    /// How long the provider takes a refresh token again after its first use.
    pub(super) grace: Duration,
    /// Whether Redis has everything on its disk before it says so.
    pub(super) is_durable: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            replicas: 3,
            rotation: "rotation: strict",
            refresh: "",
            session_claims: &["sid", "auth_time"],
            lifetime: Duration::from_mins(10),
            grace: Duration::ZERO,
            is_durable: false,
        }
    }
}

/// A provider, Redis, and replicas.
pub(super) struct Set {
    pub(super) provider: OidcProvider,
    /// For more than one replica.
    pub(super) redis: Option<RedisServer>,
    pub(super) replicas: Vec<Service>,
    yaml: String,
    ring: Vec<u8>,
}

impl Set {
    pub(super) async fn start(plan: Plan) -> Self {
        let Plan { replicas, rotation, refresh, session_claims, lifetime, grace, is_durable } = plan;
        let provider = OidcProvider::start_with_grace(session_claims, lifetime, grace).await;
        let options = Options::default();
        let options = if is_durable { options.append_only(Fsync::Always) } else { options };
        let redis = if replicas > 1 { Some(RedisServer::with(&options).await) } else { None };
        let durability = if is_durable { "fsync" } else { "memory" };
        let store = match &redis {
            Some(redis) => {
                format!("kind: redis, url: 'redis://{}', durability: {durability}", redis.address())
            }
            None => "kind: embedded, path: ./countersign.redb".to_owned(),
        };
        let yaml = format!(
            "issuers:\n  - name: peer\n    issuer: '{}'\n    audiences: [{AUDIENCE}, {WEB_APP}]\n    \
             clients: [{{ id: {WEB_APP}, secret: {{ file: ./secret }}, auth: client_secret_post }}]\n    \
             refresh: {{ {rotation}, resource: ['{AUDIENCE}'] }}\n\
             refresh: {{ {refresh} }}\n\
             key_ring: {{ file: ./ring.keys }}\n\
             store: {{ {store} }}\n",
            provider.issuer(),
        );
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ring.keys");
        KeyRing::create(&path).unwrap();
        let ring = std::fs::read(path).unwrap();
        let mut set = Self { provider, redis, replicas: Vec::new(), yaml, ring };
        let starting = (0..replicas).map(|_replica| set.another());
        set.replicas = futures_util::future::join_all(starting).await;
        set
    }

    /// One more process of the deployment.
    pub(super) async fn another(&self) -> Service {
        let files: [(&str, &[u8]); 2] = [("ring.keys", &self.ring), ("secret", b"web-app-secret")];
        Service::start_with_files(&self.yaml, &files).await
    }

    /// The same, which finds Redis at another port.
    pub(super) async fn another_by(&self, port: u16) -> Service {
        let there = self.redis.as_ref().expect("there are several replicas").address();
        let yaml = self.yaml.replace(&there, &format!("127.0.0.1:{port}"));
        let files: [(&str, &[u8]); 2] = [("ring.keys", &self.ring), ("secret", b"web-app-secret")];
        Service::start_with_files(&yaml, &files).await
    }

    /// How many spent tokens this replica raised an alarm for.
    pub(super) async fn alarms(&self, replica: usize) -> u64 {
        self.count(replica, "countersign_refresh_tokens_reused_total").await
    }

    /// The value of a sample that is a whole number.
    pub(super) async fn count(&self, replica: usize, sample: &str) -> u64 {
        self.replicas[replica].metric(sample).await.to_string().parse().unwrap()
    }

    /// The store of several replicas.
    pub(super) fn redis(&mut self) -> &mut RedisServer {
        self.redis.as_mut().expect("there are several replicas")
    }

    /// Waits until Redis has the answer to a token: to so many of the only family, so far.
    pub(super) async fn answers_are_stored(&self, many: usize) {
        let redis = self.redis.as_ref().expect("there are several replicas");
        until("the answer to be stored", LONG, async || {
            let families: Vec<String> = redis.run("KEYS *:family:*").await;
            let fields: Vec<String> = redis.run(&format!("HKEYS {}", families.first()?)).await;
            (fields.iter().filter(|field| field.starts_with("a:")).count() == many).then_some(())
        })
        .await;
    }

    pub(super) async fn refresh(&self, replica: usize, token: &str) -> Came {
        refresh_at(&self.replicas[replica], token).await
    }
}

pub(super) async fn refresh_at(service: &Service, token: &str) -> Came {
    send(service, Credential::RefreshToken(token.to_owned())).await
}

/// A call that goes on beside the test.
pub(super) struct Calling(JoinSet<Came>);

impl Calling {
    /// Its connection is there when this returns, and its request is sent soon.
    pub(super) async fn start(service: &Service, token: &str) -> Self {
        let (client, credential) = (service.client().await, Credential::RefreshToken(token.to_owned()));
        let request = RefreshRequest { credential: Some(credential), ..RefreshRequest::default() };
        let mut tasks = JoinSet::new();
        tasks.spawn(ask(client, request));
        Self(tasks)
    }

    /// What it came to.
    pub(super) async fn came(mut self) -> Came {
        within("a call to end", LONG, self.0.join_next()).await.unwrap().unwrap()
    }
}

pub(super) async fn send(service: &Service, credential: Credential) -> Came {
    let request = RefreshRequest { credential: Some(credential), ..RefreshRequest::default() };
    ask(service.client().await, request).await
}

/// Any request.
pub(super) async fn ask(mut client: TokenServiceClient<Channel>, request: RefreshRequest) -> Came {
    came_of(client.refresh(request).await)
}

pub(super) fn came_of(answer: Result<Response<RefreshResponse>, Status>) -> Came {
    match answer.map(|response| response.into_inner().outcome) {
        Ok(Some(Outcome::Tokens(tokens))) => Came::Tokens(Box::new(tokens)),
        Ok(Some(Outcome::Rejection(rejection))) => Came::Refused(rejection),
        Ok(None) => panic!("an answer without an outcome"),
        Err(status) => Came::Fault(Box::new(status)),
    }
}
