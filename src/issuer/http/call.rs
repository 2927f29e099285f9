//! Whatever is asked of a provider other than its documents: a posted form, as the token and revocation endpoints take it (RFC
//! 6749 section 3.2), or a call of its API. Bounded as a fetch is (K6).

use std::time::Duration;

use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{Bounds, HttpClient, HttpError, body, is_permitted, retry_after, span_of};
use crate::{
    issuer::client::SignedForm,
    ops::trace::{self, InSpan},
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// What is sent. Without `Debug`: there are secrets in it.
pub(in crate::issuer) enum Call {
    /// A posted form and its sender.
    Form(SignedForm),
    /// Nothing but the address and who asks, as an `Authorization` header.
    Get(HeaderValue),
    /// The same, to change something.
    Post(HeaderValue),
}

/// What came back, whatever the status. Without `Debug`: there may be tokens in it.
pub(in crate::issuer) struct Called {
    pub(in crate::issuer) status: StatusCode,
    /// What the server asks to wait (RFC 9110 section 10.2.3).
    pub(in crate::issuer) retry_after: Option<Duration>,
    /// An error for itself: where the status says all there is to know, the rest is not needed.
    pub(in crate::issuer) body: Result<Vec<u8>, HttpError>,
}

/// An answer to a form, whatever the status. Without `Debug`: there may be tokens in it.
pub(in crate::issuer) struct Posted {
    pub(in crate::issuer) status: StatusCode,
    pub(in crate::issuer) bytes: Vec<u8>,
}

impl HttpClient {
    /// Posts a form, whose whole answer is needed.
    pub(in crate::issuer) async fn post(
        &self,
        url: &Url,
        bounds: Bounds,
        form: SignedForm,
    ) -> Result<Posted, HttpError> {
        let Called { status, body, .. } = self.call(url, bounds, Call::Form(form)).await?;
        Ok(Posted { status, bytes: body? })
    }

    /// Sends a call. An error if no status came back.
    pub(in crate::issuer) async fn call(
        &self,
        url: &Url,
        bounds: Bounds,
        call: Call,
    ) -> Result<Called, HttpError> {
        if !is_permitted(url, bounds.allow_http) {
            return Err(HttpError::PlainHttp);
        }
        let method = if matches!(call, Call::Get(_)) { "GET" } else { "POST" };
        let noted = async {
            let called = self.exchange_call(url, bounds, call).await;
            if let Err(error) = &called {
                trace::note(|span| {
                    span.word("error.type", error.kind());
                    span.failed();
                });
            }
            called
        };
        InSpan::new(span_of(method, url), noted).await
    }

    async fn exchange_call(&self, url: &Url, bounds: Bounds, call: Call) -> Result<Called, HttpError> {
        let until = Instant::now() + bounds.timeout;
        let response = timeout_at(until, self.send(url, call)).await.unwrap_or(Err(HttpError::Timeout))?;
        let (status, retry_after) = (response.status(), retry_after::stated(response.headers()));
        trace::note(|span| span.number("http.response.status_code", status.as_u16()));
        let body = timeout_at(until, body(response, bounds.max_bytes)).await;
        Ok(Called { status, retry_after, body: body.unwrap_or(Err(HttpError::Timeout)) })
    }

    async fn send(&self, url: &Url, call: Call) -> Result<Response, HttpError> {
        let method = if matches!(call, Call::Get(_)) { Method::GET } else { Method::POST };
        let mut request = self.client.request(method, url.clone()).header(ACCEPT, JSON);
        request = match call {
            Call::Form(SignedForm { authorization, body }) => {
                if let Some(authorization) = authorization {
                    request = request.header(AUTHORIZATION, authorization);
                }
                request.header(CONTENT_TYPE, FORM).body(body)
            }
            Call::Get(authorization) => request.header(AUTHORIZATION, authorization),
            Call::Post(authorization) => request.header(AUTHORIZATION, authorization).body(""),
        };
        let mut trace_context = HeaderMap::new();
        trace::inject(&mut trace_context);
        let sent = request.headers(trace_context).send().await;
        // An address may hold a password.
        sent.map_err(|error| HttpError::Transport(error.without_url()))
    }
}
