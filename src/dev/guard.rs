//! Keeps web pages out. Listening on loopback stops other machines, but not a page in the developer's own browser, which
//! can post to any address, and read answers from one that its own name was made to point to (DNS rebinding).

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, StatusCode,
        header::{HOST, ORIGIN},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Shared;

/// Answers only requests that name this very address, and none that a page has sent.
pub(super) async fn local_only(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !names_us(headers, &shared) {
        return (StatusCode::MISDIRECTED_REQUEST, "this is a development issuer on loopback\n")
            .into_response();
    }
    if headers.contains_key(ORIGIN) {
        return (StatusCode::FORBIDDEN, "web pages may not use the development issuer\n").into_response();
    }
    next.run(request).await
}

fn names_us(headers: &HeaderMap, shared: &Shared) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let localhost = format!("localhost:{}", shared.authority.port());
    host == shared.authority.to_string() || host.eq_ignore_ascii_case(&localhost)
}
