//! Where an issuer takes what it is told: from its metadata (RFC 8414), which are read when they are first needed.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
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

/// When metadata that could not be read anew are tried again, if not sooner.
const AFTER_A_FAILURE: Duration = Duration::from_secs(30);

/// One issuer's endpoints.
#[derive(Debug)]
pub(super) struct Endpoints {
    http: HttpClient,
    bounds: Bounds,
    issuer: String,
    /// How long read metadata count.
    refresh_after: Duration,
    /// Whether there must be metadata, because the keys are found through them.
    expected: bool,
    /// What was read last.
    known: ArcSwapOption<Metadata>,
    /// The same, and until when they count. Held while they are read, so that they are read once; nobody waits for that who has some.
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
            known: ArcSwapOption::empty(),
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
        let known = self.known.load_full();
        let mut found = match (self.found.try_lock(), known) {
            (Ok(found), _) => found,
            // They are being read anew, which may take as long as the issuer likes: nobody else waits for that.
            (Err(_), Some(known)) => return Ok(Metadata::clone(&known)),
            (Err(_), None) => self.found.lock().await,
        };
        if let Some((metadata, until)) = &*found
            && Instant::now() < *until
        {
            return Ok(metadata.clone());
        }
        let (metadata, good_for) = match (self.discover().await, &*found) {
            (Ok(metadata), _) => (metadata, self.refresh_after),
            // Where it cannot be reached, what it said last still counts; where it contradicts itself, it does not.
            (Err(DiscoveryError::Fetch(_)), Some((metadata, _))) => {
                (metadata.clone(), self.refresh_after.min(AFTER_A_FAILURE))
            }
            (Err(error), known) => {
                return Err(NotTold::by_discovery(&error, self.expected || known.is_some()));
            }
        };
        self.known.store(Some(Arc::new(metadata.clone())));
        *found = Some((metadata.clone(), Instant::now() + good_for));
        Ok(metadata)
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
