//! `countersign.v1.TokenService`.

mod answer;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod notes;
mod question;
mod revoke;

use std::sync::Arc;

use prost::Message as _;
use tonic::{Request, Response, Status};

pub use self::answer::encode;
use super::status::{self, CallError};
use crate::{
    proto::server::{
        BatchValidateItem, BatchValidateRequest, BatchValidateResponse, RevokeRequest, RevokeResponse,
        ValidateRequest, ValidateResponse, batch_validate_item, token_service_server::TokenService,
        validate_response::Outcome,
    },
    service::{
        revoke::Revoker,
        validate::{Validator, Verdict},
    },
};

/// How many tokens one batch may hold.
const BATCH: std::ops::RangeInclusive<usize> = 1..=1000;

/// So many tokens of a batch are looked at by one reading of the clock.
const ONE_TIME: usize = 32;

/// How much of a batch's answer goes into one message of 4 MiB; the rest is room for the faults of what does not.
const BATCH_BYTES: usize = 3_750_000;

/// The service over its use cases. `Refresh` answers UNIMPLEMENTED until it is built.
#[derive(Clone, Debug)]
pub struct TokenApi {
    validator: Arc<Validator>,
    revoker: Arc<Revoker>,
}

impl TokenApi {
    /// Serves these use cases.
    pub fn new(validator: Arc<Validator>, revoker: Arc<Revoker>) -> Self {
        Self { validator, revoker }
    }

    async fn outcome(&self, request: &ValidateRequest, claims: bool) -> Result<Verdict<Outcome>, CallError> {
        let question = question::read(request)?;
        Ok(self.validator.validate(&question, |pass| answer::of_pass(&pass, claims)).await?)
    }

    async fn answer(&self, request: &ValidateRequest) -> Result<ValidateResponse, CallError> {
        let outcome = self.outcome(request, true).await;
        notes::of_one(&outcome);
        match outcome? {
            Verdict { outcome: Err(refusal), .. } if request.refusal_as_status => {
                Err(CallError::Refused(refusal))
            }
            verdict => Ok(answer::of_verdict(verdict)),
        }
    }
}

#[tonic::async_trait]
impl TokenService for TokenApi {
    async fn validate(
        &self,
        request: Request<ValidateRequest>,
    ) -> Result<Response<ValidateResponse>, Status> {
        match self.answer(request.get_ref()).await {
            Ok(response) => Ok(Response::new(response)),
            Err(error) => Err(status::of(&error)),
        }
    }

    async fn batch_validate(
        &self,
        request: Request<BatchValidateRequest>,
    ) -> Result<Response<BatchValidateResponse>, Status> {
        let BatchValidateRequest { requests, include_claims } = request.into_inner();
        if !BATCH.contains(&requests.len()) {
            return Err(status::of(&CallError::field("requests", "a batch holds 1 to 1000 requests")));
        }
        let mut items = self.items(&requests, include_claims).await;
        keep_within_message(&mut items);
        notes::of_batch(&items);
        Ok(Response::new(BatchValidateResponse { items }))
    }

    async fn revoke(&self, request: Request<RevokeRequest>) -> Result<Response<RevokeResponse>, Status> {
        let client = revoke::client(&request);
        match revoke::answer(&self.revoker, request.get_ref(), &client).await {
            Ok(response) => Ok(Response::new(response)),
            Err(error) => Err(status::of(&error)),
        }
    }
}

impl TokenApi {
    async fn items(&self, requests: &[ValidateRequest], claims: bool) -> Vec<BatchValidateItem> {
        let mut items = Vec::with_capacity(requests.len());
        let mut waiting = Vec::new();
        let mut now = self.validator.now();
        for (at, request) in requests.iter().enumerate() {
            // A large batch of tokens that nobody has seen yet is milliseconds of signatures: let others in between.
            tokio::task::consume_budget().await;
            if at % ONE_TIME == ONE_TIME - 1 {
                now = self.validator.now();
            }
            let at_once = match question::read(request) {
                Ok(question) => self
                    .validator
                    .validate_at_once(&question, now, |pass| answer::of_pass(&pass, claims))
                    .map(|outcome| outcome.map_err(CallError::from)),
                Err(error) => Some(Err(error)),
            };
            if at_once.is_none() {
                waiting.push((items.len(), request));
            }
            items.push(at_once.map(item).unwrap_or_default());
        }
        // All at once: an item that waits for one issuer's keys must not hold up the others.
        let waited = waiting.iter().map(|&(_, request)| self.outcome(request, claims));
        let waited = futures_util::future::join_all(waited).await;
        for ((at, _), outcome) in waiting.into_iter().zip(waited) {
            if let Some(place) = items.get_mut(at) {
                *place = item(outcome);
            }
        }
        items
    }
}

fn item(outcome: Result<Verdict<Outcome>, CallError>) -> BatchValidateItem {
    let result = match outcome {
        // A fault has no room for a reason and a recovery, so a refusal in a batch is always a rejection.
        Ok(verdict) => batch_validate_item::Result::Response(answer::of_verdict(verdict)),
        Err(error) => batch_validate_item::Result::Fault(status::as_item(&error)),
    };
    BatchValidateItem { result: Some(result) }
}

/// A response above the limit would fail whole. Whoever comes after it is full is told to ask again.
fn keep_within_message(items: &mut [BatchValidateItem]) {
    let mut bytes = 0;
    for item in items {
        // The length of an item is at most five bytes, its tag one.
        bytes += item.encoded_len() + 6;
        if bytes > BATCH_BYTES {
            *item = BatchValidateItem {
                result: Some(batch_validate_item::Result::Fault(status::as_item(
                    &CallError::ResponseTooLarge,
                ))),
            };
        }
    }
}
