//! `BatchValidateItem`s as bytes. The field numbers are the proto's; the tests read them as the generated messages.

use bytes::{BufMut, Bytes, BytesMut};
use prost::{
    Message as _,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint, message},
};

use super::answer;
use crate::api::grpc::times::timestamp;
use crate::{
    api::grpc::status::{self, CallError},
    proto::server::{Rejection, validate_response::Outcome},
    service::validate::{Knowledge, Verdict},
};

/// `BatchValidateItem.response`, `BatchValidateItem.fault`.
const RESPONSE: u32 = 1;
const FAULT: u32 = 2;
/// `ValidateResponse.token`, `.rejection`, `.revision`, `.revocations_as_of`.
const TOKEN: u32 = 1;
const REJECTION: u32 = 2;
const REVISION: u32 = 3;
const AS_OF: u32 = 4;

/// Room for an item without claims, so that the buffer rarely grows.
const USUAL: usize = 512;

/// How many of a batch were answered so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::api::grpc::token) struct Counts {
    pub(in crate::api::grpc::token) permitted: usize,
    pub(in crate::api::grpc::token) refused: usize,
}

/// The items of one answer, in one buffer as far as they come in order.
pub(super) struct Items {
    all: Vec<Bytes>,
    buffer: BytesMut,
    counts: Counts,
    /// The last knowledge and how it is written: most items of a batch have the same.
    known: Option<(Knowledge, Vec<u8>)>,
}

impl Items {
    pub(super) fn with_capacity(items: usize) -> Self {
        Self {
            all: Vec::with_capacity(items),
            buffer: BytesMut::with_capacity(items * USUAL),
            counts: Counts::default(),
            known: None,
        }
    }

    pub(super) fn push(&mut self, outcome: Result<Verdict<Outcome>, CallError>) {
        let item = self.write(outcome);
        self.all.push(item);
    }

    /// Keeps a place to be filled. Returns which.
    pub(super) fn push_place(&mut self) -> usize {
        self.all.push(Bytes::new());
        self.all.len() - 1
    }

    pub(super) fn fill(&mut self, at: usize, outcome: Result<Verdict<Outcome>, CallError>) {
        let item = self.write(outcome);
        if let Some(place) = self.all.get_mut(at) {
            *place = item;
        }
    }

    pub(super) fn done(self) -> (Vec<Bytes>, Counts) {
        (self.all, self.counts)
    }

    /// A fault has no room for a reason and a recovery, so a refusal in a batch is always a rejection.
    fn write(&mut self, outcome: Result<Verdict<Outcome>, CallError>) -> Bytes {
        let Verdict { outcome, knowledge } = match outcome {
            Ok(verdict) => verdict,
            Err(error) => return of_fault(&error),
        };
        let tail = match &mut self.known {
            Some((known, tail)) if *known == knowledge => tail,
            known => {
                let tail = written(&knowledge);
                &mut known.insert((knowledge, tail)).1
            }
        };
        let buffer = &mut self.buffer;
        match outcome {
            Ok(Outcome::Token(token)) => {
                self.counts.permitted += 1;
                response(TOKEN, token.len(), tail.len(), buffer);
                buffer.put_slice(&token);
            }
            Ok(Outcome::Rejection(rejection)) => {
                self.counts.refused += 1;
                refused(&rejection, tail.len(), buffer);
            }
            Err(refusal) => {
                self.counts.refused += 1;
                refused(&answer::of_refusal(&refusal), tail.len(), buffer);
            }
        }
        buffer.put_slice(tail);
        buffer.split().freeze()
    }
}

pub(super) fn of_fault(error: &CallError) -> Bytes {
    let mut item = BytesMut::new();
    message::encode(FAULT, &status::as_item(error), &mut item);
    item.freeze()
}

fn refused(rejection: &Rejection, tail: usize, buffer: &mut BytesMut) {
    response(REJECTION, rejection.encoded_len(), tail, buffer);
    rejection.encode_raw(buffer);
}

