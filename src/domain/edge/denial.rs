//! Why a request does not pass, as far as that is its own fault, or that of its route. Our trouble is none of these.

use super::{credential::Unusable, route::PolicyProblem};
use crate::domain::reason::{Reason, Recovery, Refusal};

/// Why a request is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Its token was refused, or it has none.
    Refused(Refusal),
    /// It presents several credentials that are not the same.
    Conflict,
    /// Its route's policy means nothing.
    Policy(PolicyProblem),
    /// The proxy does not say what is needed to check it.
    Request(&'static str),
    /// The client says something in a way in which nobody can check it.
    Client(&'static str),
}

/// A denial's kind, as metrics call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialKind {
    /// A token's refusal; the validations say which.
    Refused,
    /// No credential at all.
    Missing,
    /// Several credentials.
    Conflict,
    /// A policy that means nothing.
    Policy,
    /// A request that cannot be checked.
    Request,
}

impl DenialKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Refused, Self::Missing, Self::Conflict, Self::Policy, Self::Request];

    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Missing => "missing",
            Self::Conflict => "conflict",
            Self::Policy => "policy",
            Self::Request => "request",
        }
    }
}

impl Denial {
    /// Of which kind it is.
    pub fn kind(&self) -> DenialKind {
        match self {
            Self::Refused(refusal) if refusal.reason() == Reason::Missing => DenialKind::Missing,
            Self::Refused(_) => DenialKind::Refused,
            Self::Conflict => DenialKind::Conflict,
            Self::Policy(_) => DenialKind::Policy,
            Self::Request(_) | Self::Client(_) => DenialKind::Request,
        }
    }

    /// There is no credential.
    pub fn missing() -> Self {
        Self::Refused(Refusal::new(Reason::Missing, "this needs a credential, and none was presented"))
    }

    /// The HTTP status. A conflict is answered 401 rather than RFC 6750's 400, since proxies such as nginx know 401 and 403 as
    /// refusals and take everything else for a fault of ours. For the same reason, what a client writes amiss is 403 where the
    /// proxy is such a one (`only_refusals`), so that no client can make it look as if nobody could tell.
    pub fn status(&self, only_refusals: bool) -> u16 {
        match self {
            Self::Refused(refusal) if refusal.reason().is_insufficient() => 403,
            Self::Refused(_) | Self::Conflict => 401,
            Self::Policy(_) => 500,
            Self::Client(_) if only_refusals => 403,
            Self::Request(_) | Self::Client(_) => 400,
        }
    }

    /// The error code of RFC 6750 section 3.1, for those who may try again with another token; a request without a credential
    /// gets none.
    pub(super) fn challenge_error(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) if refusal.reason() == Reason::Missing => None,
            // For another audience it takes another token, not more of this one.
            Self::Refused(refusal) if refusal.reason() == Reason::AudienceMismatch => Some("invalid_token"),
            Self::Refused(refusal) if refusal.reason().is_insufficient() => Some("insufficient_scope"),
            Self::Refused(_) => Some("invalid_token"),
            Self::Conflict | Self::Request(_) | Self::Client(_) => Some("invalid_request"),
            Self::Policy(_) => Some("server_error"),
        }
    }

    /// Whether a scope was missing, or a permission.
    pub(super) fn lacks_scope(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.reason() == Reason::InsufficientScope)
    }

    /// The stable name in answers: that of a refusal (`Rejection.reason` without its prefix), or one of the edge's own.
    pub fn reason(&self) -> String {
        self.as_str().to_ascii_uppercase()
    }

    /// The same in traces.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason().as_str(),
            Self::Conflict => "credential_conflict",
            Self::Policy(_) => "policy_invalid",
            Self::Request(_) | Self::Client(_) => "request_invalid",
        }
    }

    /// For people. What is wrong with a policy is for those who wrote it, and is in the log.
    pub fn message(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.message(),
            Self::Conflict => "several credentials were presented, and they are not the same; send one",
            Self::Policy(_) => {
                "this route's policy cannot be read, so nothing passes; an operator has to act"
            }
            Self::Request(problem) | Self::Client(problem) => problem,
        }
    }

    /// What the client can do.
    pub fn recovery(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => match refusal.reason().recovery() {
                Recovery::None => "NONE",
                Recovery::Refresh => "REFRESH",
                Recovery::Login => "LOGIN",
            },
            Self::Conflict | Self::Policy(_) | Self::Request(_) | Self::Client(_) => "NONE",
        }
    }
}

impl From<Unusable> for Denial {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::Conflict => Self::Conflict,
            Unusable::Refused(refusal) => Self::Refused(refusal),
            Unusable::Misspelt(problem) => Self::Client(problem),
        }
    }
}
