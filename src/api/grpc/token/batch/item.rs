//! One item of a batch's response as bytes: the field of `BatchValidateResponse` with all that is in it. The field numbers are
//! the proto's; the tests read them as the generated messages.

use bytes::{BufMut as _, BytesMut};
use prost::{
    Message as _,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint, message},
};

use crate::{
    api::grpc::{
        status::{self, CallError},
        times::timestamp,
    },
    proto::server::Rejection,
    service::validate::Knowledge,
};

/// `BatchValidateResponse.items`.
const ITEM: u32 = 1;
/// `BatchValidateItem.response`, `BatchValidateItem.fault`.
const RESPONSE: u32 = 1;
const FAULT: u32 = 2;
/// `ValidateResponse.token`, `.rejection`, `.revision`, `.revocations_as_of`.
const TOKEN: u32 = 1;
const REJECTION: u32 = 2;
const REVISION: u32 = 3;
const AS_OF: u32 = 4;

/// The fields of a `ValidateResponse` that say what was known. Most items of a batch have the same.
#[derive(Default)]
pub(super) struct Known {
    last: Option<Knowledge>,
    written: Vec<u8>,
}

impl Known {
    pub(super) fn written(&mut self, knowledge: &Knowledge) -> &[u8] {
        if self.last.as_ref() != Some(knowledge) {
            self.written.clear();
            // An empty revision is not written.
            if !knowledge.revision.is_empty() {
                encode_key(REVISION, WireType::LengthDelimited, &mut self.written);
                encode_varint(number(knowledge.revision.len()), &mut self.written);
                self.written.extend_from_slice(&knowledge.revision);
            }
            message::encode(AS_OF, &timestamp(knowledge.as_of), &mut self.written);
            self.last = Some(knowledge.clone());
        }
        &self.written
    }
}

/// `token` is the part of an encoded `TokenInfo` that is answered, `known` what [`Known`] has written.
pub(super) fn permitted(token: &[u8], known: &[u8], buffer: &mut BytesMut) {
    response(TOKEN, token.len(), known.len(), buffer);
    buffer.put_slice(token);
    buffer.put_slice(known);
}

pub(super) fn refused(rejection: &Rejection, known: &[u8], buffer: &mut BytesMut) {
    response(REJECTION, rejection.encoded_len(), known.len(), buffer);
    rejection.encode_raw(buffer);
    buffer.put_slice(known);
}

pub(super) fn fault(error: &CallError, buffer: &mut BytesMut) {
    let mut item = Vec::new();
    message::encode(FAULT, &status::as_item(error), &mut item);
    encode_key(ITEM, WireType::LengthDelimited, buffer);
    encode_varint(number(item.len()), buffer);
    buffer.put_slice(&item);
}

/// Begins an item that is a response, of an outcome of this length that comes next, and of what comes behind it.
fn response(outcome: u32, length: usize, behind: usize, buffer: &mut BytesMut) {
    let outcome_length = number(length);
    let response = number(1 + encoded_len_varint(outcome_length) + length + behind);
    let item = number(1 + encoded_len_varint(response)).saturating_add(response);
    buffer.reserve(1 + encoded_len_varint(item) + usize::try_from(item).unwrap_or(0));
    encode_key(ITEM, WireType::LengthDelimited, buffer);
    encode_varint(item, buffer);
    encode_key(RESPONSE, WireType::LengthDelimited, buffer);
    encode_varint(response, buffer);
    encode_key(outcome, WireType::LengthDelimited, buffer);
    encode_varint(outcome_length, buffer);
}

/// A length fits, whatever a usize is.
fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
