//! Many tokens in one call.
//!
//! Items are written as bytes as soon as they are known: the generated message would be measured three times, level by level,
//! before it is written, which takes longer than finding a cached token.

mod item;
mod written;

use tokio::task::coop;

use self::written::Items;
use super::{TokenApi, answer, notes, question};
use crate::{
    api::grpc::status::CallError,
    proto::{
        WrittenBatch,
        server::{BatchValidateRequest, ValidateRequest},
    },
    service::validate::{Knowledge, Pass},
};

/// How many of a batch were answered so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) permitted: usize,
    pub(super) refused: usize,
}

/// How many tokens one batch may hold.
const BATCH: std::ops::RangeInclusive<usize> = 1..=1000;

impl TokenApi {
    pub(super) async fn answer_batch(
        &self,
        request: &BatchValidateRequest,
    ) -> Result<WrittenBatch, CallError> {
        let BatchValidateRequest { requests, include_claims } = request;
        if !BATCH.contains(&requests.len()) {
            requests.iter().try_for_each(question::check_text)?;
            return Err(CallError::field("requests", "a batch holds 1 to 1000 requests"));
        }
        let (written, counts) = self.items(requests, *include_claims).await?;
        notes::of_batch(requests.len(), counts);
        Ok(written)
    }

    async fn items(
        &self,
        requests: &[ValidateRequest],
        claims: bool,
    ) -> Result<(WrittenBatch, Counts), CallError> {
        let mut items = Items::with_capacity(requests.len(), claims);
        let mut waiting = Vec::new();
        let mut moment = self.validator.moment();
        for request in requests {
            // A large batch of tokens that nobody has seen yet is milliseconds of signatures: let others in between.
            if !coop::has_budget_remaining() {
                moment.end();
            }
            coop::consume_budget().await;
            let permit = |pass: Pass<'_>, knowledge: &Knowledge| {
                items.permit(answer::written(&pass, claims), knowledge);
            };
            let at_once = match question::read(request) {
                Ok(question) => {
                    let at_once = self.validator.validate_at_once(&question, &mut moment, permit);
                    at_once.map(|answered| answered.map_err(CallError::from))
                }
                Err(error) => Some(Err(error)),
            };
            if !matches!(at_once, Some(Ok(Ok(())))) {
                // One that is no text makes the whole message none (docs/errors.md).
                question::check_text(request)?;
            }
            match at_once {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(refusal))) => items.refuse(&answer::of_refusal(&refusal), moment.knowledge()),
                Some(Err(error)) => items.fault(&error),
                None => waiting.push((items.place(), request)),
            }
        }
        // All at once: an item that waits for one issuer's keys must not hold up the others.
        let waited = waiting.iter().map(|&(_, request)| self.outcome(request, claims));
        let waited = futures_util::future::join_all(waited).await;
        for ((at, _), outcome) in waiting.into_iter().zip(waited) {
            items.fill(at, outcome);
        }
        Ok(items.done())
    }
}
