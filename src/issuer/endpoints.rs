//! Where an issuer takes what it is told: from its metadata (RFC 8414), which are read when they are first needed.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};
use url::Url;

use super::{
    discovery::{self, DiscoveryError},
    http::{Answer, Bounds, HttpClient},
    metadata::Metadata,
    not_told::NotTold,
    settings::{IssuerSettings, KeySource},
};

/// One issuer's endpoints.
#[derive(Debug)]
pub(super) struct Endpoints {
    http: HttpClient,
    bounds: Bounds,
    issuer: String,
    /// How old read metadata may be.
    refresh_after: Duration,
    /// Whether there must be metadata, because the keys are found through them.
    expected: bool,
    /// Held while they are read, so that they are read once; nobody but deliveries waits for that.
    found: Mutex<Option<(Metadata, Instant)>>,
}

impl Endpoints {
    /// Nothing is read yet.
    pub(super) fn new(settings: &IssuerSettings, http: HttpClient) -> Self {
        Self {
            http,
            bounds: settings.bounds(),
            issuer: settings.policy.issuer.clone(),
            refresh_after: settings.keys.freshness.refresh_after(),
            expected: matches!(settings.source, KeySource::Discovery),
            found: Mutex::default(),
        }
    }

    /// Whether the issuer's name is an address at all.
    pub(super) fn can_be_discovered(&self) -> bool {
        Url::parse(&discovery::address(&self.issuer)).is_ok()
    }

    /// Where tokens are revoked.
    pub(super) async fn revocation_endpoint(&self) -> Result<Url, NotTold> {
        let endpoint = self.metadata().await?.revocation_endpoint();
        endpoint.ok_or_else(|| NotTold::no_endpoint("revocation_endpoint"))
    }

    /// Where tokens are asked for.
    pub(super) async fn token_endpoint(&self) -> Result<Url, NotTold> {
        let endpoint = self.metadata().await?.token_endpoint();
        endpoint.ok_or_else(|| NotTold::no_endpoint("token_endpoint"))
    }

    /// Where they are introspected.
    pub(super) async fn introspection_endpoint(&self) -> Result<Url, NotTold> {
        let endpoint = self.metadata().await?.introspection_endpoint();
        endpoint.ok_or_else(|| NotTold::no_endpoint("introspection_endpoint"))
    }

    async fn metadata(&self) -> Result<Metadata, NotTold> {
        let mut found = self.found.lock().await;
        if let Some((metadata, at)) = &*found
            && at.elapsed() < self.refresh_after
        {
            return Ok(metadata.clone());
        }
        match (self.discover().await, &*found) {
            (Ok(metadata), _) => {
                *found = Some((metadata.clone(), Instant::now()));
                Ok(metadata)
            }
            // Where it cannot be reached, what it said last still counts; where it contradicts itself, it does not.
            (Err(DiscoveryError::Fetch(_)), Some((metadata, _))) => Ok(metadata.clone()),
            (Err(error), known) => Err(NotTold::by_discovery(&error, self.expected || known.is_some())),
        }
    }

    async fn discover(&self) -> Result<Metadata, DiscoveryError> {
        let address = Url::parse(&discovery::address(&self.issuer)).map_err(DiscoveryError::Issuer)?;
        let metadata = match self.http.get(&address, self.bounds, None).await? {
            Answer::Document { bytes, .. } => Metadata::parse(&bytes)?,
            // Only ever to a conditional request, which this is not.
            Answer::NotModified { .. } => return Err(DiscoveryError::NotJson),
        };
        // Whoever made another issuer's document must not be sent this one's tokens and credentials.
        if metadata.issuer() == Some(self.issuer.as_str()) {
            Ok(metadata)
        } else {
            Err(DiscoveryError::OtherIssuer)
        }
    }
}
