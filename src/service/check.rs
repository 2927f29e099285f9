//! May this request pass? What Envoy and other proxies ask, over the same validator as `Validate`.
//!
//! The order: the route's policy, the credential, the token. Each allow is made of an [`Admission`] (E6); a fault of ours comes
//! out as "cannot tell", never as a denial, nor the reverse (E4).

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::{
    fault::Fault,
    validate::{Pass, Question, Validator},
};
use crate::{
    domain::{
        decide::Presented,
        edge::{
            admission::{Admission, without_credential},
            credential::{self, Credential},
            denial::Denial,
            query,
            reply::{self, Reply},
            request::EdgeRequest,
            route::{PolicyProblem, RoutePolicy},
            settings::{CannotTell, EdgeSettings, UpstreamAuthorization},
        },
    },
    ops::{metrics::CheckMetrics, readiness::Readiness},
    state::{
        cache::{CachedToken, EncodedToken},
        edge::{Edge, Route, Whose},
    },
};

/// Answers proxies.
#[derive(Debug)]
pub struct Checker {
    validator: Arc<Validator>,
    /// Each call takes what is here when it begins, and keeps it to its end.
    edge: ArcSwap<Edge>,
    readiness: Readiness,
    metrics: CheckMetrics,
}

/// What a request is told.
#[expect(missing_debug_implementations, reason = "it holds whatever an answer holds")]
pub enum Answer<T> {
    /// It may pass.
    Allowed(T),
    /// It may not.
    Denied {
        /// Why.
        denial: Denial,
        /// For the client.
        reply: Reply,
    },
    /// Nobody can tell.
    CannotTell {
        /// Why.
        fault: Fault,
        /// For the client.
        reply: Reply,
        /// How Envoy wants to hear of it.
        told: CannotTell,
    },
}

/// A request that may pass, with what an answer is made of.
#[expect(missing_debug_implementations, reason = "it holds a token")]
pub struct Allowed<'a> {
    /// The proof.
    pub admission: Admission<'a>,
    /// How requests are answered.
    pub settings: &'a EdgeSettings,
    /// The encoded claims of its token, if it has one.
    pub encoded: Option<&'a EncodedToken>,
    /// What it presented, if it is to go on as `Authorization: Bearer` and is not there already.
    pub forwarded: Option<&'a str>,
    /// Query parameters in which there is a credential, to be taken out.
    pub parameters: &'a [&'a str],
    edge: &'a Edge,
    route: &'a Route,
    whose: Whose<'a>,
}

impl<'a> Allowed<'a> {
    /// With the token that passes, and what of it is to go on, if there is one.
    fn at(
        At { edge, route, .. }: At<'a>,
        parameters: &'a [&'a str],
        admission: Admission<'a>,
        token: Option<(&'a CachedToken, Option<&'a str>)>,
    ) -> Self {
        let (encoded, forwarded, whose) = match token {
            Some((cached, forwarded)) => (Some(cached.encoded()), forwarded, Whose::Token(cached)),
            None => (None, None, Whose::Nobody),
        };
        Self { admission, settings: edge.settings(), encoded, forwarded, parameters, edge, route, whose }
    }

    /// The encoded answer: made once for a token and a route, unless it holds the token itself (C6) or is about this request's
    /// query, too.
    pub fn answer(&self, make: impl FnOnce() -> Bytes) -> Bytes {
        if self.forwarded.is_some() || !self.parameters.is_empty() {
            make()
        } else {
            self.edge.answer(self.whose, self.route, make)
        }
    }
}

/// Where a request is checked.
#[derive(Clone, Copy)]
struct At<'a> {
    edge: &'a Edge,
    route: &'a Route,
    policy: &'a RoutePolicy,
}

/// What comes of a request before its answer is written.
enum Stop {
    Denied(Denial),
    CannotTell(Fault),
}

impl Checker {
    /// Answers so until it is told otherwise.
    pub fn new(
        validator: Arc<Validator>,
        settings: EdgeSettings,
        readiness: Readiness,
        metrics: CheckMetrics,
    ) -> Self {
        Self { validator, edge: ArcSwap::from_pointee(Edge::new(settings)), readiness, metrics }
    }

    /// Answers so from now on; what was remembered is forgotten.
    pub fn replace_settings(&self, settings: EdgeSettings) {
        if *self.edge.load().settings() != settings {
            self.edge.store(Arc::new(Edge::new(settings)));
        }
    }

