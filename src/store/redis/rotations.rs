//! Token families: a hash each, wherever its slot is, and what leads to them. They go by themselves, by Redis' clock.

use futures_util::future::try_join_all;
use redis::{Pipeline, Value};

use super::{
    RedisStore,
    core::Core,
    keys::answer_field,
    reply::{bytes, good, maybe, number, these, unexpected},
    scripts::{FAMILY, Where, run_one},
};
use crate::{
    domain::{
        limit::{Limit, TooOften},
        rotation::{FamilyId, RefreshDigest},
        secret::Secret,
        time::UnixTime,
        tokens::Tokens,
    },
    store::{
        Answer, Change, Pointed, Pointer, Presented, Reading, Rotations, StoreError, Swapped, Version,
        codec::{Decoder, Encoder, Problem},
        rotations::{self, SealedChange},
    },
};

impl Rotations for RedisStore {
    fn digest(&self, issuer: &str, client_id: &str, token: &Secret) -> RefreshDigest {
        self.core.digests.of(issuer, client_id, token)
    }

    fn family_of(&self, pointer: Pointer) -> Answer<'_, Option<FamilyId>> {
        Box::pin(self.core.family_of(pointer))
    }

    fn read(&self, family: FamilyId) -> Answer<'_, Reading> {
        Box::pin(self.core.family(family))
    }

    fn swap(&self, change: Change) -> Answer<'_, Swapped> {
        let sealed = SealedChange::seal(&self.core.ring, change);
        Box::pin(async move { self.core.swap_family(sealed?).await })
    }

    fn answer<'s>(&'s self, family: FamilyId, to: &'s Presented) -> Answer<'s, Option<Tokens>> {
        Box::pin(async move {
            let kept = self.core.kept_answer(family, to).await?;
            Ok(kept.and_then(|kept| self.core.opener.answer(&self.core.ring, family, to, &kept)))
        })
    }

    fn held(&self, family: FamilyId) -> Answer<'_, Option<Tokens>> {
        Box::pin(async move {
            let held = self.core.held(family).await?;
            Ok(held.and_then(|held| self.core.opener.held(&self.core.ring, family, &held)))
        })
    }

    fn point(&self, pointed: Vec<Pointed>) -> Answer<'_, ()> {
        Box::pin(async move {
            try_join_all(pointed.into_iter().map(|pointed| self.core.point(pointed))).await.map(drop)
        })
    }

    fn admit(&self, limits: Vec<(String, Limit)>, _now: UnixTime) -> Answer<'_, Result<(), TooOften>> {
        Box::pin(async move { self.core.admit(&limits).await })
    }
}

impl Core {
    async fn family_of(&self, pointer: Pointer) -> Result<Option<FamilyId>, StoreError> {
        let name = self.keys.pointer(pointer);
        let mut pipeline = Pipeline::new();
        pipeline.cmd("GET").arg(&name);
        let [found] = self.asked(Where::At(&name), &pipeline).await?;
        let Some(record) = maybe(found).map(bytes).transpose()? else { return Ok(None) };
        let read = || {
            let mut decoder = Decoder::new(&pointer.key(), &record)?;
            let to = FamilyId(decoder.fixed()?);
            decoder.end(Some(to))
        };
        read().map_err(|problem| self.bad(rotations::POINTER, problem))
    }

    async fn point(&self, Pointed { from, to, until }: Pointed) -> Result<(), StoreError> {
        let (name, record) = (self.keys.pointer(from), Encoder::new().fixed(&to.0).end(&from.key()));
        let mut pipeline = Pipeline::new();
        // Redis takes no time before 1970 for one, and any other that has passed for what it says.
        pipeline.cmd("SET").arg(&name).arg(record).arg("PXAT").arg(until.as_millis().max(1));
        let [_done] = self.asked(Where::AtDurably(&name), &pipeline).await?;
        Ok(())
    }

