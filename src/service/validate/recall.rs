//! What the cache says to a token.

use std::sync::Arc;

use super::{Stop, Validator, unavailable};
use crate::{
    domain::{
        reason::{Reason, Refusal},
        time::UnixTime,
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
        digest: TokenDigest,
        now: UnixTime,
    ) -> Result<Option<Arc<CachedToken>>, Stop> {
        let Some(cached) = self.cache.find(digest, now) else {
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
