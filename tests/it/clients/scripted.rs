//! A token service that answers what a test tells it to.

use std::{
    collections::VecDeque,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use countersign::proto::{
    client::TokenInfo,
    server::{
        Rejection, ValidateRequest, ValidateResponse,
        token_service_server::{TokenService, TokenServiceServer},
        validate_response::Outcome,
    },
};
use prost::Message as _;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, transport::Server};

/// One answer.
pub(super) enum Answer {
    /// A good token of this subject.
    Good(&'static str),
    /// A rejection with this number for a reason.
    Refused(i32),
    /// Status OK and nothing else.
    NoOutcome,
    /// A status without details.
    Trouble(Code),
}

/// A running server. It ends when this is dropped.
pub(super) struct Scripted {
    pub(super) address: String,
    script: Script,
    _server: JoinSet<()>,
}

/// The answers that are left.
#[derive(Clone)]
struct Script(Arc<Mutex<VecDeque<Answer>>>);

impl Scripted {
    /// Gives these answers, one to each call.
    pub(super) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let script = Script(Arc::new(Mutex::new(answers.into_iter().collect())));
        let service = TokenServiceServer::new(script.clone());
        let mut server = JoinSet::new();
        server.spawn(async move {
            let incoming = TcpListenerStream::new(listener);
            Server::builder().add_service(service).serve_with_incoming(incoming).await.unwrap();
        });
        Self { address, script, _server: server }
    }

    /// How many answers nobody has asked for.
    pub(super) fn left(&self) -> usize {
        self.script.0.lock().unwrap().len()
    }
}

#[tonic::async_trait]
impl TokenService for Script {
    async fn validate(
        &self,
        _request: Request<ValidateRequest>,
    ) -> Result<Response<ValidateResponse>, Status> {
        let outcome = match self.0.lock().unwrap().pop_front().expect("an answer for each call") {
            Answer::Good(subject) => {
                let info = TokenInfo { subject: subject.to_owned(), ..TokenInfo::default() };
                Some(Outcome::Token(info.encode_to_vec().into()))
            }
            Answer::Refused(reason) => Some(Outcome::Rejection(Rejection { reason, ..Rejection::default() })),
            Answer::NoOutcome => None,
            Answer::Trouble(code) => return Err(Status::new(code, "scripted")),
        };
        Ok(Response::new(ValidateResponse { outcome, ..ValidateResponse::default() }))
    }
}
