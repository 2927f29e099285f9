//! What was done, for people and for programs.

use serde_json::json;

use super::ask::Outcome;
use crate::{
    cli::{
        fault::Fault,
        remote::{name, printable},
    },
    proto::client::{RevokeResponse, Upstream},
};

/// For people: one line, then what is to be known about it.
pub(super) fn text(outcome: &Outcome) -> String {
    let lines = match outcome {
        Outcome::Revoked(response) => done(response),
        Outcome::Fault(Fault { code, reason, field: _, message, retry_after, is_final }) => {
            let first = if *is_final { "not revoked" } else { "cannot tell" };
            let reason = if reason.is_empty() { String::new() } else { format!(" {reason}") };
            let retry = retry_after.map(|after| format!(" (retry after {after:?})")).unwrap_or_default();
            vec![format!("{first}: {code}{reason} {message}{retry}")]
        }
    };
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

fn done(response: &RevokeResponse) -> Vec<String> {
    let mut lines = vec!["revoked".to_owned()];
    if let Some(time) = response.effective_not_before {
        lines.push(format!("  effective_not_before: {time}"));
    }
    lines.push(format!("  revoked_sessions: {}", response.revoked_sessions));
    lines.push(format!("  upstream: {}", upstream(response)));
    lines.push(format!("  revision: {}", response.revision));
    lines
}

/// For programs: one object on one line.
pub(super) fn json(outcome: &Outcome) -> String {
    let object = match outcome {
        Outcome::Revoked(response) => json!({
            "outcome": "revoked",
            "effective_not_before": response.effective_not_before.map(|time| time.to_string()),
            "revoked_sessions": response.revoked_sessions,
            "upstream": upstream(response),
            "revision": response.revision,
        }),
        Outcome::Fault(Fault { code, reason, field, message, retry_after, is_final }) => json!({
            "outcome": if *is_final { "not_revoked" } else { "fault" },
            "code": code,
            "reason": reason,
            "field": field,
            "message": message,
            "retry_after_ms": retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        }),
    };
    object.to_string()
}

fn upstream(response: &RevokeResponse) -> String {
    let known = Upstream::try_from(response.upstream).ok().map(|known| known.as_str_name());
    name(response.upstream, known, "UPSTREAM_")
}
