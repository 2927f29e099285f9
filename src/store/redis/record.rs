//! Orders as calls of the script that records them.

use super::{
    super::{error::StoreError, records::Revision, sealed_delivery::SealedDelivery},
    copy,
    core::Task,
    keys::{Home, Keys},
    reply::{count, text, these, unexpected},
    scripts::RECORD,
};
use crate::domain::revocation::{Revocation, TargetKind};

/// The most revocations of one call, so that nobody waits long behind one.
const MOST: usize = 500;

/// One call, or as many as a big order needs: all of them in one pipeline, the deliveries with the last. Should only some of them
/// be done, its caller hears of an error and asks again, and what was done is merged with itself.
pub(super) fn tasks(keys: &Keys, revocations: &[Revocation], deliveries: &[SealedDelivery]) -> Vec<Task> {
    // Exceptions first: a replica may hear of one part before the next.
    let mut revocations = revocations.to_vec();
    revocations.sort_by_key(|it| it.target.kind() != TargetKind::Exception);
    let mut parts: Vec<_> = revocations.chunks(MOST).map(copy::joined).collect();
    let last = parts.pop().unwrap_or_default();
    let mut tasks: Vec<_> = parts.into_iter().map(|part| task(keys, vec![part])).collect();
    let deliveries = deliveries.iter().flat_map(|delivery| [delivery.id.to_vec(), delivery.encode()]);
    tasks.push(task(keys, [last].into_iter().chain(deliveries).collect()));
    tasks
}

fn task(keys: &Keys, args: Vec<Vec<u8>>) -> Task {
    let keys = keys.homes([Home::Feed, Home::Outbox]);
    Task { script: &RECORD, keys, args }
}

pub(super) fn revision(answer: redis::Value) -> Result<Revision, StoreError> {
    let [epoch, sequence] = these(answer)?;
    Ok(Revision { epoch: epoch_of(&text(epoch)?)?, sequence: count(sequence)? })
}

/// Sixteen hexadecimal digits.
pub(super) fn epoch_of(digits: &str) -> Result<u64, StoreError> {
    u64::from_str_radix(digits, 16).map_err(|_invalid| unexpected())
}
