//! A real OpenID provider: node-oidc-provider, in a Node process of its own (`peers/oidc-provider/server.mjs`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
};

use super::{
    ports,
    process::Output,
    wait::{until, within},
};

/// The API that access tokens are for unless a test says otherwise.
pub(crate) const AUDIENCE: &str = "https://api.example.test";
/// An API whose access tokens only the provider can read.
pub(crate) const OPAQUE: &str = "https://api.example.test/opaque";
/// The client that users log in to; its id is the audience of their ID tokens.
pub(crate) const WEB_APP: &str = "web-app";

/// Long, because a loaded machine is no failure: a provider that ends or complains is noticed at once.
const TO_START: Duration = Duration::from_mins(1);
const TO_ANSWER: Duration = Duration::from_mins(1);

/// What the provider can sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The client whose tokens are signed so.
    pub(crate) fn client(self) -> &'static str {
        match self {
            Self::Rs256 => "machine-rs256",
            Self::Es256 => "machine-es256",
            Self::EdDsa => "machine-eddsa",
        }
    }
}

/// A private key of the provider's, as a JWK.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct PeerKey(Value);

impl PeerKey {
    pub(crate) fn id(&self) -> &str {
        self.0["kid"].as_str().unwrap()
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        self.0["alg"] == algorithm.name()
    }
}

/// How the provider answers on one path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    Works,
    /// 500.
    Fails,
    /// The request is read and never answered.
    Hangs,
}

/// What a login gives.
#[derive(Clone, Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names of RFC 6749 and OpenID Connect")]
pub(crate) struct UserTokens {
    pub(crate) access_token: String,
    pub(crate) id_token: String,
    pub(crate) refresh_token: String,
}

/// An authorization code and what it is exchanged with.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Authorized {
    pub(crate) code: String,
    pub(crate) redirect_uri: String,
    pub(crate) code_verifier: String,
}

/// An answer of one of the provider's endpoints.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Posted {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// The running provider. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct OidcProvider {
    port: u16,
    issuer: String,
    access_token_ttl: Duration,
    keys: Vec<PeerKey>,
    sign_with: Vec<String>,
    process: Option<Mutex<Process>>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Output,
    asked: u64,
}

#[derive(Deserialize)]
struct Ready {
    issuer: String,
    keys: Vec<PeerKey>,
}

impl OidcProvider {
    /// Starts one with a fresh key for each algorithm and access tokens that live ten minutes.
    pub(crate) async fn start() -> Self {
        Self::start_with_ttl(Duration::from_mins(10)).await
    }

    /// Starts one whose access tokens live for `access_token_ttl`.
    pub(crate) async fn start_with_ttl(access_token_ttl: Duration) -> Self {
        let port = ports::reserve();
        let config = json!({ "port": port, "access_token_ttl": access_token_ttl.as_secs() });
        let (process, ready) = Process::start(&config).await;
        let Ready { issuer, keys } = ready;
        Self { port, issuer, access_token_ttl, keys, sign_with: vec![], process: Some(Mutex::new(process)) }
    }

    /// Starts one whose users' access tokens say this of their session: any of `sid` and `auth_time`.
    pub(crate) async fn start_with_session_claims(names: &[&str]) -> Self {
        Self::start_for_refreshing(names, Duration::from_mins(10)).await
    }

    /// The same, whose access tokens live for `access_token_ttl`.
    pub(crate) async fn start_for_refreshing(names: &[&str], access_token_ttl: Duration) -> Self {
        Self::start_with_grace(names, access_token_ttl, Duration::ZERO).await
    }

    /// The same, where a refresh token can be used again for so long after its first use.
    pub(crate) async fn start_with_grace(
        names: &[&str],
        access_token_ttl: Duration,
        grace: Duration,
    ) -> Self {
        let port = ports::reserve();
        let config = json!({
            "port": port,
            "access_token_ttl": access_token_ttl.as_secs(),
            "session_claims": names,
            "grace": u64::try_from(grace.as_millis()).unwrap(),
        });
        let (process, ready) = Process::start(&config).await;
        let Ready { issuer, keys } = ready;
        Self { port, issuer, access_token_ttl, keys, sign_with: vec![], process: Some(Mutex::new(process)) }
    }

