//! The only client, and how it says who it is (RFC 6749 section 2.3.1).

use aws_lc_rs::{constant_time, digest};
use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, engine::general_purpose::STANDARD};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::{DevError, error::OAuthError, form::Form, random};

/// Its id.
pub(super) const ID: &str = "dev-client";

/// The client's secret, new at every start.
pub(super) struct Client {
    secret: Zeroizing<String>,
}

impl Client {
    pub(super) fn generate() -> Result<Self, DevError> {
        Ok(Self { secret: Zeroizing::new(random::secret()?) })
    }

    /// For showing it to the developer. A name to grep for.
    pub(super) fn expose_secret(&self) -> &str {
        &self.secret
    }

    /// Accepts `client_secret_basic` or `client_secret_post`, not both at once.
    pub(super) fn authenticate(&self, headers: &HeaderMap, form: &Form) -> Result<(), OAuthError> {
        let in_body =
            form.get("client_secret").map(|secret| (form.get("client_id").unwrap_or_default(), secret));
        let Some(authorization) = headers.get(AUTHORIZATION) else {
            let (id, secret) = in_body.ok_or(OAuthError::InvalidClient { basic: false })?;
            return self.check(id, secret).ok_or(OAuthError::InvalidClient { basic: false });
        };
        if in_body.is_some() {
            return Err(OAuthError::InvalidRequest("the client authenticates in two ways at once"));
        }
        authorization
            .to_str()
            .ok()
            .and_then(decode_basic)
            .and_then(|(id, secret)| self.check(&id, &secret))
            .ok_or(OAuthError::InvalidClient { basic: true })
    }

    fn check(&self, id: &str, secret: &str) -> Option<()> {
        let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
        let fits =
            constant_time::verify_slices_are_equal(digest(secret).as_ref(), digest(&self.secret).as_ref());
        (id == ID && fits.is_ok()).then_some(())
    }
}

fn decode_basic(authorization: &str) -> Option<(String, String)> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decode(id)?, form_decode(secret)?))
}

/// Both halves are form-encoded before they are joined, so that an id may hold a colon.
fn form_decode(text: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    let (name, value) = pairs.next()?;
    (value.is_empty() && pairs.next().is_none()).then(|| name.into_owned())
}
