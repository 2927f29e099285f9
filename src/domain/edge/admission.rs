//! What lets a request pass (E6). Every allow, whatever proxy it is for, is built from one of these.

use super::{request::EdgeRequest, route::RoutePolicy};
use crate::domain::decide::Permit;

/// Why a request may pass.
#[must_use]
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub enum Admission<'t> {
    /// Its token passed every check.
    Token(Permit<'t>),
    /// It presents no credential, and its route does not need one. It has no identity.
    Anonymous(Anonymous),
    /// It is a CORS preflight, and its route lets those pass. It has no identity.
    Preflight(Preflight),
}

/// Proof that a route lets a request without credentials pass.
///
/// ```compile_fail,E0603
/// let _forged = countersign::domain::edge::admission::Anonymous(());
/// ```
#[must_use]
#[derive(Debug)]
pub struct Anonymous(());

/// Proof that a route lets a CORS preflight pass.
///
/// ```compile_fail,E0603
/// let _forged = countersign::domain::edge::admission::Preflight(());
/// ```
#[must_use]
#[derive(Debug)]
pub struct Preflight(());

/// Whether a request that presents no credential may pass. That there is none is what [`super::credential::of`] has found.
pub fn without_credential(policy: &RoutePolicy, request: &EdgeRequest<'_>) -> Option<Admission<'static>> {
    if policy.preflight && request.is_preflight() {
        Some(Admission::Preflight(Preflight(())))
    } else if policy.optional {
        Some(Admission::Anonymous(Anonymous(())))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{super::request::tests::Listed, *};

    #[test]
    fn e6_nobody_passes_only_where_the_route_says_so() {
        let preflight =
            Listed::of(&[("origin", "https://a.example"), ("access-control-request-method", "PUT")]);
        let plain = Listed::of(&[]);
        let of = |optional, preflight| RoutePolicy { optional, preflight, ..RoutePolicy::of(&[]) };
        let word = |policy: &RoutePolicy, request: &EdgeRequest<'_>| match without_credential(policy, request)
        {
            None => "no",
            Some(Admission::Anonymous(_)) => "anonymous",
            Some(Admission::Preflight(_)) => "preflight",
            Some(Admission::Token(_)) => "token",
        };
        let options = preflight.request("OPTIONS", "/");
        assert_eq!(word(&of(false, false), &options), "no");
        assert_eq!(word(&of(true, false), &options), "anonymous");
        assert_eq!(word(&of(false, true), &options), "preflight");
        assert_eq!(word(&of(false, true), &preflight.request("PUT", "/")), "no");
        assert_eq!(word(&of(false, true), &plain.request("OPTIONS", "/")), "no");
        assert_eq!(word(&of(true, true), &plain.request("GET", "/")), "anonymous");
    }
}
