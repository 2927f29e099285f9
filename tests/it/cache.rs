//! The verified-token cache: C1 to C6, and what a changed key set does to it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use countersign::{
    app::start_issuer,
    config::{Config, Environment},
    domain::reason::Reason::{BadSignature, UnknownIssuer, UnknownKey},
    ops::drain::Tasks,
    service::trust::Trust,
};
use serde_json::{Value, json};

use crate::{
    support::{
        inprocess::{self, InProcess},
        tokens::Signer,
        wait::until,
    },
    table::{
        Expected,
        mint::{self, Asked, ManualClock, NOW},
    },
};

const ISSUER: &str = "https://issuer.example.test";
const HIT: &str = "countersign_cache_lookups_total{result=\"hit\"}";
const MISS: &str = "countersign_cache_lookups_total{result=\"miss\"}";
const REFUSAL_HIT: &str = "countersign_cache_lookups_total{result=\"refusal_hit\"}";

const YAML: &str = "
issuers:
  - name: one
    issuer: https://issuer.example.test
    jwks_file: jwks.json
    audiences: [api]
    keys: { refresh_after: 200ms, min_refetch: 100ms, max_age: 1h }
cache: { max_bytes: 1MiB, max_age: 5m }
";

/// One issuer whose key set is a file, read again every fifth of a second.
struct Room {
    inner: InProcess,
    directory: tempfile::TempDir,
    clock: Arc<ManualClock>,
    _tasks: Tasks,
}

impl Room {
    async fn with(keys: Option<&[&Signer]>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        if let Some(keys) = keys {
            publish(directory.path().join("jwks.json"), keys);
        }
        // `jwks_file` must be there when the configuration is read.
        let path = directory.path().join("jwks.json");
        if keys.is_none() {
            std::fs::write(&path, "no key set").unwrap();
        }
        let loaded = Config::parse(YAML, &Environment::default(), directory.path()).unwrap();
        let (clock, tasks) = (Arc::new(ManualClock::at(NOW)), Tasks::default());
        let inner = inprocess::validator(loaded.config, Arc::<ManualClock>::clone(&clock), &tasks).await;
        Self { inner, directory, clock, _tasks: tasks }
    }

    fn publish(&self, keys: &[&Signer]) {
        publish(self.directory.path().join("jwks.json"), keys);
    }

    async fn ask(&self, token: &str) -> Option<Expected> {
        mint::ask(&self.inner, token, &Asked::default()).await.ok()
    }

    /// Waits until the token gets this answer.
    async fn soon(&self, token: &str, expected: Option<Expected>) {
        let expects = async || (self.ask(token).await == expected).then_some(());
        until("another answer", Duration::from_secs(10), expects).await;
    }
}

/// Replaced whole, as an editor or a mounted secret does it.
fn publish(path: PathBuf, keys: &[&Signer]) {
    let draft = path.with_extension("draft");
    let keys: Vec<Value> = keys.iter().map(|signer| signer.jwk()).collect();
    std::fs::write(&draft, json!({ "keys": keys }).to_string()).unwrap();
    std::fs::rename(draft, path).unwrap();
}

fn token(signer: &Signer, name: &str) -> String {
    signer.access_token(&json!({
        "iss": ISSUER, "sub": name, "aud": "api", "client_id": "web", "iat": NOW, "exp": NOW + 3600,
    }))
}

