//! Verifying a token that the cache does not know: with the keys at hand, or with those that a fetch brings.

use std::sync::Arc;

use super::{Stop, Validator, opaque::Opaque, unavailable};
use crate::{
    domain::{
        algorithm::Algorithm,
        decide::Requirements,
        jws::{UnverifiedJws, UnverifiedParts},
        key::Candidates,
        reason::{Reason, Refusal},
        time::UnixTime,
        token::RawToken,
        verify::{Verified, verify},
    },
    issuer::{Issuer, KeySnapshot, Lookup},
    service::trust::Trust,
    state::{
        cache::{CachedToken, Forged},
        digest::TokenDigest,
        sessions::Sessions,
    },
};

/// Longer key ids are nobody's, in bytes.
const LONGEST_KEY_ID: usize = 256;

/// A token, what the cache would know it by, and what is asked of it.
#[derive(Clone, Copy)]
pub(super) struct Presentation<'r> {
    pub(super) token: RawToken<'r>,
    pub(super) digest: TokenDigest,
    pub(super) asked: &'r Requirements<'r>,
    /// When.
    pub(super) at: UnixTime,
}

/// What came of verifying with the keys at hand.
pub(super) enum Tried {
    /// Good.
    Verified(Arc<CachedToken>),
    /// What its issuer said about it lately.
    Known(Result<Arc<CachedToken>, Refusal>),
    /// Only its issuer can read it, and has to be asked.
    Opaque(Opaque),
    /// The signature is not one of these keys'.
    Forged { generation: u64 },
    /// There is no such key, or none may verify now.
    NoKey,
}

/// Whose a token claims to be, and what finds the key.
struct Claimed<'c> {
    issuer: &'c Issuer,
    algorithm: Algorithm,
    key_id: Option<&'c str>,
}

impl Validator {
    /// With the keys at hand: how almost every token is verified, without waiting for anything.
    pub(super) fn verify_now(&self, trust: &Trust, presented: Presentation<'_>) -> Result<Tried, Stop> {
        let headers = self.headers.known();
        let parts = match UnverifiedParts::decode_knowing(presented.token, |written| headers.find(written)) {
            Ok(parts) => parts,
            Err(malformed) => return self.opaque(trust, presented, malformed),
        };
        let jws = match parts.read() {
            Ok(jws) => jws,
            Err(malformed) => return self.opaque(trust, presented, malformed),
        };
        let Claimed { issuer, algorithm, key_id } = claimed(trust, &jws, presented.asked)?;
        let tried = issuer.look(|keys| match keys.keys.candidates(key_id, algorithm) {
            Candidates::Keys(candidates) => {
                Some((verify(&jws, &candidates, issuer.policy()), keys.generation))
            }
            Candidates::WrongAlgorithm | Candidates::Absent => None,
        });
        match tried.flatten() {
            Some((Ok(verified), generation)) => {
                let now = presented.at;
                self.headers.learn(&jws);
                Ok(Tried::Verified(self.remember(issuer, presented.digest, verified, generation, now)))
            }
            Some((Err(refusal), generation)) if refusal.reason() == Reason::BadSignature => {
                Ok(Tried::Forged { generation })
            }
            Some((Err(refusal), _)) => Err(refusal.into()),
            None => Ok(Tried::NoKey),
        }
    }

    /// After a fetch, if the issuer's budget allows one; then the answer stands.
    pub(super) async fn verify_after_fetch(
        &self,
        trust: &Trust,
        token: RawToken<'_>,
        digest: TokenDigest,
        asked: &Requirements<'_>,
        tried: Tried,
    ) -> Result<Arc<CachedToken>, Stop> {
        let seen = match tried {
            Tried::Verified(cached) => return Ok(cached),
            Tried::Known(known) => return Ok(known?),
            Tried::Opaque(opaque) => return self.introspections.ask(&opaque, token, digest).await,
            Tried::Forged { generation } => Some(generation),
            Tried::NoKey => None,
        };
        let parts = UnverifiedParts::decode(token)?;
        let jws = parts.read()?;
        let claimed = claimed(trust, &jws, asked)?;
        let generation = if let Some(generation) = seen {
            generation
        } else {
            let keys = find_keys(&claimed).await?;
            match verify_with(&claimed, &keys, &jws) {
                Ok(verified) => {
                    let Claimed { issuer, .. } = claimed;
                    let now = self.clock.now();
                    return Ok(self.remember(issuer, digest, verified, keys.generation, now));
                }
                Err(refusal) if refusal.reason() == Reason::BadSignature => keys.generation,
                Err(refusal) => return Err(refusal.into()),
            }
        };
        self.verify_again(&claimed, generation, &jws, digest).await
    }

