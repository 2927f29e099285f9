//! Deliveries as they are kept: what is to be told is sealed, bound to its id and to whom it is for.

use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::{
    codec::{Decoder, Encoder, Problem},
    failure::Failure,
    records::{text, time},
    schema::DELIVERIES,
};
use crate::{
    domain::{secret::Secret, time::UnixTime},
    store::{
        key_ring::KeyRing,
        records::Delivery,
        seal::{self, SealError},
    },
};

/// A delivery whose content is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct SealedDelivery {
    pub(in crate::store) id: [u8; 16],
    pub(in crate::store) issuer: String,
    pub(in crate::store) content: Vec<u8>,
    pub(in crate::store) attempts: u32,
    pub(in crate::store) due_at: UnixTime,
    pub(in crate::store) not_after: UnixTime,
}

impl SealedDelivery {
    pub(super) fn seal(ring: &KeyRing, delivery: &Delivery) -> Result<Self, SealError> {
        Ok(Self {
            id: delivery.id,
            issuer: delivery.issuer.clone(),
            content: seal::seal_secret(ring, &belongs(&delivery.id, &delivery.issuer), &delivery.content)?,
            attempts: delivery.attempts,
            due_at: delivery.due_at,
            not_after: delivery.not_after,
        })
    }

    /// Opens it, if it is what was sealed for this id and issuer.
    pub(super) fn open(self, ring: &KeyRing) -> Result<Delivery, SealError> {
        let content = seal::open(ring, &belongs(&self.id, &self.issuer), &self.content)?;
        Ok(Delivery {
            id: self.id,
            issuer: self.issuer,
            content: Secret::new(content),
            attempts: self.attempts,
            due_at: self.due_at,
            not_after: self.not_after,
        })
    }

    fn encode(&self) -> Vec<u8> {
        Encoder::new()
            .bytes(self.issuer.as_bytes())
            .bytes(&self.content)
            .number(i64::from(self.attempts))
            .number(self.due_at.as_millis())
            .number(self.not_after.as_millis())
            .end(&self.id)
    }

    pub(super) fn decode(id: [u8; 16], record: &[u8]) -> Result<Self, Failure> {
        Self::read(id, record).map_err(|problem| Failure::Record { what: "a delivery", problem })
    }

    fn read(id: [u8; 16], record: &[u8]) -> Result<Self, Problem> {
        let mut decoder = Decoder::new(&id, record)?;
        let (issuer, content) = (text(&mut decoder)?, decoder.bytes()?.to_vec());
        let attempts = u32::try_from(decoder.number()?).map_err(|_range| Problem::Damaged)?;
        let (due_at, not_after) = (time(&mut decoder)?, time(&mut decoder)?);
        decoder.end(Self { id, issuer, content, attempts, due_at, not_after })
    }
}

fn belongs<'a>(id: &'a [u8; 16], issuer: &'a str) -> [&'a [u8]; 3] {
    [b"delivery", id, issuer.as_bytes()]
}

/// Keeps those that are not kept yet: an order that comes a second time does not forget how often they were tried.
pub(super) fn add(transaction: &WriteTransaction, deliveries: &[SealedDelivery]) -> Result<(), Failure> {
    let mut table = transaction.open_table(DELIVERIES)?;
    for delivery in deliveries {
        if table.get(&delivery.id)?.is_none() {
            table.insert(&delivery.id, delivery.encode().as_slice())?;
        }
    }
    Ok(())
}

/// Replaces attempts and times of one that is still kept; its content stays as it was sealed.
pub(super) fn postpone(transaction: &WriteTransaction, to: &Delivery) -> Result<(), Failure> {
    let mut table = transaction.open_table(DELIVERIES)?;
    let known = table.get(&to.id)?.map(|record| SealedDelivery::decode(to.id, record.value())).transpose()?;
    if let Some(known) = known {
        let (attempts, due_at, not_after) = (to.attempts, to.due_at, to.not_after);
        let postponed = SealedDelivery { attempts, due_at, not_after, ..known };
        table.insert(&to.id, postponed.encode().as_slice())?;
    }
    Ok(())
}

pub(super) fn settle(transaction: &WriteTransaction, id: &[u8; 16]) -> Result<(), Failure> {
    transaction.open_table(DELIVERIES)?.remove(id)?;
    Ok(())
}

/// All of them.
pub(super) fn all(transaction: &ReadTransaction) -> Result<Vec<SealedDelivery>, Failure> {
    let table = transaction.open_table(DELIVERIES)?;
    let mut all = Vec::new();
    for entry in table.iter()? {
        let (id, record) = entry?;
        all.push(SealedDelivery::decode(*id.value(), record.value())?);
    }
    Ok(all)
}
