//! What a token endpoint gave (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).

use super::{secret::Secret, time::UnixTime};

/// One set of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// `access_token`.
    pub access_token: Secret,
    /// `token_type`, as it was written.
    pub token_type: String,
    /// When the access token ends, as it says itself, or else as the answer said; `None`: nobody said.
    pub expires_at: Option<UnixTime>,
    /// The refresh token to present next, even if the answer had none (RFC 6749 section 6).
    pub refresh_token: Option<Secret>,
    /// `id_token`.
    pub id_token: Option<Secret>,
    /// `scope`.
    pub scopes: Vec<String>,
    /// The session, if the tokens name one, or the one that they are held for.
    pub session_id: String,
}
