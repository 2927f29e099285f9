//! `countersign.v1.TokenService`.

mod answer;
mod batch;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub(super) mod notes;
mod question;
mod refresh;
mod revoke;

use std::sync::Arc;

use tonic::{Request, Response, Status};

pub use self::answer::encode;
pub(super) use self::{
    answer::{claims_of, of_refusal},
    question::certificate,
};
use super::{
    caller,
    status::{self, CallError},
};
use crate::{
    proto::{
        WrittenBatch,
        server::{
            BatchValidateRequest, RefreshRequest, RefreshResponse, RevokeRequest, RevokeResponse,
            ValidateRequest, ValidateResponse, token_service_server::TokenService,
            validate_response::Outcome,
        },
    },
    service::{
        refresh::Refresher,
        revoke::Revoker,
        validate::{Validator, Verdict},
    },
};

/// The service over its use cases.
#[derive(Clone, Debug)]
pub struct TokenApi {
    validator: Arc<Validator>,
    revoker: Arc<Revoker>,
    refresher: Arc<Refresher>,
}

impl TokenApi {
    /// Serves these use cases.
    pub fn new(validator: Arc<Validator>, revoker: Arc<Revoker>, refresher: Arc<Refresher>) -> Self {
        Self { validator, revoker, refresher }
    }

    async fn outcome(&self, request: &ValidateRequest, claims: bool) -> Result<Verdict<Outcome>, CallError> {
        let question = question::read(request)?;
        Ok(self.validator.validate(&question, |pass| answer::of_pass(&pass, claims)).await?)
    }

    async fn answer(&self, request: &ValidateRequest) -> Result<ValidateResponse, CallError> {
        let outcome = self.outcome(request, true).await;
        let is_permit = matches!(&outcome, Ok(Verdict { outcome: Ok(_), .. }));
        let outcome = if is_permit { outcome } else { question::check_text(request).and(outcome) };
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
    ) -> Result<Response<WrittenBatch>, Status> {
        match self.answer_batch(request.get_ref()).await {
            Ok(response) => Ok(Response::new(response)),
            Err(error) => Err(status::of(&error)),
        }
    }

    async fn refresh(&self, request: Request<RefreshRequest>) -> Result<Response<RefreshResponse>, Status> {
        let caller = caller::counted(&request);
        match refresh::answer(&self.refresher, request.get_ref(), &caller).await {
            Ok(response) => Ok(Response::new(response)),
            Err(error) => Err(status::of(&error)),
        }
    }

    async fn revoke(&self, request: Request<RevokeRequest>) -> Result<Response<RevokeResponse>, Status> {
        let client = caller::named(&request);
        match revoke::answer(&self.revoker, request.get_ref(), &client).await {
            Ok(response) => Ok(Response::new(response)),
            Err(error) => Err(status::of(&error)),
        }
    }
}
