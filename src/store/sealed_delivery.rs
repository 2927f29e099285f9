//! Deliveries as they are kept: what is to be told is sealed, bound to its id and to whom it is for.

use super::{
    codec::{Decoder, Encoder, Problem},
    key_ring::KeyRing,
    records::Delivery,
    seal::{self, SealError},
};
use crate::domain::{secret::Secret, time::UnixTime};

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
    pub(in crate::store) fn seal(ring: &KeyRing, delivery: &Delivery) -> Result<Self, SealError> {
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
    fn open(self, ring: &KeyRing) -> Result<Delivery, SealError> {
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

    /// The same; one that does not open is of no use to anybody, and all others must not suffer from it.
    pub(in crate::store) fn open_or_say(self, ring: &KeyRing) -> Option<Delivery> {
        let issuer = self.issuer.clone();
        match self.open(ring) {
            Ok(delivery) => Some(delivery),
            Err(error) => {
                tracing::error!(
                    issuer.uri = %issuer,
                    error.message = %error,
                    "a stored delivery cannot be opened: the identity provider is not told of this revocation"
                );
                None
            }
        }
    }

    pub(in crate::store) fn encode(&self) -> Vec<u8> {
        Encoder::new()
            .bytes(self.issuer.as_bytes())
            .bytes(&self.content)
            .number(i64::from(self.attempts))
            .number(self.due_at.as_millis())
            .number(self.not_after.as_millis())
            .end(&self.id)
    }

    pub(in crate::store) fn decode(id: [u8; 16], record: &[u8]) -> Result<Self, Problem> {
        let mut decoder = Decoder::new(&id, record)?;
        let (issuer, content) = (decoder.text()?, decoder.bytes()?.to_vec());
        let attempts = u32::try_from(decoder.number()?).map_err(|_range| Problem::Damaged)?;
        let (due_at, not_after) = (decoder.time()?, decoder.time()?);
        decoder.end(Self { id, issuer, content, attempts, due_at, not_after })
    }
}

fn belongs<'a>(id: &'a [u8; 16], issuer: &'a str) -> [&'a [u8]; 3] {
    [b"delivery", id, issuer.as_bytes()]
}
