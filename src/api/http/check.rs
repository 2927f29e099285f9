//! `/check`: what nginx (`auth_request`), Traefik (`forwardAuth`) and Caddy (`forward_auth`) ask about each request.
//!
//! The method and the body of a check mean nothing: its query is the route's policy, and its headers are those of the original
//! request. What else that request was is told by the headers that `http.forwarded` names, and by no others, because a proxy
//! hands on whatever a client sends.

mod answer;
mod forwarded;

use std::{convert::Infallible, future::pending, pin::pin, sync::Arc, time::Duration};

use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode, request::Parts};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use smallvec::SmallVec;
use tokio::{
    select,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use url::form_urlencoded;

use self::{answer::Outcome, forwarded::Original};
use super::Forwarded;
use crate::{
    api::{
        ServerSettings,
        connection::Connection,
        grpc::{
            limits::{CEILING, LimitsLayer},
            methods,
        },
        listener::Listener,
    },
    domain::edge::{
        denial::Denial,
        request::{EdgeRequest, Headers, Values},
    },
    ops::drain::Tasks,
    service::check::{Allowed, Answer, Checker},
};

const PATH: &str = "/check";

/// How long a connection may be without a request, or with half of one: longer than nginx keeps one (60 s), so that it is the
/// proxy that closes, and no check meets a connection that just went away.
const IDLE: Duration = Duration::from_secs(75);

/// Rather a bound for memory than for clients, who meet that of all headers' bytes before. It is what nginx takes by default, from
/// the versions on that count them; hyper's own 100 would be a way to make nginx answer as if nobody could tell.
const MOST_HEADERS: usize = 1_000;

/// hyper reads at least so much at once.
const LEAST_BUFFER: usize = 8 * 1024;

/// Answers checks over HTTP/1.1, under the limits that calls have.
#[derive(Clone, Debug)]
pub struct CheckApi {
    checker: Arc<Checker>,
    limits: LimitsLayer,
    forwarded: Option<Forwarded>,
    max_header_bytes: usize,
    max_connection_age: Option<Duration>,
}

impl CheckApi {
    /// Believes what `forwarded` says about original requests.
    pub fn new(
        checker: Arc<Checker>,
        limits: LimitsLayer,
        forwarded: Option<Forwarded>,
        server: &ServerSettings,
    ) -> Self {
        let max_header_bytes = usize::try_from(server.max_header_bytes).unwrap_or(usize::MAX);
        Self { checker, limits, forwarded, max_header_bytes, max_connection_age: server.max_connection_age }
    }

    /// Accepts connections until `calls` are to stop. Each is one of these until the request then on it is answered.
    pub async fn serve(self, mut listener: Listener, calls: Tasks) {
        let draining = calls.stopping().clone();
        while let Some((connection, _peer)) = draining.run_until_cancelled(listener.accept()).await {
            let connection = connection.asking_soon(draining.clone());
            drop(calls.spawn(self.clone().converse(connection, draining.clone())));
        }
    }

    /// Every request on one connection, one after the other.
    async fn converse(self, connection: Connection, draining: CancellationToken) {
        let (max_header_bytes, max_age) = (self.max_header_bytes, self.max_connection_age);
        let service = service_fn(move |request| {
            let api = self.clone();
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        });
        let http = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .max_header_size(max_header_bytes)
            .max_headers(MOST_HEADERS)
            .max_buf_size(max_header_bytes.max(LEAST_BUFFER))
            .serve_connection(TokioIo::new(connection), service);
        let mut http = pin!(http);
        let is_old = async {
            match max_age {
                Some(age) => sleep(age).await,
                None => pending().await,
            }
        };
        select! {
            // However it ended: the peer knows.
            _ended = &mut http => return,
            () = is_old => {}
            () = draining.cancelled() => {}
        }
        http.as_mut().graceful_shutdown();
        // No answer takes longer, and who does not read it must not stay for it.
        drop(timeout(CEILING, http).await);
    }

    async fn answer(self, request: Request<Incoming>) -> Response<Body> {
        // The body is never read, and whoever sends one gets the answer all the same.
        let (parts, _body) = request.into_parts();
        if parts.uri.path() != PATH {
            return answer::plain(StatusCode::NOT_FOUND, "there is only /check here\n");
        }
        let Some(mut call) = self.limits.enter(methods::CHECK_OVER_HTTP) else {
            return answer::overloaded(&unknown(&Asked(&parts.headers))).response;
        };
        let answered = timeout(CEILING, self.check(&parts)).await;
        let outcome =
            answered.unwrap_or_else(|_over| answer::took_too_long(&unknown(&Asked(&parts.headers))));
        call.ended_with(outcome.code);
        outcome.response
    }

    async fn check(&self, parts: &Parts) -> Outcome {
        let headers = Asked(&parts.headers);
        let takes_redirects = self.forwarded == Some(Forwarded::XForwarded);
        let unknown = EdgeRequest { takes_redirects, ..unknown(&headers) };
        let original = Original::read(self.forwarded, &parts.headers);
        let answer = match (parts.uri.query(), original) {
            // A proxy that is not told to write a query may leave the client's there, which would be the policy then.
            (None, _) => self.checker.without_policy(&unknown),
            (Some(_), Err(problem)) => self.checker.unreadable(problem, &unknown),
            (Some(query), Ok(original)) if is_of_client(query, original.target) => {
                let problem = "the request's query is that of its check, which may be the client's own";
                self.checker.unreadable(Denial::Client(problem), &unknown)
            }
            (Some(query), Ok(original)) => {
                let pairs = form_urlencoded::parse(query.as_bytes());
                let pairs: SmallVec<[_; 8]> = pairs.collect();
                let words: SmallVec<[(&str, &str); 8]> =
                    pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
                let request = EdgeRequest {
                    method: original.method,
                    target: original.target,
                    scheme: original.scheme,
                    host: original.host,
                    headers: &headers,
                    certificate: None,
                    takes_redirects,
                };
                let allow = |allowed: &Allowed<'_>| answer::allowed(allowed, &parts.headers);
                self.checker.check(&request, &words, allow).await
            }
        };
        match answer {
            Answer::Allowed(outcome) => outcome,
            Answer::Denied { denial, reply } => answer::denied(&denial, reply),
            Answer::CannotTell { reply, .. } => answer::instead(Code::Unavailable, reply),
        }
    }
}

/// Whether the check has the query of the original request, as it has where a proxy changes the path alone.
fn is_of_client(query: &str, target: Option<&str>) -> bool {
    // A fragment is not in the check's own query any more.
    let target = target.and_then(|target| target.split('#').next());
    let asked = target.and_then(|target| target.split_once('?')).map(|(_, query)| query);
    !query.is_empty() && asked == Some(query)
}

/// A request's headers.
struct Asked<'h>(&'h HeaderMap);

impl Headers for Asked<'_> {
    fn values(&self, name: &str) -> Values<'_> {
        self.0.get_all(name).iter().map(http::HeaderValue::as_bytes).collect()
    }
}

/// A request that is not checked: its headers say how to tell so.
fn unknown<'r>(headers: &'r Asked<'_>) -> EdgeRequest<'r> {
    EdgeRequest {
        method: None,
        target: None,
        scheme: None,
        host: None,
        headers,
        certificate: None,
        takes_redirects: false,
    }
}
