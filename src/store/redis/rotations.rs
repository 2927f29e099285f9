//! Token families in Redis.

use super::{RedisStore, reply::unexpected};
use crate::{
    domain::{
        limit::{Limit, TooOften},
        rotation::{FamilyId, RefreshDigest},
        secret::Secret,
        time::UnixTime,
        tokens::Tokens,
    },
    store::{Answer, Change, Pointed, Pointer, Presented, Reading, Rotations, StoreError, Swapped},
};

fn none<'s, T: Send + 's>() -> Answer<'s, T> {
    Box::pin(async { Err::<T, StoreError>(unexpected()) })
}

impl Rotations for RedisStore {
    fn digest(&self, issuer: &str, client_id: &str, token: &Secret) -> RefreshDigest {
        self.core.digests.of(issuer, client_id, token)
    }

    fn family_of(&self, _pointer: Pointer) -> Answer<'_, Option<FamilyId>> {
        none()
    }

    fn read(&self, _family: FamilyId) -> Answer<'_, Reading> {
        none()
    }

    fn swap(&self, _change: Change) -> Answer<'_, Swapped> {
        none()
    }

    fn answer<'s>(&'s self, _family: FamilyId, _to: &'s Presented) -> Answer<'s, Option<Tokens>> {
        none()
    }

    fn held(&self, _family: FamilyId) -> Answer<'_, Option<Tokens>> {
        none()
    }

    fn point(&self, _pointed: Vec<Pointed>) -> Answer<'_, ()> {
        none()
    }

    fn admit(&self, _limits: Vec<(String, Limit)>, _now: UnixTime) -> Answer<'_, Result<(), TooOften>> {
        none()
    }
}