    /// Some issuers replace a key and keep its `kid`: one more look, within the issuer's budget, before the signature is
    /// called bad. What stays bad is remembered until the key set changes (C5).
    async fn verify_again(
        &self,
        claimed: &Claimed<'_>,
        seen: u64,
        jws: &UnverifiedJws<'_>,
        digest: TokenDigest,
    ) -> Result<Arc<CachedToken>, Stop> {
        let issuer = claimed.issuer;
        let newer = issuer.after_bad_signature(seen).await;
        let generation = newer.as_ref().map_or(seen, |keys| keys.generation);
        let outcome = newer.map_or_else(
            || Err(Refusal::new(Reason::BadSignature, "the signature does not verify")),
            |keys| verify_with(claimed, &keys, jws),
        );
        match outcome {
            Ok(verified) => Ok(self.remember(issuer, digest, verified, generation, self.clock.now())),
            Err(refusal) => {
                if refusal.reason() == Reason::BadSignature {
                    self.cache.remember_forged(digest, Forged { issuer: issuer.id(), generation });
                }
                Err(refusal.into())
            }
        }
    }

    fn remember(
        &self,
        issuer: &Issuer,
        digest: TokenDigest,
        verified: Verified<'_>,
        generation: u64,
        now: UnixTime,
    ) -> Arc<CachedToken> {
        let encoded = (self.encode)(&verified);
        let token = verified.into_token();
        // What the store says about such a token is kept with it, and nowhere else.
        let must_be_whole = token.claims().session_id().is_empty() && Sessions::matters_to(&token, now);
        self.cache.remember(digest, (token, encoded), (issuer.id(), generation), must_be_whole, now)
    }
}

fn claimed<'c>(
    trust: &'c Trust,
    jws: &'c UnverifiedJws<'_>,
    asked: &Requirements<'_>,
) -> Result<Claimed<'c>, Refusal> {
    let unknown = || Refusal::new(Reason::UnknownIssuer, "the token's issuer is not configured here");
    let name = jws.unverified_issuer().ok_or_else(unknown)?;
    let issuer = trust.with_name(name.as_lookup_key()).ok_or_else(unknown)?;
    // Before anything is done for it: a pinned request must not turn into "cannot tell" because a token names another
    // issuer, whose keys happen to be out of reach.
    if !asked.is_from(name.as_lookup_key()) {
        return Err(Refusal::new(
            Reason::IssuerMismatch,
            "the token is from another issuer than the one asked for",
        ));
    }
    let allowed = |algorithm: &Algorithm| issuer.policy().algorithms.allows(*algorithm);
    let algorithm = jws.header.algorithm.filter(allowed).ok_or_else(not_allowed)?;
    let key_id = jws.header.key_id.as_deref();
    // No issuer names its keys like this; looking for one would only cost the issuer a fetch.
    if key_id.is_some_and(|key_id| key_id.len() > LONGEST_KEY_ID) {
        return Err(unknown_key());
    }
    Ok(Claimed { issuer, algorithm, key_id })
}

async fn find_keys(claimed: &Claimed<'_>) -> Result<Arc<KeySnapshot>, Stop> {
    match claimed.issuer.lookup(claimed.key_id, claimed.algorithm).await {
        Lookup::Found(keys) => Ok(keys),
        Lookup::WrongAlgorithm => Err(not_allowed().into()),
        Lookup::Unknown => Err(unknown_key().into()),
        Lookup::Unavailable => Err(unavailable(claimed.issuer)),
    }
}

fn verify_with<'p>(
    claimed: &Claimed<'_>,
    keys: &KeySnapshot,
    jws: &UnverifiedJws<'p>,
) -> Result<Verified<'p>, Refusal> {
    let policy = claimed.issuer.policy();
    match keys.keys.candidates(claimed.key_id, claimed.algorithm) {
        Candidates::Keys(candidates) => verify(jws, &candidates, policy),
        Candidates::WrongAlgorithm | Candidates::Absent => verify(jws, &[], policy),
    }
}

fn not_allowed() -> Refusal {
    Refusal::new(
        Reason::AlgorithmNotAllowed,
        "the token's algorithm is not allowed for this issuer or is not its key's",
    )
}

fn unknown_key() -> Refusal {
    Refusal::new(Reason::UnknownKey, "the issuer publishes no key for this token")
}
