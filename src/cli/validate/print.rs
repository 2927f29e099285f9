//! The answer, for people and for programs. The token itself is never shown.

use std::iter;

use prost_types::Timestamp;
use serde_json::{Map, Value, json};

use super::outcome::Outcome;
use crate::cli::remote::{name, printable};
use crate::proto::client::{Principal, TokenInfo, TokenKind};

/// For people: one line, then the fields that are there.
pub(super) fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Token { info } => {
            let fields = fields(info)
                .into_iter()
                .map(|(field, value)| format!("  {field}: {}", printable(&plain(&value))));
            iter::once("valid".to_owned()).chain(fields).collect::<Vec<_>>().join("\n")
        }
        Outcome::Rejection { reason, message, recovery } => {
            printable(&format!("refused: {reason} — {message} (recovery: {recovery})"))
        }
        Outcome::Fault { code, reason, message, retry_after } => {
            let reason = if reason.is_empty() { String::new() } else { format!(" {reason}") };
            let retry = retry_after.map(|after| format!(" (retry after {after:?})")).unwrap_or_default();
            printable(&format!("cannot tell: {code}{reason} {message}{retry}"))
        }
    }
}

/// For programs: one object on one line.
pub(super) fn json(outcome: &Outcome) -> String {
    let object = match outcome {
        Outcome::Token { info } => json!({ "outcome": "token", "token": object(info) }),
        Outcome::Rejection { reason, message, recovery } => {
            json!({ "outcome": "rejection", "reason": reason, "message": message, "recovery": recovery })
        }
        Outcome::Fault { code, reason, message, retry_after } => json!({
            "outcome": "fault",
            "code": code,
            "reason": reason,
            "message": message,
            "retry_after_ms": retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        }),
    };
    object.to_string()
}

/// The fields of a good token, under the names of the protos; empty ones are left out, as protobuf does.
fn fields(info: &TokenInfo) -> Vec<(&'static str, Value)> {
    let time = |time: &Option<Timestamp>| time.map_or(Value::Null, |time| Value::from(time.to_string()));
    let principal = Principal::try_from(info.principal).ok().map(|known| known.as_str_name());
    let kind = TokenKind::try_from(info.kind).ok().map(|known| known.as_str_name());
    [
        ("issuer", Value::from(info.issuer.as_str())),
        ("subject", Value::from(info.subject.as_str())),
        ("principal", Value::from(name(info.principal, principal, "PRINCIPAL_"))),
        ("kind", Value::from(name(info.kind, kind, "TOKEN_KIND_"))),
        ("audiences", Value::from(info.audiences.clone())),
        ("scopes", Value::from(info.scopes.clone())),
        ("roles", Value::from(info.roles.clone())),
        ("permissions", Value::from(info.permissions.clone())),
        ("client_id", Value::from(info.client_id.as_str())),
        ("session_id", Value::from(info.session_id.as_str())),
        ("token_id", Value::from(info.token_id.as_str())),
        ("organization_id", Value::from(info.organization_id.as_str())),
        ("issued_at", time(&info.issued_at)),
        ("expires_at", time(&info.expires_at)),
        ("should_refresh", Value::from(info.should_refresh)),
        ("claims", serde_json::from_slice(&info.claims_json).unwrap_or(Value::Null)),
    ]
    .into_iter()
    .filter(|(_, value)| !is_empty(value))
    .collect()
}

fn object(info: &TokenInfo) -> Value {
    fields(info).into_iter().map(|(field, value)| (field.to_owned(), value)).collect::<Map<_, _>>().into()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}
