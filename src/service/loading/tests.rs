use super::*;
use crate::{
    domain::{
        revocation::{Reach, Revocation, Target, check::Known as _},
        time::UnixTime,
    },
    ops::metrics::{exposition, registry},
    store::testing::memory::MemoryStore,
};

const HOUR: Duration = Duration::from_hours(1);

/// Two hours after the revocations were made.
#[derive(Debug)]
struct Later;

impl Clock for Later {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(7200)
    }
}

fn revoked(target: Target) -> Revocation {
    let (until, kept_until) = (UnixTime::from_secs(3600), UnixTime::from_secs(100_000));
    Revocation { target, reach: Reach::All, made_at: UnixTime::from_secs(0), until, kept_until }
}

#[tokio::test(start_paused = true)]
async fn r3_longer_tokens_bring_back_what_can_concern_them_and_shorter_ones_change_nothing() {
    let (store, revocations) = (Arc::new(MemoryStore::default()), Arc::new(Revocations::new(1000)));
    let (subject, token) = (Target::subject("i", "alice"), Target::token_id("i", "t1"));
    store.keep(&[revoked(subject), revoked(token)]);
    let metrics = RevocationMetrics::register(&mut registry());
    let kept: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
    let mut loader = Loader::new(Arc::clone(&revocations), kept, Arc::new(Later), metrics);
    let is_known = |target: &Target| revocations.at(Later.now()).find(target).is_some();

    assert!(!revocations.is_loaded());
    loader.load_for(HOUR).await.unwrap();
    assert!(revocations.is_loaded() && !is_known(&subject));

    store.fail(true);
    assert!(loader.load_for(3 * HOUR).await.is_err());
    loader.load_for(HOUR).await.expect("nothing has to be read for it");
    store.fail(false);
    let generation = revocations.at(Later.now()).generation();
    loader.load_for(3 * HOUR).await.unwrap();
    assert!(is_known(&subject));
    assert!(!is_known(&token), "one token does not live longer because others may");
    assert_ne!(
        revocations.at(Later.now()).generation(),
        generation,
        "what was found active is looked at again"
    );

    store.fail(true);
    loader.load_for(HOUR).await.expect("what is there is enough");
    loader.load_for(3 * HOUR).await.expect("what is there is enough");
    assert!(is_known(&subject));
}

#[tokio::test(start_paused = true)]
async fn how_long_it_took_is_told() {
    let (store, mut registry) = (Arc::new(MemoryStore::default()), registry());
    let metrics = RevocationMetrics::register(&mut registry);
    let kept: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
    let mut loader = Loader::new(Arc::new(Revocations::new(1000)), kept, Arc::new(Later), metrics);
    store.hang(true);
    let mut loading = std::pin::pin!(loader.load_for(HOUR));
    assert!(tokio::time::timeout(Duration::from_secs(3), loading.as_mut()).await.is_err());
    store.hang(false);
    loading.await.unwrap();
    let text = exposition(&registry);
    assert!(text.lines().any(|line| line == "countersign_revocation_load_seconds 3.0"), "{text}");
}
