//! Tokens.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::fixed::{self, Signer};
use crate::domain::{
    decide::{Requirements, decide},
    json,
    jws::{UnverifiedJws, UnverifiedParts},
    key::Candidates,
    kind::TokenKind,
    revocation::{
        Reach, Target, TargetKind,
        check::{Known, LastCheck, check},
    },
    time::UnixTime,
    token::RawToken,
    verify::{Verified, VerifiedToken, verify},
};

const MAX_BYTES: usize = 16 * 1024;
/// When the tokens of the corpus are in the middle of their lives, in seconds since 1970.
const NOW: i64 = 1_800_000_000;
const AUDIENCE: &str = "https://api.example";

/// Reads the bytes as a token and verifies it with every key.
///
/// # Panics
///
/// If it is accepted and nobody ever signed it.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if is_accepted(text) {
        let signed = text.rsplit_once('.').is_some_and(|(input, _)| fixed::was_signed(input));
        assert!(signed, "accepted, but nobody has signed it");
    }
}

/// Whether one of the issuers has signed it.
pub(super) fn is_accepted(text: &str) -> bool {
    let mut is_accepted = false;
    with_jws(text, |jws| {
        for token in fixed::signers().iter().filter_map(|signer| accepted(signer, jws)) {
            use_it(&token);
            is_accepted = true;
        }
    });
    is_accepted
}

/// Reads a line as a header and the rest as a payload, signs both with the shared secret, and asks for the token that comes
/// of it: what an issuer can sign is far more than a fuzzer could sign by chance.
///
/// # Panics
///
/// If it is accepted with claims that another JSON parser reads otherwise.
pub fn claims(bytes: &[u8]) {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let Some((header, payload)) = bytes.split_at_checked(end) else { return };
    let payload = payload.get(1..).unwrap_or_default();
    for part in [header, payload] {
        let ours = json::parse_object(part).is_some();
        let other = serde_json::from_slice(part).is_ok_and(|value: Value| value.is_object());
        assert!(other || !ours, "taken for a JSON object");
    }
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    let input = format!("{header}.{payload}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, fixed::SECRET.as_bytes());
    let signature = hmac::sign(&key, input.as_bytes());
    let text = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
    with_jws(&text, |jws| {
        for signer in fixed::signers() {
            if let Some(token) = accepted(signer, jws) {
                assert_eq!(
                    token.token().policy().name,
                    "shared",
                    "signed with the secret, accepted for another issuer"
                );
                use_it(&token);
            }
        }
    });
}

fn with_jws(text: &str, then: impl FnOnce(&UnverifiedJws<'_>)) {
    let Ok(token) = RawToken::new(text, MAX_BYTES) else { return };
    let Ok(parts) = UnverifiedParts::decode(token) else { return };
    if let Ok(jws) = parts.read() {
        then(&jws);
    }
}

/// Verifies with the keys that the service would choose, and with all.
fn accepted<'p>(signer: &Signer, jws: &UnverifiedJws<'p>) -> Option<Verified<'p>> {
    let all: Vec<_> = signer.keys.iter().collect();
    let by_any = verify(jws, &all, &signer.policy).ok();
    let chosen =
        jws.header.algorithm.map(|algorithm| signer.keys.candidates(jws.header.key_id.as_deref(), algorithm));
    if let Some(Candidates::Keys(chosen)) = chosen
        && verify(jws, &chosen, &signer.policy).is_ok()
    {
        assert!(by_any.is_some(), "accepted by one key and not by all");
    }
    by_any
}

/// Everything that is done with a verified token.
fn use_it(verified: &Verified<'_>) {
    let claims: Value = serde_json::from_slice(verified.payload()).unwrap_or_default();
    let token = verified.token();
    assert_eq!(claims.get("iss").and_then(Value::as_str), Some(token.policy().issuer.as_str()));
    let now = UnixTime::from_secs(NOW);
    token.should_refresh(now, Duration::from_mins(1));
    for kind in [TokenKind::Access, TokenKind::Id] {
        let asked = Requirements::of_kind(kind);
        let Ok(current) = token.at(now) else { continue };
        // All that the token can be revoked by has to be computed whatever it says.
        assert!(check(current, None, &LastCheck::default(), &AllOf(token)).is_err(), "its issuer is revoked");
        let active = check(current, None, &LastCheck::default(), &NothingRevoked);
        assert!(active.is_ok(), "nothing is revoked");
        if active.is_ok_and(|active| decide(active, &asked).is_ok()) {
            permitted(&claims);
        }
    }
}

/// Nothing is revoked.
struct NothingRevoked;

impl Known for NothingRevoked {
    fn generation(&self) -> u64 {
        1
    }

    fn has_any(&self, _: TargetKind) -> bool {
        false
    }

    fn find(&self, _: &Target) -> Option<Reach> {
        None
    }
}

/// Everything of the token's issuer is.
struct AllOf<'t>(&'t VerifiedToken);

impl Known for AllOf<'_> {
    fn generation(&self) -> u64 {
        1
    }

    fn has_any(&self, _: TargetKind) -> bool {
        true
    }

    fn find(&self, target: &Target) -> Option<Reach> {
        (*target == Target::issuer(&self.0.policy().issuer)).then_some(Reach::All)
    }
}

/// What may pass is for us, of now, and bound to nothing.
fn permitted(claims: &Value) {
    let is_ours = |audience: &Value| audience == AUDIENCE;
    let for_us = claims
        .get("aud")
        .is_some_and(|aud| is_ours(aud) || aud.as_array().is_some_and(|list| list.iter().any(is_ours)));
    assert!(for_us, "for another audience");
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "exact below 2^53")]
    let early = (NOW - 3600) as f64;
    assert!(claims.get("exp").and_then(Value::as_f64).is_some_and(|exp| exp > early), "expired");
    assert!(claims.get("cnf").is_none_or(Value::is_null), "bound to something that was not shown");
}
