//! A message that its sender writes by itself.

use std::fmt;

use bytes::{Buf, BufMut, Bytes};
use prost::{
    DecodeError, Message,
    encoding::{DecodeContext, WireType, skip_field},
};

/// A `BatchValidateResponse`, written before it gets here: its items are those of the proto, one after another.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WrittenBatch(Bytes);

impl WrittenBatch {
    /// `fields` are the message's, as they are on the wire.
    pub fn new(fields: Bytes) -> Self {
        Self(fields)
    }
}

/// Only ever sent.
impl Message for WrittenBatch {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.0);
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        skip_field(wire_type, tag, buf, context)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// It holds claims.
impl fmt::Debug for WrittenBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrittenBatch({} bytes)", self.0.len())
    }
}
