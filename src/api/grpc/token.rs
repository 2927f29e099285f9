//! `countersign.v1.TokenService`.

mod answer;
mod question;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::status::{self, CallError};
use crate::{
    proto::server::{
        BatchValidateItem, BatchValidateRequest, BatchValidateResponse, ValidateRequest, ValidateResponse,
        batch_validate_item, token_service_server::TokenService,
    },
    service::validate::Validator,
};

/// How many tokens one batch may hold.
const BATCH: std::ops::RangeInclusive<usize> = 1..=1000;

/// The service over its use cases. `Refresh` and `Revoke` answer UNIMPLEMENTED until they are built.
#[derive(Clone, Debug)]
pub struct TokenApi {
    validator: Arc<Validator>,
}

impl TokenApi {
    /// Serves these use cases.
    pub fn new(validator: Arc<Validator>) -> Self {
        Self { validator }
    }

    async fn answer(&self, request: &ValidateRequest, claims: bool) -> Result<ValidateResponse, CallError> {
        let question = question::read(request)?;
        let outcome = self.validator.validate(&question, |pass| answer::of_pass(&pass, claims)).await?;
        match outcome {
            Ok(response) => Ok(response),
            Err(refusal) if request.refusal_as_status => Err(CallError::Refused(refusal)),
            Err(refusal) => Ok(answer::of_refusal(&refusal)),
        }
    }
}

#[tonic::async_trait]
impl TokenService for TokenApi {
    async fn validate(
        &self,
        request: Request<ValidateRequest>,
    ) -> Result<Response<ValidateResponse>, Status> {
        match self.answer(request.get_ref(), true).await {
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
        // All at once: an item that waits for one issuer's keys must not hold up the others.
        let items = requests.iter().map(|request| self.item(request, include_claims));
        let items = futures_util::future::join_all(items).await;
        Ok(Response::new(BatchValidateResponse { items }))
    }
}

impl TokenApi {
    async fn item(&self, request: &ValidateRequest, claims: bool) -> BatchValidateItem {
        // A large batch of tokens that nobody has seen yet is milliseconds of signatures: let others in between.
        tokio::task::consume_budget().await;
        let result = match self.answer(request, claims).await {
            Ok(response) => batch_validate_item::Result::Response(response),
            Err(error) => batch_validate_item::Result::Fault(status::as_item(&error)),
        };
        BatchValidateItem { result: Some(result) }
    }
}
