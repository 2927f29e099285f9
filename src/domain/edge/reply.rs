//! What the client gets instead of what it asked for: HTTP, as RFC 6750 section 3 has it. A gRPC call gets a sentence, which
//! the proxy makes a status of.

use std::time::Duration;

use serde_json::json;

use super::{denial::Denial, login, request::EdgeRequest, route::RoutePolicy, settings::EdgeSettings};

/// An answer to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, and values in visible ASCII and spaces.
    pub headers: Vec<(&'static str, String)>,
    /// Its content.
    pub body: String,
}

/// To a request that does not pass.
pub fn of_denial(
    denial: &Denial,
    request: &EdgeRequest<'_>,
    policy: Option<&RoutePolicy>,
    settings: &EdgeSettings,
) -> Reply {
    let status = denial.status(!request.takes_redirects);
    if let Some(login) = settings.login.as_ref().filter(|_| status == 401 && request.is_navigation()) {
        let headers = vec![("location", login::location(login, request, &settings.sources)), no_store()];
        return Reply { status: 302, headers, body: String::new() };
    }
    let mut reply = if request.is_grpc() {
        Reply { status, headers: vec![], body: denial.message().to_owned() }
    } else {
        let error = denial.challenge_error().unwrap_or("unauthorized");
        in_json(status, error, (&denial.reason(), denial.message()), Some(denial.recovery()))
    };
    if status == 401 || status == 403 {
        reply.headers.push(("www-authenticate", challenge(denial, policy, settings)));
    }
    reply
}

/// To a request about which nobody can tell whether it may pass.
pub fn cannot_tell(
    reason: &str,
    message: &str,
    retry_after: Option<Duration>,
    request: &EdgeRequest<'_>,
) -> Reply {
    let mut reply = if request.is_grpc() {
        Reply { status: 503, headers: vec![], body: message.to_owned() }
    } else {
        in_json(503, "temporarily_unavailable", (reason, message), None)
    };
    if let Some(after) = retry_after {
        // In whole seconds (RFC 9110 section 10.2.3), and never none.
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        reply.headers.push(("retry-after", seconds.max(1).to_string()));
    }
    reply
}

/// Whatever is answered about a credential is about this request only.
fn no_store() -> (&'static str, String) {
    ("cache-control", "no-store".to_owned())
}

fn in_json(status: u16, error: &str, (reason, message): (&str, &str), recovery: Option<&str>) -> Reply {
    let mut body = json!({"error": error, "reason": reason, "message": message});
    if let (Some(recovery), Some(members)) = (recovery, body.as_object_mut()) {
        members.insert("recovery".to_owned(), recovery.into());
    }
    let headers = vec![("content-type", "application/json".to_owned()), no_store()];
    Reply { status, headers, body: format!("{body}\n") }
}

/// RFC 6750 section 3: nothing is said about a token to a client that has none, and scopes only where they were the trouble.
fn challenge(denial: &Denial, policy: Option<&RoutePolicy>, settings: &EdgeSettings) -> String {
    let mut challenge = format!("Bearer realm={}", quoted(&settings.realm));
    let mut parameter = |name: &str, value: &str| {
        challenge.push_str(", ");
        challenge.push_str(name);
        challenge.push('=');
        challenge.push_str(&quoted(value));
    };
    if let Some(error) = denial.challenge_error() {
        parameter("error", error);
        parameter("error_description", denial.message());
        if let Some(scopes) = policy.filter(|_| denial.lacks_scope()).and_then(missing) {
            parameter("scope", &scopes);
        }
    }
    if let Some(url) = &settings.resource_metadata {
        parameter("resource_metadata", url);
    }
    challenge
}

/// The scopes that would do. Where permissions are asked for as well, it may be those that were missing, and a client that came
/// with the same scopes again would be told the same.
fn missing(policy: &RoutePolicy) -> Option<String> {
    (policy.permissions.is_empty() && !policy.scopes.is_empty()).then(|| policy.scopes.join(" "))
}

/// A quoted string (RFC 9110 section 5.6.4) of visible ASCII. RFC 6750 allows no quotes and backslashes in these at all, so
/// they become apostrophes rather than escapes that clients read wrong.
fn quoted(text: &str) -> String {
    let inner: String = text
        .chars()
        .filter(|character| character.is_ascii_graphic() || *character == ' ')
        .map(|character| if matches!(character, '"' | '\\') { '\'' } else { character })
        .collect();
    format!("\"{inner}\"")
}

#[cfg(test)]
mod tests;
