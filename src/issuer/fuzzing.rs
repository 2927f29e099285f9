//! The way in for `fuzz/`: documents that an identity provider sent.

use serde_json::Value;

use super::{
    jwks::{self, Parsed, Rules},
    metadata::Metadata,
};
use crate::domain::{algorithm::AllowedAlgorithms, key::VerifyingKey};

const ISSUER: &str = "https://issuer.example";
const MAX_KEYS: usize = 100;

/// The keys of a document.
pub fn keys(document: &[u8]) -> Vec<VerifyingKey> {
    read(document).map(|parsed| parsed.keys).unwrap_or_default()
}

/// Reads a key set.
///
/// # Panics
///
/// If a key is usable that must not be, or is treated otherwise beside others than alone (K5).
pub fn jwks(document: &[u8]) {
    let Some(parsed) = read(document) else { return };
    let counts = |parsed: &Parsed| [parsed.keys.len(), parsed.unusable.len(), parsed.not_for_us];
    assert!(counts(&parsed).iter().sum::<usize>() <= MAX_KEYS, "more keys than allowed");
    for key in &parsed.keys {
        assert!(key.algorithms().count() > 0, "a usable key without a use");
        assert!(key.algorithms().all(|algorithm| !algorithm.is_symmetric()), "a published shared secret");
    }
    for unusable in &parsed.unusable {
        let shown = unusable.to_string();
        assert!(!shown.contains(char::is_control), "not one line for the log: {shown:?}");
    }
    let mut alone = [0; 3];
    for key in keys_in(document) {
        let document = serde_json::json!({ "keys": [key] }).to_string();
        let one = read(document.as_bytes()).map(|parsed| counts(&parsed)).unwrap_or_default();
        alone.iter_mut().zip(one).for_each(|(sum, count)| *sum += count);
    }
    assert_eq!(alone, counts(&parsed), "K5: usable, unusable and foreign keys, each alone and all together");
}

/// Reads a discovery document.
///
/// # Panics
///
/// If keys would be fetched from an address that K6 rules out.
pub fn discovery(document: &[u8]) {
    let Ok(metadata) = Metadata::parse(document) else { return };
    if let Ok(address) = metadata.jwks_uri(false) {
        let loopback = ["localhost", "127.", "[::1]"];
        let host = address.host_str().unwrap_or_default();
        let is_loopback = loopback.iter().any(|beginning| host.starts_with(beginning));
        assert!(address.scheme() == "https" || address.scheme() == "http" && is_loopback, "K6: {address}");
        assert_eq!(metadata.jwks_uri(true).ok(), Some(address), "K6: allowing more takes something away");
    }
    metadata.token_endpoint();
    metadata.issuer();
    for list in ["id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported"] {
        metadata.words(list);
    }
}

fn read(document: &[u8]) -> Option<Parsed> {
    let allowed = &AllowedAlgorithms::asymmetric();
    jwks::parse(document, Rules { issuer: ISSUER, allowed, max_keys: MAX_KEYS }).ok()
}

fn keys_in(document: &[u8]) -> Vec<Value> {
    #[derive(serde::Deserialize)]
    struct Document {
        keys: Vec<Value>,
    }
    serde_json::from_slice::<Document>(document).map(|document| document.keys).unwrap_or_default()
}