#[tokio::test]
async fn c1_another_token_is_another_entry_and_the_same_token_is_a_hit() {
    let signer = Signer::eddsa();
    let room = Room::with(Some(&[&signer])).await;
    let good = token(&signer, "alice");
    for _ in 0..3 {
        assert_eq!(room.ask(&good).await, Some(Expected::Good));
    }
    assert_eq!((room.inner.counted(HIT), room.inner.counted(MISS)), (2, 1));
    // Every byte counts: the same header and payload with another signature is not the cached token.
    let (input, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{input}.{}", "A".repeat(86));
    assert_eq!(room.ask(&forged).await, Some(Expected::Refused(BadSignature)));
    assert_eq!(room.ask(&token(&signer, "bob")).await, Some(Expected::Good));
    assert_eq!(room.inner.counted(HIT), 2);
}

#[tokio::test]
async fn c1_an_issuer_that_stays_keeps_its_cached_tokens_and_another_one_finds_none_of_them() {
    let (signer, stranger) = (Signer::eddsa(), Signer::eddsa());
    let room = Room::with(Some(&[&signer])).await;
    let (good, forged) = (token(&signer, "alice"), token(&stranger, "alice"));
    let once = token(&signer, "bob");
    let ask_both = async || (room.ask(&good).await, room.ask(&forged).await);
    assert_eq!(room.ask(&once).await, Some(Expected::Good));
    let expected = (Some(Expected::Good), Some(Expected::Refused(BadSignature)));
    let remembered = || (room.inner.counted(HIT), room.inner.counted(REFUSAL_HIT));
    assert_eq!((ask_both().await, remembered()), (expected, (0, 0)));

    let kept = room.inner.issuers.clone();
    room.inner.validator.replace_trust(Trust::new(kept, 16 * 1024));
    assert_eq!((ask_both().await, remembered()), (expected, (1, 1)));

    let mut config = Config::parse(YAML, &Environment::default(), room.directory.path()).unwrap().config;
    let started = start_issuer(None, config.issuers.remove(0), &room.inner.around).unwrap();
    started.wait_first_attempt().await;
    room.inner.validator.replace_trust(Trust::new(vec![started], 16 * 1024));
    assert_eq!((ask_both().await, remembered()), (expected, (1, 1)), "verified anew");
    assert_eq!((room.ask(&once).await, remembered()), (Some(Expected::Good), (1, 1)), "this, too");
    assert_eq!((ask_both().await, remembered()), (expected, (2, 2)));

    room.inner.validator.replace_trust(Trust::new(vec![], 16 * 1024));
    let unknown = Some(Expected::Refused(UnknownIssuer));
    assert_eq!((ask_both().await, remembered()), ((unknown, unknown), (2, 2)));
}

#[tokio::test]
async fn c3_a_withdrawn_key_takes_its_cached_tokens_with_it() {
    let (old, new) = (Signer::eddsa().named("old"), Signer::es256().named("new"));
    let room = Room::with(Some(&[&old, &new])).await;
    let (of_old, of_new, once) = (token(&old, "alice"), token(&new, "alice"), token(&old, "bob"));
    for good in [&of_old, &of_new, &of_old, &of_new, &once] {
        assert_eq!(room.ask(good).await, Some(Expected::Good));
    }
    room.publish(&[&new]);
    room.soon(&of_old, Some(Expected::Refused(UnknownKey))).await;
    assert_eq!(room.ask(&once).await, Some(Expected::Refused(UnknownKey)));
    let hits = room.inner.counted(HIT);
    assert_eq!(room.ask(&of_new).await, Some(Expected::Good));
    assert_eq!(room.inner.counted(HIT), hits + 1, "a key that stays keeps its cached tokens");
    // Back again: verified anew, not remembered.
    room.publish(&[&old, &new]);
    room.soon(&of_old, Some(Expected::Good)).await;
}

#[tokio::test]
async fn c3_a_key_replaced_under_its_kid_takes_its_cached_tokens_with_it() {
    let (old, new) = (Signer::eddsa().named("one"), Signer::eddsa().named("one"));
    let room = Room::with(Some(&[&old])).await;
    let (of_old, of_new, once) = (token(&old, "alice"), token(&new, "alice"), token(&old, "bob"));
    for good in [&of_old, &of_old, &once] {
        assert_eq!(room.ask(good).await, Some(Expected::Good));
    }
    room.publish(&[&new]);
    room.soon(&of_old, Some(Expected::Refused(BadSignature))).await;
    assert_eq!(room.ask(&once).await, Some(Expected::Refused(BadSignature)));
    assert_eq!(room.ask(&of_new).await, Some(Expected::Good));
}

#[tokio::test]
async fn c4_the_cache_stays_within_its_bytes() {
    let signer = Signer::eddsa();
    let room = Room::with(Some(&[&signer])).await;
    let held =
        || (room.inner.counted("countersign_cache_tokens"), room.inner.counted("countersign_cache_bytes"));
    let tokens: Vec<String> = (0..3000).map(|number| token(&signer, &format!("user-{number}"))).collect();
    for token in &tokens {
        assert_eq!(room.ask(token).await, Some(Expected::Good));
    }
    let (once, bytes) = held();
    assert!(bytes <= 1024 * 1024 && once > 900, "{once} tokens, {bytes} bytes");
    for token in &tokens {
        for _ in 0..2 {
            assert_eq!(room.ask(token).await, Some(Expected::Good));
        }
    }
    let (tokens, bytes) = held();
    assert!(bytes <= 1024 * 1024 && bytes > 512 * 1024, "{tokens} tokens, {bytes} bytes");
    assert!(tokens < 1000, "{tokens} tokens, most of them at a kilobyte and more each");
}

#[tokio::test]
async fn c4_an_entrys_time_is_judged_by_the_callers_clock() {
    let signer = Signer::eddsa();
    let room = Room::with(Some(&[&signer])).await;
    let good = token(&signer, "alice");
    assert_eq!(room.ask(&good).await, Some(Expected::Good));
    room.clock.set(NOW + 299);
    assert_eq!(room.ask(&good).await, Some(Expected::Good));
    assert_eq!((room.inner.counted(HIT), room.inner.counted(MISS)), (1, 1));
    room.clock.set(NOW + 300);
    assert_eq!(room.ask(&good).await, Some(Expected::Good));
    assert_eq!((room.inner.counted(HIT), room.inner.counted(MISS)), (1, 2));
}

#[tokio::test]
async fn c5_a_bad_signature_is_remembered_until_the_key_set_changes() {
    let (published, signing) = (Signer::eddsa().named("one"), Signer::eddsa().named("one"));
    let room = Room::with(Some(&[&published])).await;
    let forged = token(&signing, "alice");
    for _ in 0..3 {
        assert_eq!(room.ask(&forged).await, Some(Expected::Refused(BadSignature)));
    }
    assert_eq!(room.inner.counted(REFUSAL_HIT), 2);
    room.publish(&[&signing]);
    room.soon(&forged, Some(Expected::Good)).await;
}

#[tokio::test]
async fn c5_a_fault_and_an_unknown_key_are_never_remembered() {
    let signer = Signer::eddsa();
    let room = Room::with(None).await;
    let good = token(&signer, "alice");
    assert_eq!(room.ask(&good).await, None, "no keys: nobody can tell");
    let other = Signer::es256();
    room.publish(&[&other]);
    room.soon(&good, Some(Expected::Refused(UnknownKey))).await;
    room.publish(&[&other, &signer]);
    room.soon(&good, Some(Expected::Good)).await;
    assert_eq!(room.inner.counted(REFUSAL_HIT), 0);
}
