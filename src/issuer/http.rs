//! The only HTTP client towards identity providers, and the bounds of one fetch (K6): https, no redirects, a time, a size.

mod call;
mod dated;
mod lifetime;
mod retry_after;

use std::{error::Error, time::Duration};

use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED},
    redirect,
};
use url::{Host, Url};

pub(super) use self::{
    call::{Call, Called},
    dated::Dated,
};
use crate::ops::trace::{self, InSpan, Span};

/// One of several addresses of a host may be dead; trying the next must leave time within an issuer's own `timeout`,
/// which bounds the whole fetch.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

const ACCEPTED: HeaderValue = HeaderValue::from_static("application/json, application/jwk-set+json");

/// Fetches from identity providers. Clones share one client.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client,
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client for the identity providers: does the system have CA certificates?")]
pub struct NoHttpClient(#[source] reqwest::Error);

/// What bounds one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// From the first byte sent, the connection included, to the last one read.
    pub(super) timeout: Duration,
    /// Longer bodies are refused.
    pub(super) max_bytes: usize,
    /// Whether plain http is accepted beyond loopback.
    pub(super) allow_http: bool,
}

/// What makes a request conditional: how one document from one address is recognised (RFC 9110 section 8.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Validators {
    url: Url,
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// What came back.
#[derive(Debug)]
pub(super) enum Answer {
    /// The document that the validators describe is still the one.
    NotModified { lifetime: Option<Duration> },
    /// A document.
    Document { bytes: Vec<u8>, validators: Option<Validators>, lifetime: Option<Duration> },
}

impl Answer {
    /// The same, to be asked for again within `at_most`.
    pub(super) fn good_for(mut self, at_most: Duration) -> Self {
        let (Self::NotModified { lifetime } | Self::Document { lifetime, .. }) = &mut self;
        *lifetime = Some(lifetime.map_or(at_most, |stated| stated.min(at_most)));
        self
    }
}

/// Why nothing usable came back.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("refused to use plain http beyond loopback (`allow_http` would allow it)")]
    PlainHttp,
    #[error("the request failed")]
    Transport(#[source] reqwest::Error),
    #[error("no complete answer within `timeout`")]
    Timeout,
    #[error("the answer's status is {0}, not 200")]
    Status(StatusCode),
    #[error("the answer is longer than `max_bytes`")]
    TooLong,
}

impl HttpClient {
    /// A client that uses the system's CA certificates and no proxy.
    pub fn new() -> Result<Self, NoHttpClient> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place where the client is made")]
        let builder = Client::builder();
        let client = builder
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            // A fetch every few minutes gains nothing from kept connections, and would lose a whole time-out to a dead one.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(NoHttpClient)?;
        Ok(Self { client })
    }

    /// Fetches one document. `known` makes the request conditional if it is about this address.
    pub(super) async fn get(
        &self,
        url: &Url,
        bounds: Bounds,
        known: Option<&Validators>,
    ) -> Result<Answer, HttpError> {
        self.get_dated(url, bounds, known).await.map(|(answer, _)| answer)
    }

    /// The same, and when the server says that it answered.
    pub(super) async fn get_dated(
        &self,
        url: &Url,
        bounds: Bounds,
        known: Option<&Validators>,
    ) -> Result<(Answer, Dated), HttpError> {
        if !is_permitted(url, bounds.allow_http) {
            return Err(HttpError::PlainHttp);
        }
        let known = known.filter(|known| known.url == *url);
        let exchange = tokio::time::timeout(bounds.timeout, self.exchange(url, bounds.max_bytes, known));
        let noted = async {
            let answer = exchange.await.unwrap_or(Err(HttpError::Timeout));
            if let Err(error) = &answer {
                trace::note(|span| {
                    span.word("error.type", error.kind());
                    span.failed();
                });
            }
            answer
        };
        InSpan::new(span_of("GET", url), noted).await
    }

    async fn exchange(
        &self,
        url: &Url,
        max_bytes: usize,
        known: Option<&Validators>,
    ) -> Result<(Answer, Dated), HttpError> {
        let request = self.client.get(url.clone()).header(ACCEPT, ACCEPTED);
        let mut headers = known.map(Validators::condition).unwrap_or_default();
        trace::inject(&mut headers);
        let request = request.headers(headers);
        // An address may hold a password; the issuer's name in the log says enough.
        let response = request.send().await.map_err(|error| HttpError::Transport(error.without_url()))?;
        trace::note(|span| span.number("http.response.status_code", response.status().as_u16()));
        let lifetime = lifetime::stated(response.headers());
        let dated = Dated::of(response.headers());
        let answer = match response.status() {
            StatusCode::OK => {
                let validators = Validators::of(url, response.headers());
                Answer::Document { bytes: body(response, max_bytes).await?, validators, lifetime }
            }
            // Only where it was asked for: otherwise there is nothing that has not been modified.
            StatusCode::NOT_MODIFIED if known.is_some() => Answer::NotModified { lifetime },
            other => return Err(HttpError::Status(other)),
        };
        Ok((answer, dated))
    }
}

