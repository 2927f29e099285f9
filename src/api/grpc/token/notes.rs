//! What the span of a call says about the outcome: never anything that came with the token.

use crate::{
    api::grpc::status::CallError,
    ops::trace,
    proto::server::{BatchValidateItem, batch_validate_item::Result::Response, validate_response::Outcome},
    service::validate::Verdict,
};

const OUTCOME: &str = "countersign.outcome";
const REASON: &str = "countersign.reason";

/// About a call for one token.
pub(super) fn of_one(outcome: &Result<Verdict<Outcome>, CallError>) {
    trace::note(|span| match outcome {
        Ok(Verdict { outcome: Ok(_), .. }) => span.word(OUTCOME, "permitted"),
        Ok(Verdict { outcome: Err(refusal), .. }) => {
            span.word(OUTCOME, "refused");
            span.lower(REASON, refusal.reason().as_str());
        }
        Err(error) => {
            span.word(OUTCOME, "fault");
            span.lower(REASON, error.reason());
        }
    });
}

/// About a batch: how many of which.
pub(super) fn of_batch(items: &[BatchValidateItem]) {
    trace::note(|span| {
        let responses = items.iter().filter_map(|item| match &item.result {
            Some(Response(response)) => response.outcome.as_ref(),
            Some(_) | None => None,
        });
        let (mut permitted, mut refused) = (0, 0);
        for outcome in responses {
            match outcome {
                Outcome::Token(_) => permitted += 1,
                Outcome::Rejection(_) => refused += 1,
            }
        }
        span.number("countersign.batch.size", items.len());
        span.number("countersign.batch.permitted", permitted);
        span.number("countersign.batch.refused", refused);
        span.number("countersign.batch.faults", items.len() - permitted - refused);
    });
}
