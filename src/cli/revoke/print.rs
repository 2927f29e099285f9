//! What was done, for people and for programs.

use serde_json::json;

use super::ask::Outcome;
use crate::{
    cli::remote::{name, printable},
    proto::client::{RevokeResponse, Upstream},
};

/// For people: one line, then what is to be known about it.
pub(super) fn text(outcome: &Outcome) -> String {
    let lines = match outcome {
        Outcome::Revoked(response) => done(response),
        Outcome::Fault(fault) => vec![fault.text("revoked")],
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
        Outcome::Fault(fault) => fault.json("revoked"),
    };
    object.to_string()
}

fn upstream(response: &RevokeResponse) -> String {
    let known = Upstream::try_from(response.upstream).ok().map(|known| known.as_str_name());
    name(response.upstream, known, "UPSTREAM_")
}
