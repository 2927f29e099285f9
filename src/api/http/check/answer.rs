//! What a proxy is answered. It takes 2xx for "may pass", so that [`allowed`] is the only place that makes one (E6).

use axum::body::Body;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE},
};
use tonic::Code;

use crate::{
    api::grpc::{limits::RETRY_AFTER, status},
    domain::edge::{
        admission::Admission,
        denial::Denial,
        identity::Identity,
        reply::{self, Reply},
        request::EdgeRequest,
        settings::UpstreamAuthorization,
    },
    service::check::Allowed,
};

/// An answer, and what it counts as: the status that Envoy would have got.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) code: Code,
    pub(super) response: Response<Body>,
}

/// A request passes: 200, with who it is from. What there is nothing to say about has no header, which proxies take for
/// "none": the name is taken out of the request (docs/proxies-http.md says how).
pub(super) fn allowed(allowed: &Allowed<'_>, headers: &HeaderMap) -> Outcome {
    let Some(told) = told(allowed, headers) else { return unwritable() };
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = told;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Outcome { code: Code::Ok, response }
}

/// None if something cannot be written, which identities are made for never to be.
fn told(allowed: &Allowed<'_>, headers: &HeaderMap) -> Option<HeaderMap> {
    let mut told = HeaderMap::new();
    let Admission::Token(permit) = &allowed.admission else { return Some(told) };
    for (name, value) in Identity::of(permit.token(), allowed.settings).headers {
        told.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    if allowed.settings.upstream_authorization == UpstreamAuthorization::AccessToken {
        let mut value = match allowed.forwarded {
            Some(token) => HeaderValue::try_from(format!("Bearer {token}")).ok()?,
            // It is there already, and nothing else is.
            None => headers.get(AUTHORIZATION)?.clone(),
        };
        value.set_sensitive(true);
        told.insert(AUTHORIZATION, value);
    }
    Some(told)
}

/// A request does not pass.
pub(super) fn denied(denial: &Denial, reply: Reply) -> Outcome {
    instead(status::code_of_denial(denial), reply)
}

/// Too many are at work.
pub(super) fn overloaded(request: &EdgeRequest<'_>) -> Outcome {
    let reply = reply::cannot_tell("OVERLOADED", status::OVERLOADED, Some(RETRY_AFTER), request);
    instead(Code::ResourceExhausted, reply)
}

/// The time for a check is over.
pub(super) fn took_too_long(request: &EdgeRequest<'_>) -> Outcome {
    let message = "this replica gives a check 30 s, and they are over";
    let reply = reply::cannot_tell("DEADLINE_EXCEEDED", message, Some(RETRY_AFTER), request);
    instead(Code::DeadlineExceeded, reply)
}

fn unwritable() -> Outcome {
    let response = plain(StatusCode::SERVICE_UNAVAILABLE, "an internal error\n");
    Outcome { code: Code::Internal, response }
}

/// What the client gets instead of what it asked for: never 2xx, whatever a reply says.
pub(super) fn instead(code: Code, reply: Reply) -> Outcome {
    let status = StatusCode::from_u16(reply.status).ok().filter(|status| !status.is_success());
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Outcome { code, response }
}

/// A sentence.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
