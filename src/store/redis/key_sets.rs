//! Sealed key sets: a hash of their own. They are kept as well as Redis keeps what it has answered; one that is lost is fetched
//! from its issuer.

use redis::{Cmd, Pipeline, Value};

use super::{
    super::{
        codec::{Decoder, Encoder, Problem},
        error::StoreError,
        key_sets::{SealedKeySet, Shelf},
    },
    RedisStore,
    copy::found,
    core::Core,
    keys::origin_field,
    reply::{good, only},
};
use crate::store::{Answer, KeySetOrigin};

const WHAT: &str = "a key set";

impl Shelf for RedisStore {
    fn put(&self, set: SealedKeySet) -> Answer<'_, ()> {
        let field = origin_field(KeySetOrigin { issuer: &set.issuer, uri: &set.uri });
        let record = encode(&field, &set);
        Box::pin(async move {
            let mut command = redis::cmd("HSET");
            command.arg(self.core.keys.key_sets()).arg(field).arg(record);
            ask(&self.core, command).await.map(drop)
        })
    }

    fn get<'s>(&'s self, origin: KeySetOrigin<'s>) -> Answer<'s, Option<SealedKeySet>> {
        Box::pin(async move {
            let field = origin_field(origin);
            let mut command = redis::cmd("HGET");
            command.arg(self.core.keys.key_sets()).arg(&field);
            let Some(record) = found(ask(&self.core, command).await?)? else { return Ok(None) };
            read(&self.core, &field, &record).map(Some)
        })
    }
}

pub(super) fn read(core: &Core, field: &[u8], record: &[u8]) -> Result<SealedKeySet, StoreError> {
    decode(field, record).map_err(|problem| match problem {
        Problem::Version(found) => {
            StoreError::UnknownEntry { prefix: core.prefix().to_owned(), what: WHAT, found }
        }
        Problem::Damaged => core.damaged(WHAT),
    })
}

async fn ask(core: &Core, command: Cmd) -> Result<Value, StoreError> {
    let mut pipeline = Pipeline::new();
    pipeline.add_command(command);
    good(core.prefix(), only(core.link.at(&core.keys.key_sets(), &pipeline).await?)?)
}

fn encode(field: &[u8], set: &SealedKeySet) -> Vec<u8> {
    let record = Encoder::new().bytes(set.issuer.as_bytes()).bytes(set.uri.as_bytes());
    record.number(set.fetched_at).bytes(&set.sealed).end(field)
}

fn decode(field: &[u8], record: &[u8]) -> Result<SealedKeySet, Problem> {
    let mut decoder = Decoder::new(field, record)?;
    let (issuer, uri) = (decoder.text()?, decoder.text()?);
    let (fetched_at, sealed) = (decoder.number()?, decoder.bytes()?.to_vec());
    decoder.end(SealedKeySet { issuer, uri, fetched_at, sealed })
}
