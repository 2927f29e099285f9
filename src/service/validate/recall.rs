//! What the cache says to a token.

use std::sync::Arc;

use super::{Stop, Validator, unavailable};
use crate::{
    domain::{
        jws::UnverifiedParts,
        reason::{Reason, Refusal},
        time::UnixTime,
        token::BoundedText,
        verify::read_signed,
    },
    service::trust::Trust,
    state::{cache::CachedToken, digest::TokenDigest},
};

impl Validator {
    /// The cached token, if its issuer's settings are still those it was verified under (C1), its key is still published,
    /// and the issuer's keys are usable (C3, K2).
    pub(super) fn recall(
        &self,
        trust: &Trust,
        (text, digest): (BoundedText<'_>, TokenDigest),
        now: UnixTime,
    ) -> Result<Option<Arc<CachedToken>>, Stop> {
        let found = self.cache.find(digest, now).or_else(|| self.read_again(trust, (text, digest), now));
        let Some(cached) = found else {
            return Ok(None);
        };
        let Some(issuer) = trust.with_id(cached.issuer()) else {
            self.cache.forget(digest);
            return Ok(None);
        };
        // Its session is to be looked up again.
        if cached.session().is_some_and(|session| session.standing(now).is_none()) {
            self.cache.forget(digest);
            return Ok(None);
        }
        match issuer.look(|keys| cached.is_signed_by_one_of(keys)) {
            Some(true) => {
                self.metrics.cache_hit();
                Ok(Some(cached))
            }
            Some(false) => {
                self.cache.forget(digest);
                Ok(None)
            }
            None => {
                // Too old to verify with is too old to have verified with; what has expired has expired all the same.
                cached.token().at(now)?;
                Err(unavailable(issuer))
            }
        }
    }

    /// A token that came once: all that is kept of it is who signed it, and from now on it is kept whole. What the policy says about
    /// it is the same as then, or its issuer would have another number.
    fn read_again(
        &self,
        trust: &Trust,
        (text, digest): (BoundedText<'_>, TokenDigest),
        now: UnixTime,
    ) -> Option<Arc<CachedToken>> {
        let seen = self.cache.seen(digest, now)?;
        let issuer = trust.with_id(seen.issuer)?;
        let headers = self.headers.known();
        let parts =
            UnverifiedParts::decode_knowing(text.token().ok()?, |written| headers.find(written)).ok()?;
        let verified = read_signed(&parts.read().ok()?, seen.signed, issuer.policy()).ok()?;
        let encoded = (self.encode)(&verified);
        Some(self.cache.keep(digest, (verified.into_token(), encoded), seen))
    }

    pub(super) fn refuse_known_forgery(&self, trust: &Trust, digest: TokenDigest) -> Result<(), Stop> {
        let Some(forged) = self.cache.forged(digest) else {
            return Ok(());
        };
        let issuer = trust.with_id(forged.issuer);
        let generation = issuer.and_then(|issuer| issuer.look(|keys| keys.generation));
        if generation == Some(forged.generation) {
            self.metrics.cache_refusal_hit();
            return Err(Refusal::new(Reason::BadSignature, "the signature does not verify").into());
        }
        Ok(())
    }
}
