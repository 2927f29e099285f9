//! A running server around a token service that answers when the test says so.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use countersign::{
    api::{
        LimitSettings, ListenAddress, ServerSettings,
        http::{HttpSettings, admin::MetricsReaders},
    },
    app::{Bound, Exit, KeyHolder, Shell, StartError},
    config::Config,
    domain::{edge::settings::EdgeSettings, refresh::RefreshSettings},
    ops::{
        drain::Tasks,
        telemetry::{LogFormat, TelemetrySettings},
    },
    proto::{
        WrittenBatch,
        client::{
            BatchValidateItem, BatchValidateResponse, Fault, ValidateRequest as Question,
            ValidateResponse as Answer, batch_validate_item, token_service_client::TokenServiceClient,
        },
        server::{
            BatchValidateRequest, ValidateRequest, ValidateResponse, token_service_server::TokenService,
        },
    },
    state::{
        cache::CacheSettings,
        revocations::{OnStale, RevocationSettings},
    },
    store::StoreSettings,
};
use prost::Message as _;
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tonic::{Request, Response, Status, transport::Channel, transport::Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for something that must happen.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it should have happened by now")
}

/// Holds every call until it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    entered: Arc<Semaphore>,
    opened: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { entered: Arc::new(Semaphore::new(0)), opened: Arc::new(Semaphore::new(0)) }
    }

    /// Returns once one more call has come.
    pub(crate) async fn entered(&self) {
        soon(self.entered.acquire()).await.unwrap().forget();
    }

    /// Lets one call go.
    pub(crate) fn open(&self) {
        self.opened.add_permits(1);
    }
}

/// Answers the token `quick` at once, any other when the gate is opened.
#[tonic::async_trait]
impl TokenService for Gate {
    async fn validate(
        &self,
        request: Request<ValidateRequest>,
    ) -> Result<Response<ValidateResponse>, Status> {
        if request.into_inner().token != "quick".as_bytes() {
            self.entered.add_permits(1);
            self.opened.acquire().await.unwrap().forget();
        }
        Ok(Response::new(ValidateResponse { revision: "answered".into(), ..ValidateResponse::default() }))
    }

    /// An answer of a mebibyte, at once.
    async fn batch_validate(
        &self,
        _request: Request<BatchValidateRequest>,
    ) -> Result<Response<WrittenBatch>, Status> {
        let fault = Fault { message: "x".repeat(1024 * 1024), ..Fault::default() };
        let item = BatchValidateItem { result: Some(batch_validate_item::Result::Fault(fault)) };
        let batch = BatchValidateResponse { items: vec![item] };
        Ok(Response::new(WrittenBatch::new(batch.encode_to_vec().into())))
    }
}

/// A configuration with every address on loopback, chosen by the kernel.
pub(crate) fn config() -> Config {
    let any = ListenAddress::Tcp("127.0.0.1:0".parse().unwrap());
    Config {
        listen: vec![any.clone()],
        server: ServerSettings {
            reflection: false,
            max_connection_age: None,
            keepalive: Some(Duration::from_secs(20)),
            max_header_bytes: 64 * 1024,
        },
        admin: Some(any),
        metrics: MetricsReaders::Local,
        http: HttpSettings { listen: None, forwarded: None },
        issuers: vec![],
        cache: CacheSettings { max_bytes: 0, max_age: Duration::ZERO },
        revocation: RevocationSettings {
            max_staleness: Duration::from_mins(1),
            on_stale: OnStale::Serve,
            issuer_clock_ahead: Duration::from_secs(2),
            max_entries: 1_000,
        },
        refresh: RefreshSettings::default(),
        store: StoreSettings::embedded("unused"),
        ext_authz: EdgeSettings::default(),
        limits: LimitSettings {
            max_token_bytes: 16 * 1024,
            max_concurrent: 64,
            drain: Duration::from_mins(1),
        },
        telemetry: TelemetrySettings { log: "info".into(), format: LogFormat::Json, otlp: None },
    }
}

