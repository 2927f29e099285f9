//! K13: what is in the store is used only if this service's own key ring sealed it.

use std::{fs, path::PathBuf};

use tonic::Code;

use super::{
    kit::{AUDIENCE, ISSUER, reason_of},
    start::run,
};
use crate::support::{
    idp::{Idp, Reply},
    service::Service,
    tokens::{Signer, claims, key_set},
};

const FORGED: &str = "countersign_key_store_errors_total{issuer=\"stored\",kind=\"forged\"}";

/// A key server, and a configuration with an issuer that uses it and one that is always there.
async fn key_server(signer: &Signer) -> (Idp, String) {
    let document = key_set(&[signer]).to_string().into_bytes();
    let idp = Idp::start(move |_| Reply::ok(document.clone())).await;
    let yaml = format!(
        "\
issuers:
  - {{ name: stored, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_uri: {} }}
  - {{ name: file, issuer: {ISSUER}/file, audiences: [{AUDIENCE}], jwks_file: ./keys.json }}
",
        idp.url("/keys")
    );
    (idp, yaml)
}

async fn start(yaml: &str) -> Service {
    let keys = key_set(&[&Signer::es256()]).to_string();
    Service::start_with_files(yaml, &[("keys.json", keys.as_bytes())]).await
}

fn token(signer: &Signer) -> String {
    signer.access_token(&claims(ISSUER, AUDIENCE))
}

async fn stop(service: &mut Service) {
    service.sigterm().await;
    assert!(service.wait_exit().await.success(), "{}", service.output());
}

fn ring(service: &Service) -> PathBuf {
    service.directory().join("countersign.redb.keys")
}

#[track_caller]
fn assert_alarmed(service: &Service) {
    let output = service.output();
    let alarm =
        |line: &&str| line.contains("\"ERROR\"") && line.contains("does not bear this key ring's seal");
    assert_eq!(output.lines().filter(alarm).count(), 1, "{output}");
}

#[tokio::test]
async fn k13_stored_keys_are_of_no_use_under_another_key_ring_and_good_again_under_their_own() {
    let signer = Signer::es256();
    let (idp, yaml) = key_server(&signer).await;
    let mut service = start(&yaml).await;
    service.validate(&token(&signer)).await.good();
    stop(&mut service).await;
    idp.change(|_| Reply::status("503 Service Unavailable"));

    let own = service.directory().join("own.keys");
    fs::rename(ring(&service), &own).unwrap();
    let made = run(service.directory(), &["keygen", "--out", ring(&service).to_str().unwrap()], &[]).await;
    assert_eq!((made.code, made.stdout.as_str()), (Some(0), ""), "{made:?}");
    assert_ne!(fs::read(ring(&service)).unwrap(), fs::read(&own).unwrap());
    service.restart().await;
    let status = service.validate(&token(&signer)).await.cannot_tell();
    assert_eq!((status.code(), &*reason_of(&status)), (Code::Unavailable, "KEYS_UNAVAILABLE"));
    assert!((service.metric(FORGED).await - 1.0).abs() < f64::EPSILON);
    assert_alarmed(&service);
    stop(&mut service).await;

    fs::rename(own, ring(&service)).unwrap();
    service.restart().await;
    service.validate(&token(&signer)).await.good();
    assert!(service.metric(FORGED).await.abs() < f64::EPSILON);
    stop(&mut service).await;
}

/// Somebody who can write the file, but has not the ring, puts the keys of their own into it.
#[tokio::test]
async fn k13_a_store_that_somebody_else_filled_makes_no_key_trusted() {
    let (signer, attacker) = (Signer::es256(), Signer::es256());
    let (idp, yaml) = key_server(&signer).await;
    let mut service = start(&yaml).await;
    service.validate(&token(&signer)).await.good();
    stop(&mut service).await;

    let document = key_set(&[&attacker]).to_string().into_bytes();
    idp.change(move |_| Reply::ok(document.clone()));
    let mut theirs = start(&yaml).await;
    theirs.validate(&token(&attacker)).await.good();
    stop(&mut theirs).await;
    let store = |service: &Service| service.directory().join("countersign.redb");
    fs::copy(store(&theirs), store(&service)).unwrap();

    idp.change(|_| Reply::status("503 Service Unavailable"));
    service.restart().await;
    for signer in [&attacker, &signer] {
        let status = service.validate(&token(signer)).await.cannot_tell();
        assert_eq!(reason_of(&status), "KEYS_UNAVAILABLE");
    }
    assert!((service.metric(FORGED).await - 1.0).abs() < f64::EPSILON);
    assert_alarmed(&service);
}
