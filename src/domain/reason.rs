//! Why a token is refused, and what can be done about it. A refusal is an answer; our own trouble is a `Fault`.

/// Why a token was refused. The names are API: metrics and logs use `as_str`, the protos the same in capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No token was given.
    Missing,
    /// Not a compact JWS with strict JSON inside.
    Malformed,
    /// Longer than the configured limit.
    TooLarge,
    /// No issuer with this `iss` is configured.
    UnknownIssuer,
    /// Not from the issuer that the request asked for.
    IssuerMismatch,
    /// The current key set holds no such key.
    UnknownKey,
    /// The algorithm is not allowed here, or is not the key's.
    AlgorithmNotAllowed,
    /// The signature does not verify.
    BadSignature,
    /// Past its end.
    Expired,
    /// Before its beginning.
    NotYetValid,
    /// For somebody else.
    AudienceMismatch,
    /// A claim is absent, of the wrong type, or outside its bounds.
    ClaimInvalid,
    /// Another kind of token than the one asked for.
    WrongKind,
    /// A required scope or permission is missing.
    InsufficientScope,
    /// A required role is missing.
    InsufficientRole,
    /// Bound to a certificate or key that was not shown.
    BindingMismatch,
    /// It, its session, or everything of its subject, client or issuer was revoked.
    Revoked,
    /// The issuer does not exchange this refresh token: it expired, was revoked, or never was one.
    RefreshInvalid,
    /// A refresh token was presented that had been exchanged, and whose successor was in use.
    RefreshReused,
    /// The answer to an exchange was lost, and with it the only refresh token that would work.
    RefreshOutcomeLost,
    /// Its issuer says so (RFC 7662 section 2.2).
    Inactive,
}

impl Reason {
    /// Every reason that this build can give, for metrics that start at zero.
    pub const ALL: [Self; 21] = [
        Self::Missing,
        Self::Malformed,
        Self::TooLarge,
        Self::UnknownIssuer,
        Self::IssuerMismatch,
        Self::UnknownKey,
        Self::AlgorithmNotAllowed,
        Self::BadSignature,
        Self::Expired,
        Self::NotYetValid,
        Self::AudienceMismatch,
        Self::ClaimInvalid,
        Self::WrongKind,
        Self::InsufficientScope,
        Self::InsufficientRole,
        Self::BindingMismatch,
        Self::Revoked,
        Self::RefreshInvalid,
        Self::RefreshReused,
        Self::RefreshOutcomeLost,
        Self::Inactive,
    ];

    /// The stable name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::UnknownIssuer => "unknown_issuer",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::UnknownKey => "unknown_key",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::AudienceMismatch => "audience_mismatch",
            Self::ClaimInvalid => "claim_invalid",
            Self::WrongKind => "wrong_kind",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientRole => "insufficient_role",
            Self::BindingMismatch => "binding_mismatch",
            Self::Revoked => "revoked",
            Self::RefreshInvalid => "refresh_invalid",
            Self::RefreshReused => "refresh_reused",
            Self::RefreshOutcomeLost => "refresh_outcome_lost",
            Self::Inactive => "inactive",
        }
    }

    /// What the caller can do: a new token of the same session helps only where time was the trouble, or may have been: an issuer
    /// that calls a token inactive says no more, and decides about its session when asked for a new one. Whoever revoked a token
    /// wanted its holder out, so the answer to that is a login, not a refresh that would let them in again.
    pub fn recovery(self) -> Recovery {
        match self {
            Self::Expired | Self::UnknownKey | Self::Inactive => Recovery::Refresh,
            Self::Missing
            | Self::Revoked
            | Self::RefreshInvalid
            | Self::RefreshReused
            | Self::RefreshOutcomeLost => Recovery::Login,
            Self::Malformed
            | Self::TooLarge
            | Self::UnknownIssuer
            | Self::IssuerMismatch
            | Self::AlgorithmNotAllowed
            | Self::BadSignature
            | Self::NotYetValid
            | Self::AudienceMismatch
            | Self::ClaimInvalid
            | Self::WrongKind
            | Self::InsufficientScope
            | Self::InsufficientRole
            | Self::BindingMismatch => Recovery::None,
        }
    }

    /// Whether the token is good but not enough for this request (403 and `PERMISSION_DENIED` rather than 401).
    pub fn is_insufficient(self) -> bool {
        matches!(self, Self::AudienceMismatch | Self::InsufficientScope | Self::InsufficientRole)
    }
}

/// What the caller of a refused token can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing: this token will not become acceptable.
    None,
    /// Refresh and try again.
    Refresh,
    /// Log in again.
    Login,
}

/// A token's refusal: the reason and one sentence for people, which never holds anything from the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Refusal {
    reason: Reason,
    message: &'static str,
}

impl Refusal {
    /// The message is a constant, so that nothing from a token can get into it.
    pub fn new(reason: Reason, message: &'static str) -> Self {
        Self { reason, message }
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// For people.
    pub fn message(&self) -> &'static str {
        self.message
    }
}
