//! What these tests share: a service with a well-known issuer, and questions to it.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use countersign::proto::client::{
    Rejection, TokenInfo, ValidateRequest, ValidateResponse, token_service_client::TokenServiceClient,
    validate_response::Outcome,
};
use http::uri::PathAndQuery;
use serde_json::Value;
use tonic::{
    Request, Response, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};
use tonic_types::StatusExt as _;

use crate::support::{
    ports,
    service::Service,
    tokens::{Signer, claims, key_set},
    wait::within,
};

pub(super) const ISSUER: &str = "https://idp.example.test";
pub(super) const AUDIENCE: &str = "https://api.example.test";
/// An issuer whose key server nobody has ever reached.
pub(super) const UNREACHABLE: &str = "https://unreachable.example.test";

/// A revision that no store of these tests gave out.
pub(super) const OTHER_HISTORY: &str = "0000000000000000-1";

pub(super) const TO_ANSWER: Duration = Duration::from_secs(20);

/// A running service with an issuer whose keys are in a file, another one that is out of reach, and the first one's key.
pub(super) struct Setup {
    pub(super) service: Service,
    pub(super) signer: Signer,
}

impl Setup {
    pub(super) async fn start() -> Self {
        Self::with("").await
    }

    /// `more`: further sections of the configuration.
    pub(super) async fn with(more: &str) -> Self {
        let signer = Signer::es256();
        let yaml = format!(
            "\
issuers:
  - {{ issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: ./keys.json }}
  - {{ issuer: {UNREACHABLE}, audiences: [{AUDIENCE}], jwks_uri: http://127.0.0.1:{}/keys }}
{more}",
            ports::reserve(),
        );
        let keys = key_set(&[&signer]).to_string();
        let service = Service::start_with_files(&yaml, &[("keys.json", keys.as_bytes())]).await;
        Self { service, signer }
    }

    /// A good access token, changed.
    pub(super) fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = claims(ISSUER, AUDIENCE);
        change(&mut claims);
        self.signer.access_token(&claims)
    }

    /// A good access token.
    pub(super) fn good(&self) -> String {
        self.token(|_| {})
    }

    /// A token that would be good if its issuer's keys were known.
    pub(super) fn undecidable(&self) -> String {
        self.token(|claims| claims["iss"] = UNREACHABLE.into())
    }
}

/// A question without any wishes.
pub(super) fn about(token: impl Into<String>) -> ValidateRequest {
    ValidateRequest { token: token.into(), ..ValidateRequest::default() }
}

/// Asks.
pub(super) async fn ask(
    client: &mut TokenServiceClient<Channel>,
    request: ValidateRequest,
) -> Result<ValidateResponse, Status> {
    within("an answer", TO_ANSWER, client.validate(request)).await.map(Response::into_inner)
}

#[track_caller]
pub(super) fn token_in(response: ValidateResponse) -> TokenInfo {
    match response.outcome {
        Some(Outcome::Token(token)) => token,
        Some(Outcome::Rejection(Rejection { reason, message, .. })) => panic!("refused: {reason} {message}"),
        None => panic!("neither a token nor a rejection"),
    }
}

#[track_caller]
pub(super) fn rejection_in(response: ValidateResponse) -> Rejection {
    match response.outcome {
        Some(Outcome::Rejection(rejection)) => rejection,
        Some(Outcome::Token(_)) => panic!("accepted"),
        None => panic!("neither a token nor a rejection"),
    }
}

/// The status of a call that must not have an answer. (Answers have no `Debug`, since they hold tokens' content.)
#[track_caller]
pub(super) fn status_in<T>(answer: Result<T, Status>) -> Status {
    match answer {
        Ok(_) => panic!("answered"),
        Err(status) => status,
    }
}

/// `ErrorInfo.reason`, which must come with our domain.
#[track_caller]
pub(super) fn reason_of(status: &Status) -> String {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "countersign");
    info.reason
}

/// The one field that `BadRequest` names.
#[track_caller]
pub(super) fn field_of(status: &Status) -> String {
    let bad = status.get_details_bad_request().unwrap_or_else(|| panic!("no BadRequest: {status:?}"));
    let [violation] = bad.field_violations.as_slice() else { panic!("{bad:?}") };
    assert!(!violation.description.is_empty());
    violation.field.clone()
}

/// The token and its parts: what must not be in anything that is said about it.
pub(super) fn pieces(token: &str) -> Vec<&str> {
    let parts = token.split('.').filter(|part| part.len() >= 8);
    [token].into_iter().filter(|token| token.len() >= 8).chain(parts).collect()
}

/// Sends these bytes as a request and returns the answer's bytes.
pub(crate) async fn raw(channel: &Channel, path: &str, bytes: impl Into<Bytes>) -> Result<Bytes, Status> {
    let mut grpc = Grpc::new(channel.clone());
    within("a connection", TO_ANSWER, grpc.ready()).await.unwrap();
    let path: PathAndQuery = path.parse().unwrap();
    let answer = grpc.unary(Request::new(bytes.into()), path, Bytewise);
    within("an answer", TO_ANSWER, answer).await.map(Response::into_inner)
}

pub(super) const VALIDATE: &str = "/countersign.v1.TokenService/Validate";
pub(super) const BATCH_VALIDATE: &str = "/countersign.v1.TokenService/BatchValidate";

/// Messages as they are.
#[derive(Debug, Default)]
struct Bytewise;

impl Codec for Bytewise {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytewise {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.put(item);
        Ok(())
    }
}

impl Decoder for Bytewise {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buf.copy_to_bytes(buf.remaining())))
    }
}
