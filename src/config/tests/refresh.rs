//! `refresh` and `issuers[].refresh`, and keys of clients.

use std::time::Duration;

use aws_lc_rs::{
    encoding::AsDer,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;
use crate::{
    domain::{limit::Limit, refresh::RefreshSettings, rotation::Rotation},
    issuer::{ClientAuthentication, IssuerRefresh},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn left_out_refreshing_is_as_its_settings_say() {
    assert_eq!(good(ISSUER).config.refresh, RefreshSettings::default());
}

#[test]
fn every_time_and_limit_can_be_written() {
    let text = "refresh: {early: 1s, replay: 2s, replay_max: 3s, lineage: 4s, upstream_timeout: 5s, lease: 7s, \
                limit: {burst: 1, per: 8s}, caller_limit: {burst: 2, per: 9s}, issuer_limit: {burst: 3, per: 10s}, \
                max_concurrent: 4}";
    let expected = RefreshSettings {
        early: SECOND,
        replay: 2 * SECOND,
        replay_max: 3 * SECOND,
        lineage: 4 * SECOND,
        upstream_timeout: 5 * SECOND,
        lease: 7 * SECOND,
        limit: Limit { burst: 1, per: 8 * SECOND },
        caller_limit: Limit { burst: 2, per: 9 * SECOND },
        issuer_limit: Limit { burst: 3, per: 10 * SECOND },
        max_concurrent: 4,
    };
    assert_eq!(good(&format!("{text}\n{ISSUER}")).config.refresh, expected);
}

/// What each provider is known to do with a refresh token that was exchanged.
#[test]
fn profiles_say_how_their_providers_rotate() {
    let graceful = Rotation::Graceful { grace: 30 * SECOND };
    for (profile, expected) in [
        ("generic", Rotation::Strict),
        ("scalekit", graceful),
        ("auth0", Rotation::Strict),
        ("okta", graceful),
        ("keycloak", Rotation::Strict),
        ("hydra", Rotation::Strict),
        ("entra", Rotation::None),
        ("cognito", Rotation::None),
        ("supabase", Rotation::Strict),
    ] {
        assert_eq!(issuer_with(&format!("profile: {profile}")).refresh.rotation, expected, "{profile}");
    }
}

#[test]
fn what_is_written_counts_before_the_profile() {
    let lines = "profile: auth0\nrefresh: {rotation: graceful, grace: 20s, resource: ['urn:a', 'urn:b'], audience: api}";
    let expected = IssuerRefresh {
        rotation: Rotation::Graceful { grace: 20 * SECOND },
        resource: vec!["urn:a".to_owned(), "urn:b".to_owned()],
        audience: "api".to_owned(),
    };
    assert_eq!(issuer_with(lines).refresh, expected);
    assert_eq!(issuer_with("refresh: {rotation: unknown}").refresh, IssuerRefresh::default());
    assert_eq!(issuer_with("profile: okta\nrefresh: {rotation: none}").refresh.rotation, Rotation::None);
}

/// F13, also where only one of both is written, and the other by a profile.
#[test]
fn f13_a_grace_is_longer_than_a_lease_by_what_a_second_attempt_takes() {
    let profile = with_issuer_lines("profile: scalekit");
    assert!(load(&format!("refresh: {{lease: 27s}}\n{profile}")).is_ok());
    let problems = load(&format!("refresh: {{lease: 27001ms}}\n{profile}")).map(|loaded| loaded.effective);
    assert_eq!(
        problems.unwrap_err(),
        [
            "countersign.yaml:3: issuers[0].refresh.grace: must be at least 3s more than refresh.lease (F13); for a shorter \
             one, write `rotation: strict`"
        ]
    );
    assert!(load(&with_issuer_lines("refresh: {rotation: graceful, grace: 15s}")).is_ok());
    assert!(load(&with_issuer_lines("refresh: {rotation: strict, grace: 1s}")).is_ok());
}

#[test]
fn a_grace_without_a_use_is_a_warning() {
    let loaded = good(&with_issuer_lines("refresh: {grace: 20s}"));
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["countersign.yaml:4: issuers[0].refresh.grace: counts with `rotation: graceful` only"]
    );
}

#[test]
fn a_clients_key_is_read_and_shown_by_nothing() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der: aws_lc_rs::encoding::EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    let text = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN EC PRIVATE KEY-----\n{text}\n-----END EC PRIVATE KEY-----\n");
    let env = Environment::from_iter([("PEM", pem.as_str()), ("OTHER", "hunter2")]);
    let lines = |more: &str| {
        with_issuer_lines(&format!("clients: [{{id: x, auth: private_key_jwt, key: {{env: PEM}}{more}}}]"))
    };
    let loaded = load_with(&lines(", key_id: k1, algorithm: ES256"), &env).unwrap();
    let client = &loaded.config.issuers[0].clients[0];
    assert_eq!(client.authentication.method(), "private_key_jwt");
    assert!(matches!(&client.authentication, ClientAuthentication::PrivateKeyJwt(_)));
    let shown = format!("{:?} {}", loaded.config, loaded.effective);
    assert!(
        shown.contains("k1") && !shown.contains(text.get(8..24).unwrap()) && !shown.contains("hunter2"),
        "{shown}"
    );

    let same = load_with(&lines(", key_id: k1"), &env).unwrap();
    assert_eq!(same.config.issuers, loaded.config.issuers, "a reload leaves it alone");
    let other = load_with(&lines(", key_id: k2"), &env).unwrap();
    assert_ne!(other.config.issuers, loaded.config.issuers);

    let problem = |text: &str| load_with(text, &env).map(|loaded| loaded.effective).unwrap_err();
    assert_eq!(
        problem(&lines(", algorithm: RS256")),
        [
            "countersign.yaml:4: issuers[0].clients[0].algorithm: the key cannot sign with this `algorithm`; it can with ES256"
        ]
    );
    let not_pem = problem(&lines("").replace("PEM", "OTHER"));
    assert_eq!(not_pem.len(), 1);
    assert!(not_pem[0].contains("clients[0].key: is no private key in PEM form"), "{not_pem:?}");
    assert!(!not_pem[0].contains("hunter2"));
}
