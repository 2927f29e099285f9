//! From what was seen to what is wrong, without any network; and docs/doctor.md.

mod clients;
mod clock;
mod discovery;
mod keys;
mod page;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    judge::judge,
    observed::{ClientsSeen, DiscoverySeen, KeysSeen, Observed},
    *,
};
use crate::{
    domain::algorithm::{Algorithm, AllowedAlgorithms},
    issuer::{
        metadata::Metadata,
        settings::{IssuerSettings, KeySource},
        testing::{self, ISSUER, ec_jwk},
    },
};

fn settings() -> IssuerSettings {
    let mut settings = testing::settings(KeySource::Discovery, AllowedAlgorithms::asymmetric());
    let policy = Arc::make_mut(&mut settings.policy);
    policy.kinds.id.typ = vec!["JWT".to_owned()];
    settings
}

fn allowing(algorithms: &[Algorithm]) -> IssuerSettings {
    let mut settings = settings();
    Arc::make_mut(&mut settings.policy).algorithms = AllowedAlgorithms::new(algorithms.to_vec()).unwrap();
    settings
}

fn metadata(members: &Value) -> DiscoverySeen {
    let mut whole = json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys")});
    for (name, value) in members.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let metadata = Metadata::parse(whole.to_string().as_bytes()).unwrap();
    DiscoverySeen::Read { address: "the document".to_owned(), metadata }
}

fn key_set(document: &[u8]) -> KeysSeen {
    KeysSeen::Read { place: "the set".to_owned(), document: document.to_vec() }
}

/// An issuer with nothing wrong.
fn healthy() -> Observed {
    Observed {
        discovery: metadata(&json!({})),
        keys: key_set(&testing::document(&[&ec_jwk("a")])),
        took: Some(Duration::ZERO),
        clock: None,
        clients: ClientsSeen::NoneConfigured,
    }
}

/// The findings of this severity and worse.
fn found(settings: &IssuerSettings, seen: &Observed, least: Severity) -> Vec<Finding> {
    let mut findings = judge(settings, seen);
    findings.retain(|finding| finding.code.severity() >= least);
    findings
}

/// All that is not ok, as `code: message`.
#[track_caller]
fn check(settings: &IssuerSettings, seen: &Observed, expected: &[&str]) {
    let found = found(settings, seen, Severity::Warning);
    let lines: Vec<_> =
        found.iter().map(|finding| format!("{}: {}", finding.code.as_str(), finding.message)).collect();
    assert_eq!(lines, expected);
    assert!(found.iter().all(|finding| !finding.code.change().is_empty()));
}

#[test]
fn an_issuer_with_nothing_wrong_has_a_good_word_for_each_step() {
    let codes: Vec<_> =
        judge(&settings(), &healthy()).into_iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["discovery", "keys", "algorithms", "clients_none"]);
}

#[test]
fn the_worst_finding_decides() {
    let diagnosis = |codes: &[Code]| Diagnosis {
        name: String::new(),
        issuer: String::new(),
        findings: codes.iter().map(|code| Finding::new(*code, "")).collect(),
    };
    assert_eq!(diagnosis(&[]).severity(), Severity::Ok);
    assert_eq!(diagnosis(&[Code::Keys, Code::ClockUnknown]).severity(), Severity::Warning);
    assert_eq!(diagnosis(&[Code::KeysUnreachable, Code::ClockUnknown]).severity(), Severity::CannotTell);
    assert_eq!(diagnosis(&[Code::KeysUnreachable, Code::KeysEmpty]).severity(), Severity::Problem);
}
