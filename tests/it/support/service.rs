//! The built binary, running `serve` in a directory of its own.

use std::{
    fmt::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use countersign::proto::client::{
    Reason, Rejection, TokenInfo, TokenKind, ValidateRequest, token_service_client::TokenServiceClient,
    validate_response::Outcome,
};
use tempfile::TempDir;
use tokio::process::Command;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};

use super::{
    http::{self, Answer},
    ports,
    process::Running,
    wait::{until, within},
};

/// Longer than the 15 seconds that the first fetch of an issuer's keys may take.
const TO_BE_READY: Duration = Duration::from_mins(1);
const TO_ANSWER: Duration = Duration::from_secs(10);

/// A running Countersign. It is killed, and its directory removed, when this is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    directory: TempDir,
    admin_port: u16,
    running: Running,
}

/// What Validate said about a token.
#[derive(Clone)]
pub(crate) enum Said {
    Good(Box<TokenInfo>),
    Refused(Reason),
    /// A status: nobody could tell.
    CannotTell(Box<Status>),
}

/// Without what a good token says.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good(token) => write!(f, "good, from {}", token.issuer),
            Self::Refused(reason) => write!(f, "refused: {reason:?}"),
            Self::CannotTell(status) => write!(f, "cannot tell: {status:?}"),
        }
    }
}

impl Said {
    pub(crate) fn is_good(&self) -> bool {
        matches!(self, Self::Good(_))
    }

    /// The token's content. Fails the test if it was not accepted.
    #[track_caller]
    pub(crate) fn good(self) -> TokenInfo {
        match self {
            Self::Good(token) => *token,
            Self::Refused(reason) => panic!("refused: {reason:?}"),
            Self::CannotTell(status) => panic!("cannot tell: {status}"),
        }
    }

    /// The status of an answer that is neither. Fails the test if it was one of them.
    #[track_caller]
    pub(crate) fn cannot_tell(self) -> Status {
        match self {
            Self::CannotTell(status) => *status,
            Self::Good(token) => panic!("accepted, as a token of {}", token.issuer),
            Self::Refused(reason) => panic!("refused: {reason:?}"),
        }
    }

    /// The reason of a refusal. Fails the test if it was none.
    #[track_caller]
    pub(crate) fn refused(self) -> Reason {
        match self {
            Self::Refused(reason) => reason,
            Self::Good(token) => panic!("accepted, as a token of {}", token.issuer),
            Self::CannotTell(status) => panic!("cannot tell: {status}"),
        }
    }
}

impl Service {
    /// Starts it and waits until it is ready. `yaml` is its configuration; of `listen`, `admin`, `store` and `telemetry`
    /// the harness adds what it leaves out, and `@directory@` is where it is.
    pub(crate) async fn start(yaml: &str) -> Self {
        let mut service = Self::start_unready(yaml);
        service.ready().await;
        service
    }

    /// The same, with files beside the configuration.
    pub(crate) async fn start_with_files(yaml: &str, files: &[(&str, &[u8])]) -> Self {
        let mut service = Self::start_unready_with_files(yaml, files);
        service.ready().await;
        service
    }

    /// Starts it without waiting.
    pub(crate) fn start_unready(yaml: &str) -> Self {
        Self::start_unready_with_files(yaml, &[])
    }