/// Begins an item that is a response, of an outcome of this length that comes next, and of what comes behind it.
fn response(outcome: u32, length: usize, tail: usize, buffer: &mut BytesMut) {
    let outcome_length = number(length);
    let response = number(1 + encoded_len_varint(outcome_length) + length + tail);
    buffer.reserve(1 + encoded_len_varint(response) + usize::try_from(response).unwrap_or(0));
    encode_key(RESPONSE, WireType::LengthDelimited, buffer);
    encode_varint(response, buffer);
    encode_key(outcome, WireType::LengthDelimited, buffer);
    encode_varint(outcome_length, buffer);
}

/// The fields that say what was known; an empty revision is not written.
fn written(knowledge: &Knowledge) -> Vec<u8> {
    let mut written = Vec::with_capacity(64);
    if !knowledge.revision.is_empty() {
        encode_key(REVISION, WireType::LengthDelimited, &mut written);
        encode_varint(number(knowledge.revision.len()), &mut written);
        written.extend_from_slice(&knowledge.revision);
    }
    message::encode(AS_OF, &timestamp(knowledge.as_of), &mut written);
    written
}

/// A length fits, whatever a usize is.
fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::{
        domain::{
            reason::{Reason, Refusal},
            time::UnixTime,
        },
        proto::client::{BatchValidateItem, batch_validate_item::Result as Item, validate_response},
    };

    fn knowledge(revision: &'static str, millis: i64) -> Knowledge {
        Knowledge { revision: Bytes::from_static(revision.as_bytes()), as_of: UnixTime::from_millis(millis) }
    }

    fn read(item: &Bytes) -> Item {
        BatchValidateItem::decode(item.clone()).unwrap().result.unwrap()
    }

    #[test]
    fn items_are_what_the_generated_messages_would_be() {
        let mut items = Items::with_capacity(1);
        let place = items.push_place();
        let refusal = Refusal::new(Reason::Expired, "over");
        // Fields 1 and 2 of TokenInfo.
        let token = Bytes::from_static(b"\x0a\x01i\x12\x01s");
        for (outcome, knowledge) in [
            (Ok(Outcome::Token(token.clone())), knowledge("a-1", 1_500)),
            (Err(refusal), knowledge("a-1", 1_500)),
            (Ok(Outcome::Token(token.clone())), knowledge("", 0)),
            (Ok(Outcome::Token(Bytes::new())), knowledge("a-2", 2_000)),
        ] {
            items.push(Ok(Verdict { outcome, knowledge }));
        }
        items.fill(place, Err(CallError::field("token", "wrong")));
        let (items, counts) = items.done();
        assert_eq!(counts, Counts { permitted: 3, refused: 1 });
        let Item::Fault(fault) = read(&items[0]) else { panic!("a fault") };
        assert_eq!(fault.code, 3);
        let responses: Vec<_> = items[1..]
            .iter()
            .map(|item| match read(item) {
                Item::Response(response) => response,
                Item::Fault(_) => panic!("a response"),
            })
            .collect();
        let revisions: Vec<_> = responses.iter().map(|response| response.revision.as_str()).collect();
        assert_eq!(revisions, ["a-1", "a-1", "", "a-2"]);
        let times: Vec<_> = responses
            .iter()
            .map(|response| response.revocations_as_of.unwrap())
            .map(|time| (time.seconds, time.nanos))
            .collect();
        assert_eq!(times, [(1, 500_000_000), (1, 500_000_000), (0, 0), (2, 0)]);
        let Some(validate_response::Outcome::Token(info)) = &responses[0].outcome else { panic!("a token") };
        assert_eq!((info.issuer.as_str(), info.subject.as_str()), ("i", "s"));
        let Some(validate_response::Outcome::Rejection(rejection)) = &responses[1].outcome else {
            panic!("a rejection")
        };
        assert_eq!(rejection.message, "over");
        assert!(
            matches!(responses[3].outcome, Some(validate_response::Outcome::Token(_))),
            "an empty one is one"
        );
    }
}