/// Without the whole address, which may hold a password.
fn span_of(method: &'static str, url: &Url) -> Option<Span> {
    let span = Span::request(method)?;
    span.notes().word("http.request.method", method);
    span.notes().name("server.address", url.host_str().unwrap_or_default());
    span.notes().number("server.port", url.port_or_known_default().unwrap_or_default());
    Some(span)
}

/// Reads to the end or to the limit, whichever is first. A body that ends early is an error of the transport.
async fn body(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, HttpError> {
    let mut bytes = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| HttpError::Transport(error.without_url()))?
    {
        if bytes.len().saturating_add(chunk.len()) > max_bytes {
            return Err(HttpError::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Whether an address may be fetched from (K6): https anywhere; http to loopback, where nobody can listen in, and elsewhere
/// only by configuration. The configuration asks the same question.
pub fn is_permitted(url: &Url, allow_http: bool) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => allow_http || is_loopback(url),
        _ => false,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A request is the first and only one on its connection, so a server that says goodbye without having seen a fault, or one that
/// refuses the stream, has not looked at it.
fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_remote()
                && (error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM)
                    || error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR));
        }
        cause = error.source();
    }
    false
}

impl Validators {
    fn of(url: &Url, headers: &HeaderMap) -> Option<Self> {
        let (etag, last_modified) = (headers.get(ETAG).cloned(), headers.get(LAST_MODIFIED).cloned());
        let any = etag.is_some() || last_modified.is_some();
        any.then(|| Self { url: url.clone(), etag, last_modified })
    }

    /// RFC 9110 section 13.1.3: a server that understands the first ignores the second, so both may be sent.
    fn condition(&self) -> HeaderMap {
        let pairs = [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.last_modified)];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

impl HttpError {
    /// Whether for certain no server has begun to work on the request: no connection, or a server that speaks HTTP/2 says so
    /// (RFC 9113 sections 6.8 and 8.7).
    pub(super) fn is_unsent(&self) -> bool {
        let Self::Transport(error) = self else { return matches!(self, Self::PlainHttp) };
        error.is_connect() || error.is_builder() || is_refused(error)
    }

    /// For `error.type`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::PlainHttp => "plain_http",
            Self::Transport(_) => "transport",
            Self::Timeout => "timeout",
            Self::Status(_) => "status",
            Self::TooLong => "too_long",
        }
    }
}

#[cfg(test)]
mod tests {
    mod unsent;

    use super::*;

    #[test]
    fn k6_plain_http_reaches_loopback_only_unless_configured() {
        let permitted = |url: &str, allow_http| is_permitted(&url.parse().unwrap(), allow_http);
        for good in ["https://idp.example/", "http://127.0.0.1:8080/", "http://127.8.9.1/", "http://[::1]/"] {
            assert!(permitted(good, false), "{good}");
        }
        assert!(permitted("http://LOCALHOST/keys", false));
        for bad in ["http://idp.example/", "http://10.0.0.1/", "http://0.0.0.0/", "http://localhost.evil/"] {
            assert!(!permitted(bad, false), "{bad}");
            assert!(permitted(bad, true), "{bad}");
        }
        assert!(!permitted("file:///etc/keys", true));
        assert!(!permitted("ftp://localhost/", true));
    }
}
