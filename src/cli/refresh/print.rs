//! What came of it, for people and for programs.

use serde_json::json;

use super::Outcome;
use crate::{
    cli::remote::{name, printable},
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
        Outcome::Fault(fault) => vec![fault.text("refreshed")],
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
        Outcome::Fault(fault) => fault.json("refreshed"),
    };
    object.to_string()
}

fn names(rejection: &Rejection) -> (String, String) {
    let reason = Reason::try_from(rejection.reason).ok().map(|known| known.as_str_name());
    let recovery = Recovery::try_from(rejection.recovery).ok().map(|known| known.as_str_name());
    (name(rejection.reason, reason, "REASON_"), name(rejection.recovery, recovery, "RECOVERY_"))
}
