//! What an export is made of.

use crate::{
    domain::revocation::Revocation,
    store::{key_sets::SealedKeySet, records::SessionRecord, sealed_delivery::SealedDelivery},
};

/// One record of any sort. What is sealed stays so.
#[derive(Clone, Debug)]
pub(in crate::store) enum Item {
    Revocation(Revocation),
    Session(SessionRecord),
    Delivery(SealedDelivery),
    KeySet(SealedKeySet),
}