    /// Starts one with a client `signing-app`, which authenticates by `private_key_jwt` with this public key.
    pub(crate) async fn start_with_client_key(key: &Value) -> Self {
        let port = ports::reserve();
        let access_token_ttl = Duration::from_mins(10);
        let config =
            json!({ "port": port, "access_token_ttl": access_token_ttl.as_secs(), "client_keys": [key] });
        let (process, ready) = Process::start(&config).await;
        let Ready { issuer, keys } = ready;
        Self { port, issuer, access_token_ttl, keys, sign_with: vec![], process: Some(Mutex::new(process)) }
    }

    /// Refreshes at the provider itself (RFC 6749 section 6), for access to [`AUDIENCE`].
    pub(crate) async fn refresh(&self, tokens: &UserTokens) -> UserTokens {
        let form = json!({
            "grant_type": "refresh_token",
            "refresh_token": tokens.refresh_token,
            "resource": AUDIENCE,
        });
        let Posted { status, body } = self.post("/token", WEB_APP, form).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_value(body).unwrap()
    }

    /// The issuer identifier, which is also its address.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where it listens on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The keys that are published, in the provider's order.
    pub(crate) fn keys(&self) -> &[PeerKey] {
        &self.keys
    }

    /// An access token for [`AUDIENCE`] (client credentials, RFC 6749 section 4.4).
    pub(crate) async fn client_credentials_token(&self, algorithm: Algorithm, scope: &str) -> String {
        self.token_for(AUDIENCE, algorithm, scope).await
    }

    /// An access token for another audience (RFC 8707).
    pub(crate) async fn token_for(&self, resource: &str, algorithm: Algorithm, scope: &str) -> String {
        let form = json!({ "grant_type": "client_credentials", "scope": scope, "resource": resource });
        let Posted { status, body } = self.post("/token", algorithm.client(), form).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// Logs a user in to [`WEB_APP`] (authorization code flow with PKCE) with access to [`AUDIENCE`].
    pub(crate) async fn user_tokens(&self, account: &str) -> UserTokens {
        self.user_tokens_for(account, AUDIENCE).await
    }

    /// The same for access to another audience.
    pub(crate) async fn user_tokens_for(&self, account: &str, resource: &str) -> UserTokens {
        let scope = "openid offline_access read";
        let request = json!({ "client": WEB_APP, "account": account, "scope": scope, "resource": resource });
        serde_json::from_value(self.ask("login", request).await).unwrap()
    }

    /// The same up to the code, which nobody has exchanged yet.
    pub(crate) async fn authorization_code(&self, account: &str) -> Authorized {
        let scope = "openid offline_access read";
        let request = json!({ "client": WEB_APP, "account": account, "scope": scope, "resource": AUDIENCE });
        serde_json::from_value(self.ask("authorize", request).await).unwrap()
    }

    /// Posts a form with a client's credentials.
    pub(crate) async fn post(&self, path: &str, client: &str, form: Value) -> Posted {
        let request = json!({ "path": path, "client": client, "form": form });
        serde_json::from_value(self.ask("post", request).await).unwrap()
    }

    /// Makes a key, which nobody sees before [`Self::rotate_keys`].
    pub(crate) async fn generate(&self, algorithm: Algorithm, id: &str) -> PeerKey {
        PeerKey(self.ask("generate", json!({ "alg": algorithm.name(), "kid": id })).await)
    }

    /// Publishes these keys instead of the present ones and signs with those named, at once, without a restart.
    pub(crate) async fn rotate_keys(&mut self, publish: Vec<PeerKey>, sign_with: &[&PeerKey]) {
        self.sign_with = sign_with.iter().map(|key| key.id().to_owned()).collect();
        let keys: Vec<_> = publish.iter().map(|key| &key.0).collect();
        self.ask("keys", json!({ "publish": keys, "sign_with": self.sign_with })).await;
        self.keys = publish;
    }

    /// The published keys but the one for this algorithm, to build the next set from.
    pub(crate) fn keys_but(&self, algorithm: Algorithm) -> Vec<PeerKey> {
        self.keys.iter().filter(|key| !key.is_for(algorithm)).cloned().collect()
    }

    /// Requests so far, per path.
    pub(crate) async fn counts(&self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.ask("counts", json!({})).await).unwrap()
    }

