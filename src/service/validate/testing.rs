//! A validator over a shared secret, a clock that is set by hand, and a store in memory.

use std::sync::Mutex;

use bytes::Bytes;

use super::*;
use crate::{
    app::start_issuer,
    domain::testing::{at, config},
    issuer::{HttpClient, KeyMetrics, Surroundings},
    ops::{
        drain::Tasks,
        metrics::{SightMetrics, registry},
    },
    state::{contact::Contact, revocations::Revocations, sessions::Sessions},
    store::{Snapshot, Store, testing::memory::MemoryStore},
};

#[derive(Debug)]
pub(crate) struct ManualClock(pub(super) Mutex<UnixTime>);

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        *self.0.lock().unwrap()
    }
}

pub(crate) struct Setup {
    pub(crate) validator: Validator,
    pub(crate) revocations: Arc<Revocations>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) clock: Arc<ManualClock>,
}

pub(super) fn unloaded() -> Setup {
    unloaded_with(Revocations::new(1000), None)
}

pub(super) fn unloaded_with(revocations: Revocations, contact: Option<Arc<Contact>>) -> Setup {
    unloaded_as(
        |_| EncodedToken { bytes: Bytes::new(), claims_prefix: 0, refresh_suffix: 0 },
        revocations,
        contact,
    )
}

/// One that answers as a transport's would.
pub(crate) fn encoding(encode: Encode) -> Setup {
    let setup = unloaded_as(encode, Revocations::new(1000), None);
    setup.load();
    setup
}

/// The same, which cannot tell: what is revoked was never heard, and that is not to be put up with.
pub(crate) fn not_telling(encode: Encode) -> Setup {
    let contact = Arc::new(Contact::new(Duration::from_mins(1)));
    let setup = unloaded_as(encode, Revocations::followed(1000), Some(contact));
    setup.validator.replace_on_stale(OnStale::Refuse);
    setup
}

fn unloaded_as(encode: Encode, revocations: Revocations, contact: Option<Arc<Contact>>) -> Setup {
    // Whoever comes second finds the provider installed; it is the same one.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let config = config("");
    let clock = Arc::new(ManualClock(Mutex::new(at(0))));
    let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let (mut registry, tasks) = (registry(), Tasks::default());
    let around = Surroundings {
        http: HttpClient::new().unwrap(),
        store: None,
        clock: Arc::clone(&shared),
        metrics: KeyMetrics::register(&mut registry),
        tasks: tasks.clone(),
    };
    let issuers = config.issuers.iter().map(|it| start_issuer(None, it.clone(), &around).unwrap()).collect();
    let (store, revocations) = (Arc::new(MemoryStore::default()), Arc::new(revocations));
    let kept: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
    let sights = SightMetrics::register(&mut registry);
    let sessions = Arc::new(Sessions::start(kept, Arc::clone(&revocations), sights, &tasks));
    let sources = RevocationSources {
        revocations: Arc::clone(&revocations),
        contact,
        sessions,
        on_stale: OnStale::Serve,
    };
    let validator = Validator::new(
        Trust::new(issuers, 16 * 1024),
        sources,
        TokenCache::new(config.cache).unwrap(),
        encode,
        shared,
        ValidationMetrics::register(&mut registry),
    );
    Setup { validator, revocations, store, clock }
}

pub(super) fn setup() -> Setup {
    let setup = unloaded();
    setup.load();
    setup
}

impl Setup {
    pub(crate) fn load(&self) {
        let nothing = Snapshot { revision: Revision { epoch: 7, sequence: 0 }, revocations: vec![] };
        self.revocations.load(nothing, Duration::ZERO, at(0));
    }
}
