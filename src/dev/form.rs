//! A form in a request's body.

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use url::form_urlencoded;

use super::error::OAuthError;

/// The parameters. None is there twice, and an empty one counts as left out (RFC 6749 section 3.2).
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body; an empty one needs no content type.
    pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthError> {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !body.is_empty() && !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OAuthError::InvalidRequest("the body must be application/x-www-form-urlencoded"));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if pairs.iter().any(|(earlier, _)| *earlier == name) {
                return Err(OAuthError::InvalidRequest("a parameter is there twice"));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self(pairs))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn require(&self, name: &str, missing: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or(OAuthError::InvalidRequest(missing))
    }

    /// The `scope` parameter (RFC 6749 section 3.3).
    pub(super) fn scopes(&self) -> Result<Option<Vec<String>>, OAuthError> {
        let Some(scope) = self.get("scope") else { return Ok(None) };
        let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        let scopes: Vec<_> = scope.split(' ').map(str::to_owned).collect();
        let well_formed = scopes.iter().all(|scope| !scope.is_empty() && scope.bytes().all(allowed));
        if well_formed {
            Ok(Some(scopes))
        } else {
            Err(OAuthError::InvalidScope("the scope is not well-formed"))
        }
    }
}