    /// How often the key set was asked for.
    pub(crate) async fn key_fetches(&self) -> u64 {
        self.counts().await.get("/jwks").copied().unwrap_or(0)
    }

    /// Changes how a path answers.
    pub(crate) async fn set_mode(&self, path: &str, mode: Mode) {
        let mode = match mode {
            Mode::Works => "ok",
            Mode::Fails => "error",
            Mode::Hangs => "hang",
        };
        self.ask("fail", json!({ "path": path, "mode": mode })).await;
    }

    /// What happens to the next requests to this path, one after the other (`server.mjs` has the list).
    pub(crate) async fn plan(&self, path: &str, faults: &[Value]) {
        self.ask("plan", json!({ "path": path, "faults": faults })).await;
    }

    /// Waits until so many requests are held.
    pub(crate) async fn wait_held(&self, requests: u64) {
        until("requests to be held", TO_ANSWER, async || {
            (self.ask("held", json!({})).await.as_u64()? >= requests).then_some(())
        })
        .await;
    }

    /// Lets held requests go on.
    pub(crate) async fn release(&self) {
        self.ask("release", json!({})).await;
    }

    /// How often tokens were asked for.
    pub(crate) async fn token_requests(&self) -> u64 {
        self.counts().await.get("/token").copied().unwrap_or(0)
    }

    /// Ends the process at once. Its keys are remembered, its sessions are not.
    pub(crate) async fn kill(&mut self) {
        let process = self.process.take().expect("it runs");
        process.into_inner().child.kill().await.unwrap();
    }

    /// Starts the provider again where it was, with the keys it had.
    pub(crate) async fn restart_on_same_port(&mut self) {
        if self.process.is_some() {
            self.kill().await;
        }
        let keys: Vec<_> = self.keys.iter().map(|key| &key.0).collect();
        let config = json!({
            "port": self.port,
            "access_token_ttl": self.access_token_ttl.as_secs(),
            "keys": keys,
            "sign_with": self.sign_with,
        });
        let (process, ready) = Process::start(&config).await;
        assert_eq!(ready.issuer, self.issuer);
        self.process = Some(Mutex::new(process));
    }

    async fn ask(&self, what: &str, parameters: Value) -> Value {
        self.process.as_ref().expect("it runs").lock().await.ask(what, parameters).await
    }
}

impl Process {
    async fn start(config: &Value) -> (Self, Ready) {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers/oidc-provider");
        assert!(directory.join("node_modules").is_dir(), "run `make test`, which installs the peers");
        let mut child = Command::new(node())
            .arg(directory.join("server.mjs"))
            .arg(config.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Node.js starts (`make test` installs it)");
        let mut stderr = Output::default();
        stderr.collect(child.stderr.take().unwrap());
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut process = Self { child, stdin, stdout, stderr, asked: 0 };
        let ready = within("the provider to start", TO_START, process.read()).await;
        (process, serde_json::from_value(ready).unwrap())
    }

    async fn ask(&mut self, what: &str, mut parameters: Value) -> Value {
        self.asked += 1;
        parameters["id"] = self.asked.into();
        parameters["do"] = what.into();
        self.stdin.write_all(format!("{parameters}\n").as_bytes()).await.unwrap();
        let mut answer = within(what, TO_ANSWER, self.read()).await;
        assert_eq!(answer["id"], self.asked, "an answer to another question: {answer}");
        assert!(answer["error"].is_null(), "{what} {parameters}: {}", answer["error"]);
        answer["result"].take()
    }

    async fn read(&mut self) -> Value {
        let line = self.stdout.next_line().await.unwrap();
        let line = line.unwrap_or_else(|| panic!("the provider ended:\n{}", self.stderr.text()));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"))
    }
}

/// The Node.js that `scripts/install-node.sh` installed, or the machine's own.
pub(crate) fn node() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/bin/node");
    if installed.exists() { installed } else { PathBuf::from("node") }
}
