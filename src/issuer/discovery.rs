//! OpenID Connect Discovery 1.0: from the issuer's name to the address of its keys.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use crate::domain::json;

use super::http::{self, Answer, Bounds, HttpClient, HttpError};

/// Providers move their keys rarely, and a failed fetch asks again at once; this is for a move that leaves the old address
/// answering.
const REMEMBERED_FOR: Duration = Duration::from_hours(1);

/// Finds an issuer's `jwks_uri` and remembers it.
#[derive(Debug)]
pub(super) struct Discovery {
    http: HttpClient,
    bounds: Bounds,
    issuer: String,
    found: Option<Found>,
}

#[derive(Clone, Debug)]
struct Found {
    jwks_uri: Url,
    at: Instant,
    /// Whether the keys could not be fetched from there.
    doubted: bool,
}

/// Why there is no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiscoveryError {
    #[error("the configured `issuer` is no address, so nothing can be discovered from it")]
    Issuer(#[source] url::ParseError),
    #[error("the discovery document could not be fetched")]
    Fetch(#[from] HttpError),
    #[error("the discovery document is not a JSON object with unique names")]
    NotJson,
    #[error("the discovery document's `issuer` is not the configured one")]
    OtherIssuer,
    #[error("the discovery document's `jwks_uri` is missing or no address")]
    NoJwksUri,
    #[error("the discovery document's `jwks_uri` is plain http beyond loopback")]
    PlainJwksUri,
}

/// Where an issuer's discovery document is: section 4.1 removes one trailing slash first.
pub(super) fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

impl Discovery {
    /// Nothing is fetched yet.
    pub(super) fn new(http: HttpClient, bounds: Bounds, issuer: String) -> Self {
        Self { http, bounds, issuer, found: None }
    }

    /// The address of the keys, discovered again if the remembered one is old or did not work. Where the provider cannot
    /// be reached for that, the remembered one is used; where it contradicts itself, it is not.
    pub(super) async fn jwks_uri(&mut self) -> Result<Url, DiscoveryError> {
        if let Some(found) = &self.found
            && !found.doubted
            && found.at.elapsed() < REMEMBERED_FOR
        {
            return Ok(found.jwks_uri.clone());
        }
        match (self.discover().await, &self.found) {
            (Ok(jwks_uri), _) => {
                let at = Instant::now();
                self.found = Some(Found { jwks_uri: jwks_uri.clone(), at, doubted: false });
                Ok(jwks_uri)
            }
            (Err(DiscoveryError::Fetch(_)), Some(found)) => Ok(found.jwks_uri.clone()),
            (Err(error), _) => Err(error),
        }
    }

    /// The keys could not be fetched from the address: the next attempt discovers it again.
    pub(super) fn doubt(&mut self) {
        if let Some(found) = &mut self.found {
            found.doubted = true;
        }
    }

    async fn discover(&self) -> Result<Url, DiscoveryError> {
        let address = Url::parse(&address(&self.issuer)).map_err(DiscoveryError::Issuer)?;
        match self.http.get(&address, self.bounds, None).await? {
            Answer::Document { bytes, .. } => self.read(&bytes),
            // Never without validators, and none were sent.
            Answer::NotModified { .. } => Err(DiscoveryError::NotJson),
        }
    }

    fn read(&self, document: &[u8]) -> Result<Url, DiscoveryError> {
        let members = json::parse_object(document).ok_or(DiscoveryError::NotJson)?;
        let text = |name| members.get(name).and_then(serde_json::Value::as_str);
        // Section 4.3: exactly, or one provider could speak for another.
        if text("issuer") != Some(self.issuer.as_str()) {
            return Err(DiscoveryError::OtherIssuer);
        }
        let jwks_uri =
            text("jwks_uri").and_then(|uri| Url::parse(uri).ok()).ok_or(DiscoveryError::NoJwksUri)?;
        if !http::is_permitted(&jwks_uri, self.bounds.allow_http) {
            return Err(DiscoveryError::PlainJwksUri);
        }
        Ok(jwks_uri)
    }
}

impl DiscoveryError {
    /// For `error.type`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Issuer(_) => "discovery_issuer",
            Self::Fetch(error) => error.kind(),
            Self::NotJson => "discovery_not_json",
            Self::OtherIssuer => "discovery_other_issuer",
            Self::NoJwksUri => "discovery_no_jwks_uri",
            Self::PlainJwksUri => "discovery_plain_jwks_uri",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trailing_slash_is_removed_and_no_more() {
        let well_known = "/.well-known/openid-configuration";
        assert_eq!(address("https://a"), format!("https://a{well_known}"));
        assert_eq!(address("https://a/"), format!("https://a{well_known}"));
        assert_eq!(address("https://a/realms/x//"), format!("https://a/realms/x/{well_known}"));
    }
}
