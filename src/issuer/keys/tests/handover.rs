//! An issuer whose settings change: what the new one begins with.

use super::*;
use crate::issuer::settings::IssuerSettings;

#[tokio::test(start_paused = true)]
async fn k1_keys_that_are_handed_over_verify_at_once_and_are_as_old_as_they_were() {
    let old = Room::with(&[&ec_jwk("a")]).await;
    advance(MAX_AGE / 2).await;
    let mut new = Room::begin(old.issuer.hand_over(), None, 0);
    assert!(is_found(&new.lookup_now("a").await));
    assert_ne!(new.issuer.id(), old.issuer.id());
    assert_eq!(new.issuer.key_set_age(), old.issuer.key_set_age());
    assert_eq!(new.generation(), old.generation());
    drop(old);
    assert!(is_found(&new.lookup_now("a").await), "the old one's end takes nothing away");

    let call = new.call().await;
    advance(MAX_AGE.mul_f64(0.49)).await;
    assert!(is_found(&new.lookup_now("a").await));
    advance(MAX_AGE.mul_f64(0.01)).await;
    assert!(!new.issuer.has_usable_keys(), "what is too old for the one is too old for the other");
    drop(call);
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_handed_over_are_fetched_anew_and_unknown_keys_wait_for_that() {
    let (kept, withdrawn, added) = (ec_jwk("kept"), ec_jwk("withdrawn"), ec_jwk("added"));
    let old = Room::with(&[&kept, &withdrawn]).await;
    let mut new = Room::begin(old.issuer.hand_over(), None, 0);
    let waiting = new.start_lookup("added");
    new.call().await.keys(&[&kept, &added]);
    assert!(is_found(&end(waiting).await));
    assert!(is_found(&new.lookup_now("kept").await));
    assert!(new.issuer.current().unwrap().keys.iter().all(|key| key.key_id() != Some("withdrawn")));
}

#[tokio::test(start_paused = true)]
async fn a_stored_set_does_not_replace_keys_that_are_handed_over() {
    let (_directory, store) = stored::store();
    let mut before = Room::with_store(Some(Arc::clone(&store)), 1000);
    before.call().await.keys(&[&ec_jwk("stored")]);
    before.first_attempt().await;
    before.tasks.stop().await;

    let old = Room::with(&[&ec_jwk("held")]).await;
    let mut new = Room::begin(old.issuer.hand_over(), Some(store), 1000);
    let _call = new.call().await;
    assert!(is_found(&new.lookup_now("held").await));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_without_keys_and_one_with_a_shared_secret_hand_nothing_over() {
    assert!(Room::open().issuer.hand_over().is_none());
    let hs256 = AllowedAlgorithms::new(vec![Algorithm::HS256]).unwrap();
    let settings = settings(KeySource::Secret(Secret::new(vec![1; 32])), hs256);
    let around = Room::open().around;
    assert!(Issuer::start(settings, &around).unwrap().hand_over().is_none());
}

#[test]
fn keys_are_taken_over_unless_they_come_from_elsewhere_or_mean_something_else() {
    let base = || settings(KeySource::Discovery, AllowedAlgorithms::asymmetric());
    let changed = |change: fn(&mut IssuerSettings)| {
        let mut settings = base();
        change(&mut settings);
        settings.has_the_keys_of(&base())
    };
    assert!(changed(|_| {}));
    assert!(changed(|it| it.keys.timeout = SECOND));
    assert!(changed(|it| Arc::make_mut(&mut it.policy).audiences = vec!["other".to_owned()]));
    assert!(changed(|it| Arc::make_mut(&mut it.policy).leeway = Duration::ZERO));
    assert!(!changed(|it| it.allow_http = true));
    assert!(!changed(|it| it.source = KeySource::JwksFile("keys.json".into())));
    assert!(!changed(|it| Arc::make_mut(&mut it.policy).issuer = "https://other.example".to_owned()));
    let es256 = |it: &mut IssuerSettings| {
        Arc::make_mut(&mut it.policy).algorithms = AllowedAlgorithms::new(vec![Algorithm::ES256]).unwrap();
    };
    assert!(!changed(es256));
}
