//! What came of asking a token endpoint, by what it means for asking again (F6). The names are those of docs/errors.md.

use std::time::Duration;

use super::not_told::Trouble;
use crate::domain::secret::Secret;

/// What is exchanged for tokens.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'g> {
    /// `refresh_token` (RFC 6749 section 6).
    Refresh {
        /// The token.
        token: &'g Secret,
        /// `scope`; empty: what was granted.
        scopes: &'g [String],
    },
    /// `authorization_code` (RFC 6749 section 4.1.3) with its PKCE verifier (RFC 7636).
    Code {
        /// The code.
        code: &'g Secret,
        /// The address that it was sent to.
        redirect_uri: &'g str,
        /// `code_verifier`; empty: none.
        code_verifier: &'g Secret,
    },
}

/// What an endpoint gave, as it said it. Nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// `access_token`.
    pub access_token: Secret,
    /// `token_type`.
    pub token_type: String,
    /// `expires_in`.
    pub expires_in: Option<Duration>,
    /// `refresh_token`; `None`: the old one goes on.
    pub refresh_token: Option<Secret>,
    /// `id_token`.
    pub id_token: Option<Secret>,
    /// `scope`; `None`: as asked for.
    pub scopes: Option<Vec<String>>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchanged {
    /// Tokens.
    Granted(Granted),
    /// `invalid_grant`: the only answer that ends anything.
    InvalidGrant(Trouble),
    /// For certain nothing was done: no connection, 429, a conflict that the provider wants repeated.
    NotProcessed {
        /// What stood in the way.
        trouble: Trouble,
        /// How long the provider wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It was sent, and what became of it nobody knows: no answer, half an answer, a gateway's, a 5xx.
    Unknown {
        /// What stood in the way.
        trouble: Trouble,
        /// How long the provider wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Our credentials, or what this client may do: `invalid_client`, `unauthorized_client`, `unsupported_grant_type`, 401.
    ClientRejected(Trouble),
    /// `invalid_scope`, even without any.
    ScopeRefused(Trouble),
    /// Any other refusal: for certain nothing was done, and asking again changes nothing before somebody acts.
    Refused(Trouble),
}
