//! Clients that ask through Envoy without a pause, and callers that revoke between their calls.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use countersign::proto::client::{
    Reason, RevokeRequest, TokenKind, ValidateRequest, token_service_client::TokenServiceClient,
    validate_response::Outcome,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use super::{
    super::{
        client::{self, Answer, LONG},
        scene::{ISSUER, Signers},
    },
    fleet::Fleet,
};
use crate::{
    revocation::{
        random::Random,
        victims::{Answered, Victim},
    },
    support::{
        service::validate,
        wait::{until, within},
    },
};

const CLIENTS: u64 = 4;
const CALLERS: u64 = 2;
/// A caller asks so often before it revokes.
const CALLS_PER_REVOCATION: u64 = 10;
/// Requests with each of so many good tokens.
const GOOD: u64 = 16;
/// Numbers from here on are those of tokens that nobody revokes.
const NEVER_REVOKED: u64 = 1 << 32;

/// What all of them share.
pub(super) struct Shared {
    pub(super) signers: Signers,
    pub(super) answered: Answered,
    good: Vec<String>,
    /// Tokens in the order in which their revocations were answered.
    revoked: Mutex<Vec<String>>,
    /// Of those, the ones that every replica knows to be revoked.
    known: Mutex<Vec<String>>,
    failures: Mutex<Vec<String>>,
    next: AtomicU64,
    requests: AtomicU64,
    calls: AtomicU64,
    stop: CancellationToken,
}

impl Shared {
    fn fail(&self, failure: String) {
        self.failures.lock().unwrap().push(failure);
    }

    fn count(&self) -> [u64; 3] {
        let revoked = u64::try_from(self.answered.many()).unwrap();
        [self.requests.load(Ordering::SeqCst), self.calls.load(Ordering::SeqCst), revoked]
    }
}

/// Running clients and callers. They end when this is dropped.
pub(super) struct Load {
    pub(super) shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl Load {
    pub(super) async fn start(signers: Signers, fleet: &Fleet) -> Self {
        let good = (0..GOOD).map(|one| Victim::Session(NEVER_REVOKED + one).token(&signers.first)).collect();
        let shared = Arc::new(Shared {
            signers,
            answered: Answered::default(),
            good,
            revoked: Mutex::default(),
            known: Mutex::default(),
            failures: Mutex::default(),
            next: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            stop: CancellationToken::new(),
        });
        let mut tasks = JoinSet::new();
        for _ in 0..CLIENTS {
            let client = Client::open(fleet.http(), Arc::clone(&shared)).await;
            tasks.spawn(client.run());
        }
        for seed in 0..CALLERS {
            let client = Client::open(fleet.http(), Arc::clone(&shared)).await;
            let address = format!("http://127.0.0.1:{}", fleet.grpc());
            let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
            let service = TokenServiceClient::new(channel);
            tasks.spawn(Caller { client, service, random: Random::seeded(seed) }.run());
        }
        Self { shared, tasks }
    }

    /// Waits until there were some more of each: the load goes on.
    pub(super) async fn more(&self) {
        let goals = self.shared.count().map(|count| count + 10);
        until("the load to go on", LONG, async || {
            self.check();
            let counts = self.shared.count();
            counts.iter().zip(&goals).all(|(count, goal)| count >= goal).then_some(())
        })
        .await;
    }

    /// How many revocations were answered before this.
    pub(super) fn revoked(&self) -> usize {
        self.shared.revoked.lock().unwrap().len()
    }

    /// The first so many are known to every replica: a request with one of them is refused from now on.
    pub(super) fn known(&self, many: usize) {
        let known = self.shared.revoked.lock().unwrap()[..many].to_vec();
        *self.shared.known.lock().unwrap() = known;
    }

    /// Ends it, and says how much it was.
    pub(super) async fn stop(mut self) -> String {
        self.shared.stop.cancel();
        while let Some(ended) = within("the load to end", LONG, self.tasks.join_next()).await {
            ended.unwrap();
        }
        self.check();
        let [requests, calls, revoked] = self.shared.count();
        format!("{requests} requests, {calls} calls, {revoked} revocations, none failed")
    }

    /// Fails the test if anything has failed.
    pub(super) fn check(&self) {
        // Not held while it panics: the others may still have something to write down.
        let failures = self.shared.failures.lock().unwrap().clone();
        let some = failures.get(..5).unwrap_or(&failures);
        assert!(failures.is_empty(), "{} have failed: {some:#?}", failures.len());
    }
}

/// Sends requests over one connection that stays open.
struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    shared: Arc<Shared>,
}

