//! Asks an issuer everything that there is to ask, once each, each within `keys.timeout`.

mod token_endpoint;

use tokio::time::Instant;
use url::Url;

use super::{
    observed::{ClientsSeen, ClockSeen, DiscoverySeen, Failure, KeysSeen, Observed},
    words,
};
use crate::{
    domain::time::Clock,
    issuer::{
        discovery,
        fetch::{Chain, FetchError, FileError, FileKeys, KeyFetch},
        freshness::Trigger,
        http::{Answer, HttpClient},
        metadata::Metadata,
        settings::{IssuerSettings, KeySource},
    },
};

/// Sees what there is.
pub(super) async fn observe(settings: &IssuerSettings, http: &HttpClient, clock: &dyn Clock) -> Observed {
    let mut look = Look { settings, http, clock, seen: None };
    let began = Instant::now();
    let discovery = look.discovery().await;
    let keys = look.keys(&discovery).await;
    let took = matches!(settings.source, KeySource::Discovery).then(|| began.elapsed());
    let clients = look.clients(&discovery).await;
    Observed { discovery, keys, took, clock: look.seen, clients }
}

struct Look<'l> {
    settings: &'l IssuerSettings,
    http: &'l HttpClient,
    clock: &'l dyn Clock,
    seen: Option<ClockSeen>,
}

impl Look<'_> {
    async fn discovery(&mut self) -> DiscoverySeen {
        let needed =
            matches!(self.settings.source, KeySource::Discovery) || !self.settings.clients.is_empty();
        if !needed {
            return DiscoverySeen::NotAsked;
        }
        let address = discovery::address(&self.settings.policy.issuer);
        let url = match Url::parse(&address) {
            Ok(url) => url,
            // The configuration has seen to that.
            Err(error) => {
                return DiscoverySeen::Failed { address, failure: Failure::Unreachable(error.to_string()) };
            }
        };
        match self.get(&url).await.map(|document| Metadata::parse(&document)) {
            Ok(Ok(metadata)) => DiscoverySeen::Read { address, metadata },
            Ok(Err(_)) => DiscoverySeen::Malformed { address },
            Err(failure) => DiscoverySeen::Failed { address, failure },
        }
    }

    async fn keys(&mut self, discovery: &DiscoverySeen) -> KeysSeen {
        let url = match &self.settings.source {
            KeySource::Secret(_) => return KeysSeen::Shared,
            KeySource::JwksFile(path) => {
                let file = FileKeys { path: path.clone(), bounds: self.settings.bounds() };
                return read_file(file).await;
            }
            KeySource::JwksUri(url) => Some(url.clone()),
            // Also where the document is about another issuer: the keys are public, and all problems are told at once.
            KeySource::Discovery => match discovery {
                DiscoverySeen::Read { metadata, .. } => metadata.jwks_uri(self.settings.allow_http).ok(),
                DiscoverySeen::NotAsked | DiscoverySeen::Failed { .. } | DiscoverySeen::Malformed { .. } => {
                    None
                }
            },
        };
        let Some(url) = url else { return KeysSeen::NotTried };
        let place = words::address(&url);
        match self.get(&url).await {
            Ok(document) => KeysSeen::Read { place, document },
            Err(failure) => KeysSeen::Failed { place, failure },
        }
    }

    async fn clients(&self, discovery: &DiscoverySeen) -> ClientsSeen {
        if self.settings.clients.is_empty() {
            return ClientsSeen::NoneConfigured;
        }
        let DiscoverySeen::Read { metadata, .. } = discovery else { return ClientsSeen::NotTried };
        // Whoever made another issuer's document must not be sent this one's credentials.
        if metadata.issuer() != Some(self.settings.policy.issuer.as_str()) {
            return ClientsSeen::NotTried;
        }
        let Some(endpoint) = metadata.token_endpoint() else { return ClientsSeen::NoEndpoint };
        let clients = token_endpoint::try_all(self.settings, self.http, &endpoint, self.clock.now()).await;
        ClientsSeen::Tried { endpoint, clients }
    }

    /// Fetches as the keeper does, and notes what the first answer says about the clock.
    async fn get(&mut self, url: &Url) -> Result<Vec<u8>, Failure> {
        let sent = self.clock.now();
        let (answer, dated) = self.http.get_dated(url, self.settings.bounds(), None).await?;
        let received = self.clock.now();
        self.seen.get_or_insert(ClockSeen { sent, received, dated });
        match answer {
            Answer::Document { bytes, .. } => Ok(bytes),
            // Only ever to a conditional request, which this is not.
            Answer::NotModified { .. } => Err(Failure::Unreachable("the answer has no body".to_owned())),
        }
    }
}

async fn read_file(mut file: FileKeys) -> KeysSeen {
    let place = file.path.display().to_string();
    match file.fetch(Trigger::Scheduled, None).await {
        Ok(Answer::Document { bytes, .. }) => KeysSeen::Read { place, document: bytes },
        Ok(Answer::NotModified { .. }) => KeysSeen::Unreadable { place, why: "nothing was read".to_owned() },
        Err(FetchError::File(FileError::TooLong)) => KeysSeen::Failed { place, failure: Failure::TooLong },
        Err(error) => KeysSeen::Unreadable { place, why: Chain(&error).to_string() },
    }
}
