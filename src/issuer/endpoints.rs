//! Where an issuer takes what it is told: from its metadata (RFC 8414), which are read when they are first needed.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};
use url::Url;

use super::{
    client::ClientAuthentication,
    discovery::{self, DiscoveryError},
    http::{Answer, Bounds, HttpClient},
    metadata::Metadata,
    not_told::{NotTold, Trouble},
    settings::{IssuerSettings, KeySource},
};

/// RFC 8414 section 2. Left out it means `client_secret_basic`; but more providers leave it out than know only that.
const METHODS: &str = "token_endpoint_auth_methods_supported";
/// The methods that may be shown (IANA OAuth Token Endpoint Authentication Methods).
const REGISTERED: [&str; 7] = [
    "none",
    "client_secret_post",
    "client_secret_basic",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
];

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

    /// Whether the issuer takes this way to authenticate, as far as its metadata have been read and say so. Nothing is sent that it
    /// would refuse: some count refusals and lock the client.
    pub(super) fn accepts(&self, authentication: &ClientAuthentication) -> Result<(), Trouble> {
        // While they are read anew, nobody waits for that here.
        let Ok(found) = self.found.try_lock() else { return Ok(()) };
        let listed = found.as_ref().and_then(|(metadata, _)| metadata.words(METHODS));
        let (Some(listed), method) = (listed, authentication.method()) else { return Ok(()) };
        // A public client authenticates in no way that would have to be supported, and few lists say `none`.
        if listed.contains(&method) || matches!(authentication, ClientAuthentication::Public) {
            return Ok(());
        }
        let known: Vec<&str> = REGISTERED.into_iter().filter(|word| listed.contains(word)).collect();
        let message = format!(
            "the client has `auth: {method}`, and the issuer's metadata list {} as `{METHODS}`",
            if known.is_empty() { "none that is registered".to_owned() } else { known.join(", ") }
        );
        Err(Trouble::new("method_unlisted", message))
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
