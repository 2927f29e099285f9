//! What an answer of the token endpoint means, or that there is none. docs/errors.md has it as a table.

use reqwest::StatusCode;
use zeroize::Zeroizing;

use super::granted;
use crate::{
    domain::json,
    issuer::{
        exchange::Exchanged,
        fetch::Chain,
        http::{Called, HttpError},
        not_told::Trouble,
        oauth_error,
    },
};

/// Fosite's words (Ory Hydra) for an `invalid_request` that is nobody's fault: two requests with one token met in its
/// database, and this one was rolled back.
const CONFLICT: [&str; 2] = ["multiple concurrent requests using the same token", "Please retry the request"];

/// What it means.
pub(super) enum Verdict {
    /// That is what came of it.
    Done(Exchanged),
    /// For certain nothing was done, and the issuer wants it again soon.
    Conflict(Trouble),
    /// The scopes are not to be had.
    Scopes(Trouble),
}

/// Judges one attempt.
pub(super) fn judge(called: Result<Called, HttpError>) -> Verdict {
    match called {
        Ok(called) => answer(called),
        Err(error) => Verdict::Done(no_status(&error)),
    }
}

/// No status came back.
fn no_status(error: &HttpError) -> Exchanged {
    let trouble = Trouble::new(error.kind(), Chain(error).to_string());
    match error {
        HttpError::PlainHttp => Exchanged::Refused(trouble),
        error if error.is_unsent() => Exchanged::NotProcessed { trouble, retry_after: None },
        HttpError::Transport(_) | HttpError::Timeout | HttpError::Status(_) | HttpError::TooLong => {
            Exchanged::Unknown { trouble, retry_after: None }
        }
    }
}

fn answer(called: Called) -> Verdict {
    let Called { status, retry_after, body } = called;
    let trouble = |kind| Trouble::answer(kind, status, None);
    let unknown = |trouble| Verdict::Done(Exchanged::Unknown { trouble, retry_after });
    if status.is_redirection() || status.is_informational() {
        // Not followed: what was sent is for nobody else. Mostly a proxy that wants a login.
        return Verdict::Done(Exchanged::Refused(trouble("redirect")));
    }
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::TOO_EARLY) {
        // RFC 6585 section 4; RFC 8470 section 5.2: the server is unwilling to process it.
        let trouble = trouble("unavailable");
        return Verdict::Done(Exchanged::NotProcessed { trouble, retry_after });
    }
    // A gateway says so, too, when the issuer behind it is at work still.
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return unknown(trouble("unavailable"));
    }
    let body = match body {
        Ok(body) => Zeroizing::new(body),
        Err(error) => return unknown(Trouble::new(error.kind(), Chain(&error).to_string())),
    };
    if status.is_success() {
        // What does not fit is not quoted: there may be a token in it.
        let no_tokens = || Trouble::new("no_token", "the token endpoint's answer has no readable tokens");
        return match granted::read(&body) {
            Some(granted) => Verdict::Done(Exchanged::Granted(granted)),
            None => unknown(no_tokens()),
        };
    }
    refusal(status, &body, retry_after)
}

/// A 4xx (RFC 6749 section 5.2).
fn refusal(status: StatusCode, body: &[u8], retry_after: Option<std::time::Duration>) -> Verdict {
    let (error, is_conflict) = said(body);
    let trouble = |kind| Trouble::answer(kind, status, error);
    // Auth0 answers it with 403, others with 401.
    let is_usual =
        matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    Verdict::Done(match error {
        Some("invalid_grant") if is_usual => Exchanged::InvalidGrant(trouble("invalid_grant")),
        Some("invalid_client") => Exchanged::ClientRejected(trouble("client_refused")),
        // Of this client with this token, perhaps: some issuers say so of a token that is another client's.
        Some("unauthorized_client" | "unsupported_grant_type") => {
            Exchanged::ClientRejected(trouble("client_unauthorized"))
        }
        Some("temporarily_unavailable" | "server_error") => {
            Exchanged::NotProcessed { trouble: trouble("unavailable"), retry_after }
        }
        Some("invalid_request") if is_conflict => return Verdict::Conflict(trouble("conflict")),
        Some("invalid_scope") => return Verdict::Scopes(trouble("invalid_scope")),
        None if status == StatusCode::UNAUTHORIZED => {
            Exchanged::ClientRejected(trouble("client_unauthorized"))
        }
        _others => Exchanged::Refused(trouble("refused")),
    })
}

/// The registered word of an answer, and whether it is Hydra's for a conflict. Nothing, where two parsers could read different
/// words.
fn said(body: &[u8]) -> (Option<&'static str>, bool) {
    let Some(members) = json::parse_object(body) else { return (None, false) };
    let text = |name| members.get(name).and_then(json::Json::as_str);
    let error = text("error").and_then(oauth_error::registered);
    let explained = ["error_description", "error_hint"].into_iter().filter_map(text);
    let is_conflict = explained.into_iter().any(|text| CONFLICT.iter().any(|words| text.contains(words)));
    (error, is_conflict)
}

#[cfg(test)]
mod tests;
