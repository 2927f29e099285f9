//! What the span of a call says about the outcome: never anything that came with the token.

use super::batch::Counts;
use crate::{
    api::grpc::status::CallError,
    ops::trace,
    proto::server::validate_response::Outcome,
    service::{check::Answer, validate::Verdict},
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

/// About a proxy's question.
pub(in crate::api::grpc) fn of_check<T>(answer: &Answer<T>) {
    trace::note(|span| match answer {
        Answer::Allowed(_) => span.word(OUTCOME, "permitted"),
        Answer::Denied { denial, .. } => {
            span.word(OUTCOME, "refused");
            span.lower(REASON, denial.as_str());
        }
        Answer::CannotTell { fault, .. } => {
            span.word(OUTCOME, "fault");
            span.lower(REASON, fault.reason());
        }
    });
}

/// About a batch: how many of which.
pub(super) fn of_batch(size: usize, Counts { permitted, refused }: Counts) {
    trace::note(|span| {
        span.number("countersign.batch.size", size);
        span.number("countersign.batch.permitted", permitted);
        span.number("countersign.batch.refused", refused);
        span.number("countersign.batch.faults", size - permitted - refused);
    });
}