    /// The time comes last: what has moved is told by the first answer.
    async fn family(&self, id: FamilyId) -> Result<Reading, StoreError> {
        let name = self.keys.family(id);
        let mut pipeline = Pipeline::new();
        pipeline.cmd("HMGET").arg(&name).arg("version").arg("record");
        pipeline.cmd("HEXISTS").arg(&name).arg("held");
        pipeline.cmd("TIME");
        let [row, held, now] = self.asked(Where::At(&name), &pipeline).await?;
        let [version, record] = these(row)?;
        let family = match (maybe(version), maybe(record)) {
            (None, None) => None,
            (Some(version), Some(record)) => {
                let version = bytes(version)?.try_into();
                let version = version.map_err(|_length| self.bad(rotations::WHAT, Problem::Damaged))?;
                let family = rotations::decode(&id, &bytes(record)?);
                Some((family.map_err(|problem| self.bad(rotations::WHAT, problem))?, Version(version)))
            }
            (Some(_), None) | (None, Some(_)) => return Err(self.bad(rotations::WHAT, Problem::Damaged)),
        };
        Ok(Reading { family, is_held: number(held)? != 0, now: Some(time(now)?) })
    }

    pub(super) async fn swap_family(&self, change: SealedChange) -> Result<Swapped, StoreError> {
        let SealedChange { id, from, version, record, kept_until, keep, forget, hold, durably } = change;
        let name = self.keys.family(id);
        let from = from.map_or(Vec::new(), |from| from.0.to_vec());
        let kept_until = kept_until.as_millis().to_string().into_bytes();
        let (field, answer) = keep.map_or_else(Default::default, |(to, answer)| (answer_field(&to), answer));
        let mut args =
            vec![from, version.0.to_vec(), record, kept_until, hold.unwrap_or_default(), field, answer];
        args.extend(forget.iter().map(answer_field));
        let to = if durably { Where::AtDurably(&name) } else { Where::At(&name) };
        match number(run_one(&self.link, to, FAMILY.call(vec![name.clone()], args)).await?)? {
            1 => Ok(Swapped::Done(version)),
            0 => Ok(Swapped::Changed),
            _neither => Err(unexpected()),
        }
    }

    /// One whose end has passed is there until somebody forgets it, and nobody's.
    async fn kept_answer(&self, id: FamilyId, to: &Presented) -> Result<Option<Vec<u8>>, StoreError> {
        let name = self.keys.family(id);
        let mut pipeline = Pipeline::new();
        pipeline.cmd("HGET").arg(&name).arg(answer_field(&to.digest));
        pipeline.cmd("TIME");
        let [kept, now] = self.asked(Where::At(&name), &pipeline).await?;
        let (kept, now) = (maybe(kept).map(bytes).transpose()?, time(now)?);
        Ok(kept.filter(|kept| rotations::end_of(kept).is_none_or(|end| now < end)))
    }

    async fn held(&self, id: FamilyId) -> Result<Option<Vec<u8>>, StoreError> {
        let name = self.keys.family(id);
        let mut pipeline = Pipeline::new();
        pipeline.cmd("HGET").arg(&name).arg("held");
        let [held] = self.asked(Where::At(&name), &pipeline).await?;
        maybe(held).map(bytes).transpose()
    }

    /// An answer to each of so many commands, none of which is an error.
    async fn asked<const N: usize>(
        &self,
        to: Where<'_>,
        commands: &Pipeline,
    ) -> Result<[Value; N], StoreError> {
        let answers = to.send(&self.link, commands).await?;
        let answers = answers.into_iter().map(|answer| good(self.prefix(), answer));
        let answers = answers.collect::<Result<Vec<_>, _>>()?;
        answers.try_into().map_err(|_length: Vec<Value>| unexpected())
    }

    fn bad(&self, what: &'static str, problem: Problem) -> StoreError {
        match problem {
            Problem::Version(found) => {
                StoreError::UnknownEntry { prefix: self.prefix().to_owned(), what, found }
            }
            Problem::Damaged => self.damaged(what),
        }
    }
}

/// `TIME`: seconds, and microseconds beyond them.
fn time(answer: Value) -> Result<UnixTime, StoreError> {
    let [seconds, micros] = these(answer)?;
    let millis = number(seconds)?.saturating_mul(1000).saturating_add(number(micros)? / 1000);
    Ok(UnixTime::from_millis(millis))
}
