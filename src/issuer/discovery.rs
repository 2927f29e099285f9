//! OpenID Connect Discovery 1.0: from the issuer's name to the address of its keys.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::{
    freshness::Trigger,
    http::{Answer, Bounds, HttpClient, HttpError, Validators},
    metadata::Metadata,
};

/// Finds an issuer's `jwks_uri` and remembers it.
#[derive(Debug)]
pub(super) struct Discovery {
    http: HttpClient,
    bounds: Bounds,
    issuer: String,
    /// How old a remembered address may be.
    refresh_after: Duration,
    found: Option<Found>,
}

#[derive(Clone, Debug)]
struct Found {
    jwks_uri: Url,
    /// When it was asked for.
    at: Instant,
    validators: Option<Validators>,
    /// Whether the keys could not be fetched from there.
    doubted: bool,
}

/// Where the keys are.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) jwks_uri: Url,
    /// For a remembered address: when it has to be discovered again.
    pub(super) good_for: Option<Duration>,
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
    pub(super) fn new(http: HttpClient, bounds: Bounds, issuer: String, refresh_after: Duration) -> Self {
        Self { http, bounds, issuer, refresh_after, found: None }
    }

    /// The address of the keys. A scheduled fetch discovers it again, because the old address of keys that have moved may go
    /// on answering (K2); a demand fetch, which somebody waits for, uses the remembered one, unless that is old or did not
    /// work. Where the provider cannot be reached, the remembered one is used; where it contradicts itself, it is not.
    pub(super) async fn jwks_uri(&mut self, trigger: Trigger) -> Result<Located, DiscoveryError> {
        if let (Trigger::Demand, Some(found)) = (trigger, &self.found)
            && !found.doubted
            && let Some(left) = self.refresh_after.checked_sub(found.at.elapsed())
        {
            return Ok(Located { jwks_uri: found.jwks_uri.clone(), good_for: Some(left) });
        }
        let jwks_uri = match (self.discover().await, &self.found) {
            (Ok(found), _) => self.found.insert(found).jwks_uri.clone(),
            (Err(DiscoveryError::Fetch(_)), Some(found)) => found.jwks_uri.clone(),
            (Err(error), _) => return Err(error),
        };
        Ok(Located { jwks_uri, good_for: None })
    }

    /// The keys could not be fetched from the address: the next attempt discovers it again.
    pub(super) fn doubt(&mut self) {
        if let Some(found) = &mut self.found {
            found.doubted = true;
        }
    }

    async fn discover(&self) -> Result<Found, DiscoveryError> {
        let address = Url::parse(&address(&self.issuer)).map_err(DiscoveryError::Issuer)?;
        let mut bounds = self.bounds;
        if self.found.is_some() {
            // Leaves time to fetch from the remembered address, should this one not answer.
            bounds.timeout /= 2;
        }
        let at = Instant::now();
        let known = self.found.as_ref().and_then(|found| found.validators.as_ref());
        match (self.http.get(&address, bounds, known).await?, &self.found) {
            (Answer::Document { bytes, validators, .. }, _) => {
                Ok(Found { jwks_uri: self.read(&bytes)?, at, validators, doubted: false })
            }
            (Answer::NotModified { .. }, Some(found)) => Ok(Found { at, doubted: false, ..found.clone() }),
            // Never without validators, and none were sent.
            (Answer::NotModified { .. }, None) => Err(DiscoveryError::NotJson),
        }
    }

    fn read(&self, document: &[u8]) -> Result<Url, DiscoveryError> {
        let metadata = Metadata::parse(document)?;
        // Section 4.3: exactly, or one provider could speak for another.
        if metadata.issuer() != Some(self.issuer.as_str()) {
            return Err(DiscoveryError::OtherIssuer);
        }
        metadata.jwks_uri(self.bounds.allow_http)
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
