//! From an issuer's settings to its keys: which source, which bounds, and the task that keeps them.

use std::sync::Arc;

use crate::{
    domain::{
        key::{UnusableKey, VerifyingKey},
        secret::Secret,
        time::Clock,
    },
    ops::drain::Tasks,
    store::KeySetStore,
};

use super::{
    desk::Desk,
    discovery,
    fetch::{FileKeys, HttpKeys, KeyFetch},
    freshness::{Jitter, Tick},
    http::HttpClient,
    introspection::Introspector,
    keeper::{Keeper, Report},
    keys::{HandedOver, Issuer, Kept},
    metrics::KeyMetrics,
    saved::SavedKeys,
    settings::{IssuerSettings, KeySource},
    snapshot::{KeySnapshot, ShelfPlace},
};

/// What all issuers of a process share.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is its type")]
pub struct Surroundings {
    pub http: HttpClient,
    /// Where key sets survive a restart, if anywhere.
    pub store: Option<Arc<KeySetStore>>,
    pub clock: Arc<dyn Clock>,
    pub metrics: KeyMetrics,
    pub tasks: Tasks,
}

/// What an issuer begins with.
pub(super) struct Begin<'a> {
    pub(super) handed_over: Option<HandedOver>,
    pub(super) around: &'a Surroundings,
}

impl Issuer {
    /// Starts keeping this issuer's keys, with a first fetch at once. Fails only for a shared secret that its algorithms
    /// cannot use.
    pub fn start(settings: IssuerSettings, around: &Surroundings) -> Result<Self, UnusableKey> {
        Self::start_with(settings, None, around)
    }

    /// The same for changed settings of an issuer that is at work. Where the change is not about its keys, the new one
    /// begins with those that `old` holds, as old as they are, so that no token is unanswerable until the first fetch.
    pub fn start_in_place_of(
        (old_settings, old): (&IssuerSettings, &Self),
        settings: IssuerSettings,
        around: &Surroundings,
    ) -> Result<Self, UnusableKey> {
        let handed_over = if settings.has_the_keys_of(old_settings) { old.hand_over() } else { None };
        Self::start_with(settings, handed_over, around)
    }

    fn start_with(
        settings: IssuerSettings,
        handed_over: Option<HandedOver>,
        around: &Surroundings,
    ) -> Result<Self, UnusableKey> {
        let begin = Begin { handed_over, around };
        let bounds = settings.bounds();
        let http = around.http.clone();
        let issuer = settings.policy.issuer.clone();
        let introspector = Introspector::of(&settings, around).map(Arc::new);
        let started = match settings.source.clone() {
            KeySource::Secret(secret) => Self::shared(settings, &secret, around)?,
            KeySource::JwksFile(path) => Self::kept(settings, FileKeys { path, bounds }, None, begin),
            KeySource::JwksUri(url) => {
                let saved_as = Some(String::from(url.clone()));
                Self::kept(settings, HttpKeys::at(http, bounds, url), saved_as, begin)
            }
            KeySource::Discovery => {
                let saved_as = Some(discovery::address(&issuer));
                let refresh_after = settings.keys.freshness.refresh_after();
                let fetch = HttpKeys::discovered(http, bounds, issuer, refresh_after);
                Self::kept(settings, fetch, saved_as, begin)
            }
        };
        Ok(started.asked_by(introspector))
    }

    fn shared(settings: IssuerSettings, secret: &Secret, around: &Surroundings) -> Result<Self, UnusableKey> {
        let key = VerifyingKey::shared(secret, &settings.policy.algorithms)?;
        let snapshot = KeySnapshot::following(None, vec![key], Tick::START);
        let metrics = around.metrics.for_issuer(&settings.policy.name);
        Ok(Self::of_shared(settings.policy, metrics, snapshot))
    }

    pub(super) fn kept<F: KeyFetch>(
        settings: IssuerSettings,
        fetch: F,
        saved_as: Option<String>,
        Begin { handed_over, around }: Begin<'_>,
    ) -> Self {
        let IssuerSettings { policy, keys, .. } = settings;
        let (desk, announcer) = Desk::open(keys.freshness);
        let desk = Arc::new(desk);
        let place = ShelfPlace::default();
        if let Some(HandedOver { snapshot, age }) = handed_over {
            let confirmed_at = desk.now().minus(age);
            place.put(Arc::new(snapshot.confirmed(confirmed_at)));
            desk.restored(confirmed_at);
        }
        let metrics = around.metrics.for_issuer(&policy.name);
        let stop = around.tasks.stopping().child_token();
        let saved = saved_as.zip(around.store.clone()).map(|(uri, store)| SavedKeys {
            store,
            issuer: policy.issuer.clone(),
            uri,
            timeout: keys.timeout,
            metrics: metrics.clone(),
            failing: false,
        });
        let keeper = Keeper {
            fetch,
            policy: Arc::clone(&policy),
            keys,
            desk: Arc::clone(&desk),
            announcer,
            place: place.clone(),
            saved,
            clock: Arc::clone(&around.clock),
            metrics: metrics.clone(),
            draw: Jitter::draw,
            held: None,
            report: Report::new(Arc::clone(&policy)),
        };
        around.tasks.spawn(keeper.run(stop.clone()));
        Self::of_published(policy, metrics, Kept::new(keys.freshness, desk, place, stop.drop_guard()))
    }
}
