//! What an issuer says about itself: its discovery document (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2).

use serde_json::{Map, Value};
use url::Url;

use super::{discovery::DiscoveryError, http};
use crate::domain::json;

/// A discovery document. Whether it is the configured issuer's is for the reader to compare.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    members: Map<String, Value>,
}

impl Metadata {
    /// Any JSON object with unique names.
    pub(super) fn parse(document: &[u8]) -> Result<Self, DiscoveryError> {
        // The strict parser judges; what it reads borrows from the document, and this is kept longer than that.
        json::parse_object(document).ok_or(DiscoveryError::NotJson)?;
        let members = serde_json::from_slice(document).map_err(|_unreadable| DiscoveryError::NotJson)?;
        Ok(Self { members })
    }

    /// Whom it is about.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.text("issuer")
    }

    /// Where the keys are, if they may be fetched from there (K6).
    pub(super) fn jwks_uri(&self, allow_http: bool) -> Result<Url, DiscoveryError> {
        let jwks_uri = self.address("jwks_uri").ok_or(DiscoveryError::NoJwksUri)?;
        if http::is_permitted(&jwks_uri, allow_http) {
            Ok(jwks_uri)
        } else {
            Err(DiscoveryError::PlainJwksUri)
        }
    }

    /// Where tokens are asked for; whether that may be done over this scheme is for the sender to check.
    pub(super) fn token_endpoint(&self) -> Option<Url> {
        self.endpoint("token_endpoint")
    }

    /// Where they are revoked (RFC 8414 section 2); the same goes for it.
    pub(super) fn revocation_endpoint(&self) -> Option<Url> {
        self.endpoint("revocation_endpoint")
    }

    /// Where they are introspected (RFC 8414 section 2); the same goes for it.
    pub(super) fn introspection_endpoint(&self) -> Option<Url> {
        self.endpoint("introspection_endpoint")
    }

    /// Without a user's name and password, should the address hold them: they would be sent in the place of the client's own
    /// credentials.
    fn endpoint(&self, name: &str) -> Option<Url> {
        let mut endpoint = self.address(name)?;
        if !endpoint.username().is_empty() || endpoint.password().is_some() {
            endpoint.set_username("").and_then(|()| endpoint.set_password(None)).ok()?;
        }
        Some(endpoint)
    }

    /// The words of a list; `None` if it is left out or no list.
    pub(super) fn words(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.members.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
    }

    fn address(&self, name: &str) -> Option<Url> {
        Url::parse(self.text(name)?).ok()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_endpoints_user_information_does_not_replace_the_clients_credentials() {
        let document = br#"{"token_endpoint":"https://somebody:secret@a.example/token"}"#;
        let endpoint = Metadata::parse(document).unwrap().token_endpoint().unwrap();
        assert_eq!(endpoint.as_str(), "https://a.example/token");
    }
}
