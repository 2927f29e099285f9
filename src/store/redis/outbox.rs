//! Deliveries: a hash of sealed records in the home slot.

use super::{
    super::{codec::Problem, error::StoreError, records::Delivery, sealed_delivery::SealedDelivery},
    copy::found,
    core::Core,
    keys::Home,
    scan,
};
use crate::domain::time::UnixTime;

impl Core {
    /// All of them, opened.
    pub(super) async fn deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        let sealed = self.sealed_deliveries().await?;
        Ok(sealed.into_iter().filter_map(|(delivery, _record)| delivery.open_or_say(&self.ring)).collect())
    }

    /// Replaces attempts and times of one that is still kept; its content stays as it was sealed.
    pub(super) async fn postpone(&self, to: &Delivery) -> Result<(), StoreError> {
        loop {
            let mut command = redis::cmd("HGET");
            command.arg(self.keys.home(Home::Outbox)).arg(&to.id[..]);
            let Some(record) = found(self.ask(command).await?)? else { return Ok(()) };
            let known = self.delivery(to.id, &record)?;
            let (attempts, due_at, not_after) = (to.attempts, to.due_at, to.not_after);
            let postponed = SealedDelivery { attempts, due_at, not_after, ..known }.encode();
            // Another replica's change came in between, and it has got further: so this ends.
            if self.swap(Home::Outbox, &to.id, &record, &postponed).await? {
                return Ok(());
            }
        }
    }

    pub(super) async fn settle(&self, id: [u8; 16]) -> Result<(), StoreError> {
        let mut command = redis::cmd("HDEL");
        command.arg(self.keys.home(Home::Outbox)).arg(&id[..]);
        self.ask(command).await.map(drop)
    }

    /// Forgets those that nobody has to be told of any more.
    pub(super) async fn sweep_deliveries(&self, now: UnixTime) -> Result<(), StoreError> {
        for (delivery, record) in self.sealed_deliveries().await? {
            if delivery.not_after <= now {
                // One that was changed meanwhile is left to the next sweep.
                self.swap(Home::Outbox, &delivery.id, &record, b"").await?;
            }
        }
        Ok(())
    }

    /// Each once, with its record.
    pub(super) async fn sealed_deliveries(&self) -> Result<Vec<(SealedDelivery, Vec<u8>)>, StoreError> {
        let mut fields = scan::all(self, Home::Outbox).await?;
        fields.sort_unstable();
        fields.dedup_by(|one, other| one.0 == other.0);
        let read = |(id, record): scan::Field| {
            let id = id.try_into().map_err(|_length| self.damaged("a delivery"))?;
            Ok((self.delivery(id, &record)?, record))
        };
        fields.into_iter().map(read).collect()
    }

    fn delivery(&self, id: [u8; 16], record: &[u8]) -> Result<SealedDelivery, StoreError> {
        SealedDelivery::decode(id, record).map_err(|problem| match problem {
            Problem::Version(found) => {
                StoreError::UnknownEntry { prefix: self.prefix().to_owned(), what: "a delivery", found }
            }
            Problem::Damaged => self.damaged("a delivery"),
        })
    }
}
