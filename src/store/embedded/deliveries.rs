//! The table of deliveries.

use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::{failure::Failure, schema::DELIVERIES};
use crate::store::{records::Delivery, sealed_delivery::SealedDelivery};

pub(super) fn decode(id: [u8; 16], record: &[u8]) -> Result<SealedDelivery, Failure> {
    SealedDelivery::decode(id, record).map_err(|problem| Failure::Record { what: "a delivery", problem })
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
    let known = table.get(&to.id)?.map(|record| decode(to.id, record.value())).transpose()?;
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
        all.push(decode(*id.value(), record.value())?);
    }
    Ok(all)
}