    /// The same, with files beside the configuration.
    pub(crate) fn start_unready_with_files(yaml: &str, files: &[(&str, &[u8])]) -> Self {
        let directory = tempfile::Builder::new().prefix("countersign-").tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(directory.path().join(name), content).unwrap();
        }
        let admin_port = ports::reserve();
        let config = complete(yaml, directory.path(), admin_port);
        std::fs::write(directory.path().join("countersign.yaml"), config).unwrap();
        let running = serve(directory.path());
        Self { directory, admin_port, running }
    }

    /// Starts it with a configuration that it should not accept, and returns how it ended and what it wrote.
    pub(crate) async fn refused(yaml: &str) -> (ExitStatus, String) {
        let mut service = Self::start_unready(yaml);
        let status = service.wait_exit().await;
        (status, service.output())
    }

    /// Waits until `/readyz` says so. Fails the test if the process ends instead.
    pub(crate) async fn ready(&mut self) {
        until("the service to be ready", TO_BE_READY, async || {
            if let Some(status) = self.running.child.try_wait().unwrap() {
                panic!("the service ended with {status}:\n{}", self.output());
            }
            self.try_admin_get("/readyz").await.filter(|answer| answer.status == 200)
        })
        .await;
    }

    /// A new connection.
    pub(crate) async fn client(&self) -> TokenServiceClient<Channel> {
        TokenServiceClient::new(self.channel().await)
    }

    /// The same, for other services and for bytes by hand.
    pub(crate) async fn channel(&self) -> Channel {
        let address = format!("unix:{}", self.socket().display());
        let channel = Endpoint::from_shared(address).unwrap().connect().await;
        channel.unwrap_or_else(|error| panic!("{error:?}\n{}", self.output()))
    }

    /// Asks about one access token over a connection of its own.
    pub(crate) async fn validate(&self, token: &str) -> Said {
        validate(&mut self.client().await, token, TokenKind::Access).await
    }

    /// `GET` on the admin port.
    pub(crate) async fn admin_get(&self, path: &str) -> Answer {
        self.try_admin_get(path).await.expect("the admin port answers")
    }

    /// The same, where it may not listen yet.
    pub(crate) async fn try_admin_get(&self, path: &str) -> Option<Answer> {
        within("an answer of the admin port", TO_ANSWER, http::get(self.admin_port, path)).await
    }

    /// The value of one sample of `/metrics`, named with its labels as it is printed there.
    pub(crate) async fn metric(&self, sample: &str) -> f64 {
        let text = self.admin_get("/metrics").await.body;
        let value = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {sample} in\n{text}")).parse().unwrap()
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.running.child.id().expect("it runs")
    }

    /// The gRPC socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("grpc.sock")
    }

    /// Where its store and key ring are.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Everything it has logged.
    pub(crate) fn output(&self) -> String {
        self.running.output.text()
    }

    /// Gives it another configuration, completed as the first one was.
    pub(crate) fn configure(&self, yaml: &str) {
        self.put("countersign.yaml", complete(yaml, self.directory(), self.admin_port));
    }

    /// Replaces a file beside its configuration in one step.
    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let draft = self.directory().join(format!("{name}.draft"));
        std::fs::write(&draft, content).unwrap();
        std::fs::rename(draft, self.directory().join(name)).unwrap();
    }

    /// Asks it to read its configuration again.
    pub(crate) async fn sighup(&self) {
        self.running.sighup().await;
    }

    /// Asks it to end.
    pub(crate) async fn sigterm(&self) {
        self.running.sigterm().await;
    }

    /// Waits for its end.
    pub(crate) async fn wait_exit(&mut self) -> ExitStatus {
        self.running.wait_exit().await
    }

    /// Ends it as a crash would. Its files stay.
    pub(crate) async fn kill9(&mut self) {
        self.running.kill9().await;
    }

    /// It does nothing any more (SIGSTOP), and keeps its connections.
    pub(crate) async fn stop(&self) {
        self.running.stop().await;
    }

    /// It goes on (SIGCONT).
    pub(crate) async fn go_on(&self) {
        self.running.go_on().await;
    }

    /// Starts it again with the same configuration and files, and waits until it is ready. It must have ended.
    pub(crate) async fn restart(&mut self) {
        self.running = serve(self.directory.path());
        self.ready().await;
    }
}

/// Asks about one token.
pub(crate) async fn validate(client: &mut TokenServiceClient<Channel>, token: &str, kind: TokenKind) -> Said {
    let request = ValidateRequest { token: token.to_owned(), kind: kind.into(), ..Default::default() };
    match within("an answer to Validate", TO_ANSWER, client.validate(request)).await {
        Err(status) => Said::CannotTell(Box::new(status)),
        Ok(response) => match response.into_inner().outcome {
            Some(Outcome::Token(token)) => Said::Good(Box::new(token)),
            Some(Outcome::Rejection(Rejection { reason, .. })) => {
                Said::Refused(Reason::try_from(reason).expect("a reason of this API"))
            }
            None => panic!("neither a token nor a rejection"),
        },
    }
}

fn serve(directory: &Path) -> Running {
    let config = directory.join("countersign.yaml");
    Running::start(
        Command::new(env!("CARGO_BIN_EXE_countersign"))
            .arg("serve")
            .arg("--config")
            .arg(config)
            .current_dir(directory),
    )
}

fn complete(yaml: &str, directory: &Path, admin_port: u16) -> String {
    let directory = directory.display();
    let mut config = yaml.replace("@directory@", &directory.to_string());
    if !config.is_empty() && !config.ends_with('\n') {
        config.push('\n');
    }
    for (section, content) in [
        ("listen", format!("unix:{directory}/grpc.sock")),
        ("admin", format!("{{ listen: 127.0.0.1:{admin_port} }}")),
        ("store", format!("{{ kind: embedded, path: {directory}/countersign.redb }}")),
        ("telemetry", "{ log: debug, format: json }".to_owned()),
    ] {
        if !yaml.lines().any(|line| line.starts_with(&format!("{section}:"))) {
            writeln!(config, "{section}: {content}").unwrap();
        }
    }
    config
}
