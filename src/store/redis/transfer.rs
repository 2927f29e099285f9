//! What exports and imports need of Redis beside what replicas do.

use futures_util::future::try_join_all;
use redis::Pipeline;

use super::{
    super::{
        error::StoreError, key_sets::SealedKeySet, sealed_delivery::SealedDelivery, transfer::shared::Shared,
    },
    RedisStore, key_sets,
    keys::{Home, read_hex},
    reply::{bytes, good, only, pairs},
};
use crate::store::{Answer, SessionRecord};

impl Shared for RedisStore {
    fn session_keys(&self) -> Answer<'_, Vec<[u8; 16]>> {
        Box::pin(async {
            let names = self.core.link.scan(&self.core.keys.every_session()).await?;
            let key = |name: &Vec<u8>| self.core.keys.session_in(name).and_then(read_hex);
            let wrong = || self.core.damaged("the name of a session's record");
            names.iter().map(|name| key(name).ok_or_else(wrong)).collect()
        })
    }

    fn sessions<'s>(&'s self, keys: &'s [[u8; 16]]) -> Answer<'s, Vec<SessionRecord>> {
        Box::pin(async move {
            let found = try_join_all(keys.iter().map(|key| self.core.session(key))).await?;
            Ok(found.into_iter().flatten().collect())
        })
    }

    fn sealed_deliveries(&self) -> Answer<'_, Vec<SealedDelivery>> {
        Box::pin(async {
            let kept = self.core.sealed_deliveries().await?;
            Ok(kept.into_iter().map(|(delivery, _record)| delivery).collect())
        })
    }

    fn add_deliveries(&self, deliveries: Vec<SealedDelivery>) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut pipeline = Pipeline::new();
            for delivery in &deliveries {
                let outbox = self.core.keys.home(Home::Outbox);
                pipeline.cmd("HSETNX").arg(outbox).arg(&delivery.id[..]).arg(delivery.encode());
            }
            if deliveries.is_empty() {
                return Ok(());
            }
            let answers = self.core.link.home_durably(&pipeline).await?;
            answers.into_iter().try_for_each(|answer| good(self.core.prefix(), answer).map(drop))
        })
    }

    fn key_sets(&self) -> Answer<'_, Vec<SealedKeySet>> {
        Box::pin(async {
            let name = self.core.keys.key_sets();
            let mut pipeline = Pipeline::new();
            pipeline.cmd("HGETALL").arg(&name);
            let answer = only(self.core.link.at(&name, &pipeline).await?)?;
            let read = |(field, record)| key_sets::read(&self.core, &bytes(field)?, &bytes(record)?);
            pairs(good(self.core.prefix(), answer)?)?
                .into_iter()
                .map(read)
                .collect::<Result<Vec<_>, StoreError>>()
        })
    }
}