/// A server at work.
pub(crate) struct Running {
    pub(crate) addresses: Vec<ListenAddress>,
    pub(crate) admin: ListenAddress,
    shutdown: oneshot::Sender<()>,
    force: oneshot::Sender<()>,
    ended: JoinHandle<Exit>,
}

pub(crate) async fn bound<T: TokenService>(
    config: &Config,
    token: T,
    holders: Vec<KeyHolder>,
) -> Result<Bound<T>, StartError> {
    Shell::bind(config).await?.serving(token, holders).await
}

pub(crate) async fn start(config: &Config, gate: &Gate) -> Running {
    start_with(config, gate.clone(), vec![]).await
}

pub(crate) async fn start_with(
    config: &Config,
    token: impl TokenService,
    holders: Vec<KeyHolder>,
) -> Running {
    let bound = bound(config, token, holders).await.unwrap();
    let (addresses, admin) = (bound.addresses(), bound.admin_address().unwrap());
    let (shutdown, on_shutdown) = oneshot::channel();
    let (force, on_force) = oneshot::channel();
    let ended = Tasks::default().spawn(async move {
        bound.run_until(async { on_shutdown.await.unwrap() }, async { on_force.await.unwrap() }).await
    });
    Running { addresses, admin, shutdown, force, ended }
}

impl Running {
    pub(crate) fn tcp(&self) -> SocketAddr {
        tcp(&self.addresses[0])
    }

    pub(crate) async fn client(&self) -> TokenServiceClient<Channel> {
        TokenServiceClient::new(self.channel().await)
    }

    pub(crate) async fn channel(&self) -> Channel {
        soon(Endpoint::from_shared(format!("http://{}", self.tcp())).unwrap().connect()).await.unwrap()
    }

    /// Begins to drain. The rest of the end is in what this returns.
    pub(crate) fn shut_down(self) -> Ending {
        self.shutdown.send(()).unwrap();
        Ending { force: self.force, ended: self.ended }
    }
}

/// A server that drains.
pub(crate) struct Ending {
    force: oneshot::Sender<()>,
    ended: JoinHandle<Exit>,
}

impl Ending {
    pub(crate) async fn exit(self) -> Exit {
        let Self { force, ended } = self;
        let exit = soon(ended).await.unwrap();
        drop(force);
        exit
    }

    pub(crate) async fn force(self) -> Exit {
        self.force.send(()).unwrap();
        soon(self.ended).await.unwrap()
    }
}

pub(crate) fn tcp(address: &ListenAddress) -> SocketAddr {
    match address {
        ListenAddress::Tcp(address) => *address,
        ListenAddress::Unix(path) => panic!("{} is no TCP address", path.display()),
    }
}

/// Starts a call and returns once the service works on it.
pub(crate) async fn hold(
    client: &TokenServiceClient<Channel>,
    gate: &Gate,
) -> JoinHandle<Result<Response<Answer>, Status>> {
    let mut client = client.clone();
    let call = Tasks::default().spawn(async move { client.validate(question("held")).await });
    gate.entered().await;
    call
}

pub(crate) fn question(token: &str) -> Question {
    Question { token: token.into(), ..Question::default() }
}

/// What a health check says of a service.
pub(crate) async fn health(channel: &Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    soon(HealthClient::new(channel.clone()).check(request)).await.unwrap().into_inner().status()
}

/// The changes of a service's health.
pub(crate) struct Watch(tonic::Streaming<HealthCheckResponse>);

impl Watch {
    pub(crate) async fn open(channel: &Channel, service: &str) -> Self {
        let request = HealthCheckRequest { service: service.to_owned() };
        Self(soon(HealthClient::new(channel.clone()).watch(request)).await.unwrap().into_inner())
    }

    pub(crate) async fn next(&mut self) -> Result<Option<ServingStatus>, Status> {
        soon(self.0.message()).await.map(|message| message.map(|message| message.status()))
    }

    pub(crate) async fn until_serving(&mut self) {
        while self.next().await.unwrap().expect("the stream goes on") != ServingStatus::Serving {}
    }
}