    /// Checks a request under its route's words, and hands what is needed for an allow to `allow`.
    pub async fn check<T: Send>(
        &self,
        request: &EdgeRequest<'_>,
        words: &[(&str, &str)],
        allow: impl FnOnce(&Allowed<'_>) -> T + Send,
    ) -> Answer<T> {
        let edge = self.edge.load_full();
        let route = edge.route(words);
        let stop = match self.policy(&route, request) {
            Ok(policy) => match self.admit(At { edge: &edge, route: &route, policy }, request, allow).await {
                Ok(allowed) => return Answer::Allowed(allowed),
                Err(stop) => stop,
            },
            Err(problem) => misspelt(&route, problem),
        };
        self.stopped(stop, request, route.policy.as_ref().ok(), edge.settings())
    }

    /// A route's policy, if it can be held to.
    fn policy<'r>(
        &self,
        route: &'r Route,
        request: &EdgeRequest<'_>,
    ) -> Result<&'r RoutePolicy, PolicyProblem> {
        let policy = route.policy.as_ref().map_err(Clone::clone)?;
        let problem = |name: &str, problem| Err(PolicyProblem { name: name.to_owned(), problem });
        if policy.preflight && request.method.is_none() {
            return problem(
                "preflight",
                "needs `http.forwarded`, which says who tells the method of a request",
            );
        }
        // Asked each time: issuers come and go.
        if !policy.issuer.is_empty() && !self.validator.knows_issuer(&policy.issuer) {
            return problem("issuer", "is not the `issuer` of one that is configured");
        }
        Ok(policy)
    }

    /// A request of whose route nothing is said, not even that it asks for nothing more.
    pub fn without_policy<T>(&self, request: &EdgeRequest<'_>) -> Answer<T> {
        let edge = self.edge.load();
        let stop = misspelt(edge.unsaid(), PolicyProblem::unsaid());
        self.stopped(stop, request, None, edge.settings())
    }

    /// A request that cannot be checked, because what is needed for that is not said, or not in a way that can be read.
    pub fn unreadable<T>(&self, problem: Denial, request: &EdgeRequest<'_>) -> Answer<T> {
        let edge = self.edge.load();
        self.stopped(Stop::Denied(problem), request, None, edge.settings())
    }

    fn stopped<T>(
        &self,
        stop: Stop,
        request: &EdgeRequest<'_>,
        policy: Option<&RoutePolicy>,
        settings: &EdgeSettings,
    ) -> Answer<T> {
        match stop {
            Stop::Denied(denial) => {
                self.metrics.denied(&denial);
                let reply = reply::of_denial(&denial, request, policy, settings);
                Answer::Denied { denial, reply }
            }
            Stop::CannotTell(fault) => {
                self.metrics.cannot_tell();
                let reply = reply::cannot_tell(fault.reason(), fault.message(), fault.retry_after(), request);
                // What is asked of a replica that starts or ends is for another one, and a proxy repeats a failed call only: one
                // that is started anew at its address may be asked before a proxy's health checks have counted.
                let told =
                    if self.readiness.is_ready() { settings.cannot_tell } else { CannotTell::RpcError };
                Answer::CannotTell { fault, reply, told }
            }
        }
    }

    async fn admit<T: Send>(
        &self,
        at: At<'_>,
        request: &EdgeRequest<'_>,
        allow: impl FnOnce(&Allowed<'_>) -> T + Send,
    ) -> Result<T, Stop> {
        let At { edge, policy, .. } = at;
        let settings = edge.settings();
        let parameters = request.query().map(|query| query::present(query, &settings.sources));
        let parameters = parameters.unwrap_or_default();
        let credential = credential::of(request, &policy.sources, &settings.sources);
        let Some(credential) = credential.map_err(|unusable| Stop::Denied(unusable.into()))? else {
            return match without_credential(policy, request) {
                Some(admission) => {
                    self.metrics.allowed(&admission);
                    Ok(allow(&Allowed::at(at, &parameters, admission, None)))
                }
                None => Err(Stop::Denied(Denial::missing())),
            };
        };
        let presented = Presented { scheme: credential.scheme, certificate: request.certificate };
        let question = Question {
            token: credential.token.as_bytes(),
            requirements: policy.requirements(presented),
            min_revision: None,
            max_staleness: None,
        };
        let answered = |pass: Pass<'_>| {
            let admission = Admission::Token(pass.permit);
            self.metrics.allowed(&admission);
            let token = Some((pass.cached, forwarded(&credential, settings)));
            allow(&Allowed::at(at, &parameters, admission, token))
        };
        match self.validator.validate(&question, answered).await {
            Ok(verdict) => verdict.outcome.map_err(|refusal| Stop::Denied(Denial::Refused(refusal))),
            Err(fault) => Err(Stop::CannotTell(fault)),
        }
    }
}

fn forwarded<'c>(credential: &'c Credential<'_>, settings: &EdgeSettings) -> Option<&'c str> {
    match settings.upstream_authorization {
        UpstreamAuthorization::AccessToken if !credential.is_plain => Some(&credential.token),
        UpstreamAuthorization::AccessToken | UpstreamAuthorization::Strip => None,
    }
}

/// Told once for each route, since it is the same for each of its requests, all of which are denied.
fn misspelt(route: &Route, problem: PolicyProblem) -> Stop {
    if route.is_first_report() {
        tracing::error!(
            policy.name = %problem.name,
            error.message = problem.problem,
            "a route's policy cannot be read, so nothing passes there"
        );
    }
    Stop::Denied(Denial::Policy(problem))
}
