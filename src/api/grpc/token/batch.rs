//! Many tokens in one call.
//!
//! Items are written as bytes as soon as they are known: the generated message would be measured three times, level by level,
//! before it is written, which takes longer than finding a cached token.

mod item;

use bytes::Bytes;

pub(super) use self::item::Counts;
use self::item::Items;
use super::{TokenApi, answer, notes, question};
use crate::{
    api::grpc::status::CallError,
    proto::server::{BatchValidateRequest, BatchValidateResponse, ValidateRequest},
};

/// How many tokens one batch may hold.
const BATCH: std::ops::RangeInclusive<usize> = 1..=1000;

/// So many tokens of a batch are looked at by one reading of the clock.
const ONE_TIME: usize = 32;

/// How much of a batch's answer goes into one message of 4 MiB; the rest is room for the faults of what does not.
const BATCH_BYTES: usize = 3_750_000;

impl TokenApi {
    pub(super) async fn answer_batch(
        &self,
        request: &BatchValidateRequest,
    ) -> Result<BatchValidateResponse, CallError> {
        let BatchValidateRequest { requests, include_claims } = request;
        if !BATCH.contains(&requests.len()) {
            return Err(CallError::field("requests", "a batch holds 1 to 1000 requests"));
        }
        let (mut items, counts) = self.items(requests, *include_claims).await;
        keep_within_message(&mut items);
        notes::of_batch(items.len(), counts);
        Ok(BatchValidateResponse { items })
    }

    async fn items(&self, requests: &[ValidateRequest], claims: bool) -> (Vec<Bytes>, Counts) {
        let mut items = Items::with_capacity(requests.len());
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
            match at_once {
                Some(outcome) => items.push(outcome),
                None => waiting.push((items.push_place(), request)),
            }
        }
        // All at once: an item that waits for one issuer's keys must not hold up the others.
        let waited = waiting.iter().map(|&(_, request)| self.outcome(request, claims));
        let waited = futures_util::future::join_all(waited).await;
        for ((at, _), outcome) in waiting.into_iter().zip(waited) {
            items.fill(at, outcome);
        }
        items.done()
    }
}

/// A response above the limit would fail whole. Whoever comes after it is full is told to ask again.
fn keep_within_message(items: &mut [Bytes]) {
    let mut bytes = 0;
    for item in items {
        // The length of an item is at most five bytes, its tag one.
        bytes += item.len() + 6;
        if bytes > BATCH_BYTES {
            *item = item::of_fault(&CallError::ResponseTooLarge);
        }
    }
}
