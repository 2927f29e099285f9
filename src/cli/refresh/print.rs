//! What came of it, for people and for programs.

use serde_json::json;

use super::Outcome;
use crate::{
    cli::{
        fault::Fault,
        remote::{name, printable},
    },
    proto::client::{Reason, Recovery, Rejection, TokenSet},
};

/// For people: one line, then the tokens, which is what they asked for.
pub(super) fn text(outcome: &Outcome) -> String {
    let lines = match outcome {
        Outcome::Refreshed(tokens) => refreshed(tokens),
        Outcome::Refused(rejection) => {
            let (reason, recovery) = names(rejection);
            vec![format!("refused: {reason} {} (recovery: {recovery})", rejection.message)]
        }
        Outcome::Fault(Fault { code, reason, field: _, message, retry_after, is_final }) => {
            let first = if *is_final { "not refreshed" } else { "cannot tell" };
            let reason = if reason.is_empty() { String::new() } else { format!(" {reason}") };
            let retry = retry_after.map(|after| format!(" (retry after {after:?})")).unwrap_or_default();
            vec![format!("{first}: {code}{reason} {message}{retry}")]
        }
    };
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

fn refreshed(tokens: &TokenSet) -> Vec<String> {
    let TokenSet {
        access_token,
        token_type,
        expires_at,
        refresh_token,
        id_token,
        scopes,
        session_id,
        replayed,
    } = tokens;
    let mut lines = vec![if *replayed { "refreshed (replayed)" } else { "refreshed" }.to_owned()];
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("  {name}: {value}"));
        }
    };
    line("access_token", access_token);
    line("token_type", token_type);
    line("expires_at", &expires_at.map(|time| time.to_string()).unwrap_or_default());
    line("refresh_token", refresh_token);
    line("id_token", id_token);
    line("scopes", &scopes.join(" "));
    line("session_id", session_id);
    lines
}

/// For programs: one object on one line.
pub(super) fn json(outcome: &Outcome) -> String {
    let object = match outcome {
        Outcome::Refreshed(tokens) => json!({
            "outcome": "refreshed",
            "access_token": tokens.access_token,
            "token_type": tokens.token_type,
            "expires_at": tokens.expires_at.map(|time| time.to_string()),
            "refresh_token": tokens.refresh_token,
            "id_token": tokens.id_token,
            "scopes": tokens.scopes,
            "session_id": tokens.session_id,
            "replayed": tokens.replayed,
        }),
        Outcome::Refused(rejection) => {
            let (reason, recovery) = names(rejection);
            json!({
                "outcome": "refused",
                "reason": reason,
                "message": rejection.message,
                "recovery": recovery,
            })
        }
        Outcome::Fault(Fault { code, reason, field, message, retry_after, is_final }) => json!({
            "outcome": if *is_final { "not_refreshed" } else { "fault" },
            "code": code,
            "reason": reason,
            "field": field,
            "message": message,
            "retry_after_ms": retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        }),
    };
    object.to_string()
}

fn names(rejection: &Rejection) -> (String, String) {
    let reason = Reason::try_from(rejection.reason).ok().map(|known| known.as_str_name());
    let recovery = Recovery::try_from(rejection.recovery).ok().map(|known| known.as_str_name());
    (name(rejection.reason, reason, "REASON_"), name(rejection.recovery, recovery, "RECOVERY_"))
}
