//! JWK sets (RFC 7517), each key on its own: one that cannot be used never affects the others (K5).

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::{
    algorithm::{Algorithm, AllowedAlgorithms},
    key::{Curve, PublicNumbers, UnusableKey, VerifyingKey},
};

/// Members that only a private or shared key has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// How much of a published key id is kept for the log.
const SHOWN_KEY_ID_CHARS: usize = 64;

/// What a document is read against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'r> {
    /// The configured issuer.
    pub(super) issuer: &'r str,
    /// What it may sign with.
    pub(super) allowed: &'r AllowedAlgorithms,
    /// Sets with more keys are refused.
    pub(super) max_keys: usize,
}

/// What a document holds.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Keys that verify.
    pub(super) keys: Vec<VerifyingKey>,
    /// Keys that should have, and why they do not.
    pub(super) unusable: Vec<Unusable>,
    /// How many keys there are for another purpose or another issuer.
    pub(super) not_for_us: usize,
}

/// A key that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    /// The beginning of its `kid`.
    pub(super) key_id: Option<String>,
    pub(super) why: Why,
}

/// Why a published key is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Why {
    #[error("it is not a JSON object with the members of its type")]
    NotAJwk,
    #[error("its type or curve is not one that this service verifies with")]
    UnknownType,
    #[error("its `alg` is not one that this service verifies")]
    UnknownAlgorithm,
    #[error("a number in it is not base64url")]
    Encoding,
    #[error("it is a private or shared key, published for everybody")]
    Published,
    #[error(transparent)]
    Key(UnusableKey),
}

/// Why a document as a whole is no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DocumentError {
    #[error("the document is not a JSON object with an array `keys`")]
    NotAKeySet,
    #[error("the key set holds more keys than `max_keys` allows")]
    TooManyKeys,
}

/// One published key.
enum Entry {
    Usable(VerifyingKey),
    Unusable(Why),
    /// For another purpose or another issuer: nothing is wrong with it.
    NotForUs,
}

/// Only what decides whether this is a key set at all; other members are ignored (RFC 7517 section 5).
#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// Reads a whole document. No usable key at all is no error: that is how an issuer withdraws every key.
pub(super) fn parse(document: &[u8], rules: Rules<'_>) -> Result<Parsed, DocumentError> {
    let Document { keys } = serde_json::from_slice(document).or(Err(DocumentError::NotAKeySet))?;
    if keys.len() > rules.max_keys {
        return Err(DocumentError::TooManyKeys);
    }
    let mut parsed = Parsed::default();
    for key in keys {
        let key_id = shown_key_id(&key);
        match read(key, rules) {
            Entry::Usable(key) => parsed.keys.push(key),
            Entry::Unusable(why) => parsed.unusable.push(Unusable { key_id, why }),
            Entry::NotForUs => parsed.not_for_us += 1,
        }
    }
    Ok(parsed)
}

fn read(jwk: Value, rules: Rules<'_>) -> Entry {
    let Value::Object(members) = &jwk else {
        return Entry::Unusable(Why::NotAJwk);
    };
    if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
        return Entry::Unusable(Why::Published);
    }
    if !is_for_signatures(members) || !is_of_issuer(members, rules.issuer) {
        return Entry::NotForUs;
    }
    match load(jwk, rules.allowed) {
        Ok(key) => Entry::Usable(key),
        Err(why) => Entry::Unusable(why),
    }
}

/// `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3), where present, must both allow it.
fn is_for_signatures(members: &Map<String, Value>) -> bool {
    let use_fits = members.get("use").is_none_or(|it| it == "sig");
    let operations_fit = members
        .get("key_ops")
        .is_none_or(|it| it.as_array().is_some_and(|operations| operations.iter().any(|it| it == "verify")));
    use_fits && operations_fit
}

/// Entra writes into each key whose tokens it signs, with `{tenantid}` where it signs for every tenant.
fn is_of_issuer(members: &Map<String, Value>, issuer: &str) -> bool {
    let Some(bound) = members.get("issuer") else {
        return true;
    };
    let Some(bound) = bound.as_str() else {
        return false;
    };
    match bound.split_once("{tenantid}") {
        None => bound == issuer,
        Some((before, after)) => issuer
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|tenant| !tenant.is_empty() && !tenant.contains('/')),
    }
}

fn load(jwk: Value, allowed: &AllowedAlgorithms) -> Result<VerifyingKey, Why> {
    // Read here, because jsonwebtoken knows neither ES512 nor Ed25519 and folds them into "unknown".
    let published = match jwk.get("alg") {
        None => None,
        Some(name) => {
            let known = name.as_str().and_then(|name| name.parse::<Algorithm>().ok());
            Some(known.ok_or(Why::UnknownAlgorithm)?)
        }
    };
    let Jwk { common, algorithm } = serde_json::from_value(jwk).or(Err(Why::NotAJwk))?;
    let load = |numbers: PublicNumbers<'_>| {
        VerifyingKey::public(common.key_id, numbers, published, allowed).map_err(Why::Key)
    };
    match algorithm {
        AlgorithmParameters::RSA(rsa) => {
            load(PublicNumbers::Rsa { n: &decode(&rsa.n)?, e: &decode(&rsa.e)? })
        }
        AlgorithmParameters::EllipticCurve(ec) => {
            let curve = curve(&ec.curve)?;
            load(PublicNumbers::Ec { curve, x: &decode(&ec.x)?, y: &decode(&ec.y)? })
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            load(PublicNumbers::Ed25519 { x: &decode(&pair.x)? })
        }
        // `oct` never comes here, since its `k` is a private member; a shared key from a document is no secret (K9).
        AlgorithmParameters::OctetKeyPair(_)
        | AlgorithmParameters::OctetKey(_)
        | AlgorithmParameters::Other(_)
        | _ => Err(Why::UnknownType),
    }
}

fn curve(curve: &EllipticCurve) -> Result<Curve, Why> {
    match curve {
        EllipticCurve::P256 => Ok(Curve::P256),
        EllipticCurve::P384 => Ok(Curve::P384),
        EllipticCurve::P521 => Ok(Curve::P521),
        EllipticCurve::Ed25519 | _ => Err(Why::UnknownType),
    }
}

fn decode(number: &str) -> Result<Vec<u8>, Why> {
    URL_SAFE_NO_PAD.decode(number).or(Err(Why::Encoding))
}

fn shown_key_id(jwk: &Value) -> Option<String> {
    Some(jwk.get("kid")?.as_str()?.chars().take(SHOWN_KEY_ID_CHARS).collect())
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key_id {
            Some(key_id) => write!(f, "{key_id:?}: {}", self.why),
            None => write!(f, "a key without `kid`: {}", self.why),
        }
    }
}

#[cfg(test)]
mod tests;