impl Client {
    async fn open(port: u16, shared: Arc<Shared>) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        Self { stream, received: Vec::new(), shared }
    }

    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        for turn in 0_usize.. {
            if shared.stop.is_cancelled() {
                return;
            }
            self.expect(&shared.good[turn % shared.good.len()], 200).await;
            let known = {
                let known = shared.known.lock().unwrap();
                known.get(turn % known.len().max(1)).cloned()
            };
            if let Some(token) = known {
                self.expect(&token, 401).await;
            }
        }
    }

    /// Asks with this token, and writes down any other answer than this.
    async fn expect(&mut self, token: &str, status: u16) {
        match within("an answer", LONG, self.get(token)).await {
            Ok(answer) if answer.status == status => {}
            Ok(answer) => {
                self.shared.fail(format!("not {status} but {}: {}", answer.status, answer.body));
            }
            // The connection is of no more use.
            Err(error) => panic!("Envoy hung up: {error}"),
        }
        self.shared.requests.fetch_add(1, Ordering::SeqCst);
    }

    async fn get(&mut self, token: &str) -> std::io::Result<Answer> {
        let head = format!("GET /plain HTTP/1.1\r\nhost: edge.test\r\nauthorization: Bearer {token}\r\n\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        loop {
            if let Some((answer, rest)) = client::first(&self.received) {
                self.received = rest.to_vec();
                return Ok(answer);
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Makes gRPC calls through Envoy, to whichever replica it chooses.
struct Caller {
    client: Client,
    service: TokenServiceClient<Channel>,
    random: Random,
}

impl Caller {
    async fn run(mut self) {
        let shared = Arc::clone(&self.client.shared);
        while !shared.stop.is_cancelled() {
            for _ in 0..CALLS_PER_REVOCATION {
                let which = usize::try_from(self.random.below(GOOD)).unwrap();
                self.call(&shared, &shared.good[which]).await;
            }
            let number = shared.next.fetch_add(1, Ordering::SeqCst);
            let victim = Victim::draw(&mut self.random, number);
            if let Err(failure) = self.revoke(&shared, victim).await {
                shared.fail(format!("{victim:?}: {failure}"));
            }
        }
    }

    async fn call(&mut self, shared: &Shared, token: &str) {
        let said = validate(&mut self.service, token, TokenKind::Access).await;
        if !said.is_good() {
            shared.fail(format!("a call: {said:?}"));
        }
        shared.calls.fetch_add(1, Ordering::SeqCst);
    }

    /// Revokes what replicas have just called good, and asks one again, with the revision that Revoke said.
    async fn revoke(&mut self, shared: &Shared, victim: Victim) -> Result<(), String> {
        let token = victim.token(&shared.signers.first);
        self.client.expect(&token, 200).await;
        self.call(shared, &token).await;
        let request = RevokeRequest {
            target: Some(victim.target(&shared.signers.first)),
            issuer: ISSUER.to_owned(),
            reason: "stolen".to_owned(),
            ..RevokeRequest::default()
        };
        let revoked = within("an answer to Revoke", LONG, self.service.revoke(request)).await;
        let revision = revoked.map_err(|status| format!("Revoke: {status}"))?.into_inner().revision;
        shared.answered.add(victim, revision.clone());
        shared.revoked.lock().unwrap().push(token.clone());
        let request = ValidateRequest { token, min_revision: revision, ..ValidateRequest::default() };
        let answer = within("an answer to Validate", LONG, self.service.validate(request)).await;
        match answer.map_err(|status| format!("after Revoke: {status}"))?.into_inner().outcome {
            Some(Outcome::Rejection(rejection)) if rejection.reason() == Reason::Revoked => Ok(()),
            Some(Outcome::Rejection(rejection)) => Err(format!("refused as {:?}", rejection.reason())),
            Some(Outcome::Token(_)) | None => Err("it passes after Revoke".to_owned()),
        }
    }
}
