//! What the tokens say.

use std::time::Duration;

use serde_json::json;

use super::{
    AUDIENCE, DevError, client,
    keys::{PublishedKeys, SigningAlgorithm},
    random,
};
use crate::domain::time::UnixTime;

/// How long access and ID tokens live.
pub(super) const LIFETIME: Duration = Duration::from_mins(5);

/// Who logs in, and for what. Anything goes.
pub(super) struct Login {
    pub(super) subject: String,
    pub(super) scopes: Vec<String>,
    pub(super) algorithm: SigningAlgorithm,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            subject: "dev-user".to_owned(),
            scopes: ["openid", "offline_access", "notes.read", "notes.write"].map(str::to_owned).to_vec(),
            algorithm: SigningAlgorithm::default(),
        }
    }
}

/// A user's session, from login to the last refresh.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) subject: String,
    /// What was granted at login; a refresh may ask for less.
    pub(super) scopes: Vec<String>,
    algorithm: SigningAlgorithm,
    began: UnixTime,
}

impl Login {
    pub(super) fn begin(self, now: UnixTime) -> Result<Session, DevError> {
        let Self { subject, scopes, algorithm } = self;
        Ok(Session { id: random::id("ses_")?, subject, scopes, algorithm, began: now })
    }
}

/// Signed tokens.
pub(super) struct Minted {
    pub(super) access_token: String,
    pub(super) id_token: Option<String>,
    /// What the access token is good for.
    pub(super) scope: String,
}

/// An access token (RFC 9068 section 2.2) and an ID token (OpenID Connect Core section 2) for a user.
pub(super) fn for_session(
    keys: &PublishedKeys,
    issuer: &str,
    session: &Session,
    scopes: &[String],
    now: UnixTime,
) -> Result<Minted, DevError> {
    let scope = scopes.join(" ");
    let access = json!({
        "iss": issuer,
        "sub": session.subject,
        "aud": AUDIENCE,
        "exp": now.plus(LIFETIME).as_secs(),
        "iat": now.as_secs(),
        "auth_time": session.began.as_secs(),
        "jti": random::id("tkn_")?,
        "client_id": client::ID,
        "scope": scope,
        "sid": session.id,
        "roles": ["member"],
        "permissions": ["notes:read", "notes:write"],
        "org_id": "org_dev",
    });
    // For the client that logged the user in, and for Countersign, so that it can be shown to Validate as well.
    let id = json!({
        "iss": issuer,
        "sub": session.subject,
        "aud": [client::ID, AUDIENCE],
        "azp": client::ID,
        "exp": now.plus(LIFETIME).as_secs(),
        "iat": now.as_secs(),
        "auth_time": session.began.as_secs(),
        "sid": session.id,
        "org_id": "org_dev",
    });
    Ok(Minted {
        access_token: keys.sign(session.algorithm, "at+jwt", &access)?,
        id_token: Some(keys.sign(session.algorithm, "JWT", &id)?),
        scope,
    })
}

/// An access token for the client itself (RFC 6749 section 4.4, RFC 9068 section 2.2: `sub` is the client).
pub(super) fn for_client(
    keys: &PublishedKeys,
    issuer: &str,
    scopes: &[String],
    now: UnixTime,
) -> Result<Minted, DevError> {
    let scope = scopes.join(" ");
    let access = json!({
        "iss": issuer,
        "sub": client::ID,
        "aud": AUDIENCE,
        "exp": now.plus(LIFETIME).as_secs(),
        "iat": now.as_secs(),
        "jti": random::id("tkn_")?,
        "client_id": client::ID,
        "scope": scope,
    });
    let access_token = keys.sign(SigningAlgorithm::default(), "at+jwt", &access)?;
    Ok(Minted { access_token, id_token: None, scope })
}
