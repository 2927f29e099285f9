//! The words of an error answer that may be shown.

use serde_json::Value;

/// The `error`s of RFC 6749 section 5.2, of RFC 7009 section 2.2.1 and of their extensions that an endpoint may answer with; no
/// other word of an answer is ever shown.
const REGISTERED: [&str; 14] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_token_type",
    "invalid_scope",
    "invalid_target",
    "invalid_dpop_proof",
    "use_dpop_nonce",
    "access_denied",
    "interaction_required",
    "server_error",
    "temporarily_unavailable",
];

/// The same word, if it is one of them.
pub(super) fn registered(error: &str) -> Option<&'static str> {
    REGISTERED.into_iter().find(|known| *known == error)
}

/// The registered `error` of an answer.
pub(super) fn of(body: &[u8]) -> Option<&'static str> {
    let members: serde_json::Map<String, Value> = serde_json::from_slice(body).ok()?;
    registered(members.get("error")?.as_str()?)
}
