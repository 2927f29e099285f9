//! The items of a batch's response, in the order of its requests.

use bytes::{Bytes, BytesMut};

use super::{
    Counts,
    item::{self, Known},
};
use crate::{
    api::grpc::{status::CallError, token::answer},
    proto::{
        WrittenBatch,
        server::{Rejection, validate_response::Outcome},
    },
    service::validate::{Knowledge, Verdict},
};

/// How much of a batch's answer goes into one message of 4 MiB; the rest is room for the faults of what does not.
const BATCH_BYTES: usize = 3_750_000;

/// Room for an item, without and with its verbatim claims, so that the buffer rarely grows.
const USUAL: usize = 512;
const USUAL_WITH_CLAIMS: usize = 1280;

/// One buffer, as far as they come in order.
pub(super) struct Items {
    in_order: BytesMut,
    places: Vec<Place>,
    /// Of those that came later.
    later_bytes: usize,
    pen: Pen,
}

/// Writes and counts.
#[derive(Default)]
struct Pen {
    counts: Counts,
    known: Known,
}

impl Pen {
    fn permit(&mut self, token: &[u8], knowledge: &Knowledge, buffer: &mut BytesMut) {
        self.counts.permitted += 1;
        item::permitted(token, self.known.written(knowledge), buffer);
    }

    fn refuse(&mut self, rejection: &Rejection, knowledge: &Knowledge, buffer: &mut BytesMut) {
        self.counts.refused += 1;
        item::refused(rejection, self.known.written(knowledge), buffer);
    }
}

/// Where an item is.
enum Place {
    /// In the buffer, up to there.
    InOrder(usize),
    /// Here, since it came later.
    Later(Bytes),
}

impl Items {
    pub(super) fn with_capacity(items: usize, claims: bool) -> Self {
        let usual = if claims { USUAL_WITH_CLAIMS } else { USUAL };
        Self {
            in_order: BytesMut::with_capacity(items * usual),
            places: Vec::with_capacity(items),
            later_bytes: 0,
            pen: Pen::default(),
        }
    }

    /// `token` is the part of an encoded `TokenInfo` that is answered.
    pub(super) fn permit(&mut self, token: &[u8], knowledge: &Knowledge) {
        if self.is_full() {
            return self.fault(&CallError::ResponseTooLarge);
        }
        self.pen.permit(token, knowledge, &mut self.in_order);
        self.came_in_order();
    }

    pub(super) fn refuse(&mut self, rejection: &Rejection, knowledge: &Knowledge) {
        if self.is_full() {
            return self.fault(&CallError::ResponseTooLarge);
        }
        self.pen.refuse(rejection, knowledge, &mut self.in_order);
        self.came_in_order();
    }

    /// A fault has no room for a reason and a recovery, so a refusal in a batch is always a rejection.
    pub(super) fn fault(&mut self, error: &CallError) {
        item::fault(error, &mut self.in_order);
        self.came_in_order();
    }

    /// What comes now would not be sent, so that it is not kept either.
    fn is_full(&self) -> bool {
        self.in_order.len() + self.later_bytes > BATCH_BYTES
    }

    fn came_in_order(&mut self) {
        self.places.push(Place::InOrder(self.in_order.len()));
    }

    /// Keeps a place to be filled. Returns which.
    pub(super) fn place(&mut self) -> usize {
        self.places.push(Place::Later(Bytes::new()));
        self.places.len() - 1
    }

    /// Fills one.
    pub(super) fn fill(&mut self, at: usize, outcome: Result<Verdict<Outcome>, CallError>) {
        let mut buffer = BytesMut::new();
        match outcome {
            Ok(_) if self.is_full() => item::fault(&CallError::ResponseTooLarge, &mut buffer),
            Ok(Verdict { outcome, knowledge }) => match outcome {
                Ok(Outcome::Token(token)) => self.pen.permit(&token, &knowledge, &mut buffer),
                Ok(Outcome::Rejection(rejection)) => self.pen.refuse(&rejection, &knowledge, &mut buffer),
                Err(refusal) => self.pen.refuse(&answer::of_refusal(&refusal), &knowledge, &mut buffer),
            },
            Err(error) => item::fault(&error, &mut buffer),
        }
        self.later_bytes += buffer.len();
        if let Some(place) = self.places.get_mut(at) {
            *place = Place::Later(buffer.freeze());
        }
    }

    /// All of them.
    pub(super) fn done(self) -> (WrittenBatch, Counts) {
        let Self { in_order, places, pen, .. } = self;
        let in_order = in_order.freeze();
        let is_whole = places.iter().all(|place| matches!(place, Place::InOrder(_)));
        let written = if is_whole && in_order.len() <= BATCH_BYTES {
            in_order
        } else {
            put_together(&in_order, places)
        };
        (WrittenBatch::new(written), pen.counts)
    }
}

/// A response above the limit would fail whole. Whoever comes after it is full is told to ask again.
fn put_together(in_order: &Bytes, places: Vec<Place>) -> Bytes {
    let mut all = BytesMut::with_capacity(in_order.len());
    let (mut start, mut bytes) = (0, 0_usize);
    for place in places {
        let item = match place {
            Place::InOrder(end) => {
                let item = in_order.slice(start..end);
                start = end;
                item
            }
            Place::Later(item) => item,
        };
        bytes += item.len();
        if bytes > BATCH_BYTES {
            item::fault(&CallError::ResponseTooLarge, &mut all);
        } else {
            all.extend_from_slice(&item);
        }
    }
    all.freeze()
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
        proto::client::{
            BatchValidateResponse, ValidateResponse, batch_validate_item::Result as Item, validate_response,
        },
    };

    fn knowledge(revision: &'static str, millis: i64) -> Knowledge {
        Knowledge { revision: Bytes::from_static(revision.as_bytes()), as_of: UnixTime::from_millis(millis) }
    }

    fn verdict(token: Bytes, knowledge: Knowledge) -> Verdict<Outcome> {
        Verdict { outcome: Ok(Outcome::Token(token)), knowledge }
    }

    fn read(items: Items) -> (Vec<Item>, Counts) {
        let (written, counts) = items.done();
        let batch = BatchValidateResponse::decode(written.encode_to_vec().as_slice()).unwrap();
        (batch.items.into_iter().map(|item| item.result.unwrap()).collect(), counts)
    }

    fn response(item: &Item) -> &ValidateResponse {
        match item {
            Item::Response(response) => response,
            Item::Fault(fault) => panic!("a response, not {fault:?}"),
        }
    }

    // Fields 1 and 2 of TokenInfo.
    const TOKEN: &[u8] = b"\x0a\x01i\x12\x01s";

    #[test]
    fn items_are_what_the_generated_messages_would_be() {
        let mut items = Items::with_capacity(1, false);
        let (first, second) = (items.place(), items.place());
        let refusal = answer::of_refusal(&Refusal::new(Reason::Expired, "over"));
        items.permit(TOKEN, &knowledge("a-1", 1_500));
        items.refuse(&refusal, &knowledge("a-1", 1_500));
        items.permit(TOKEN, &knowledge("", 0));
        items.permit(&[], &knowledge("a-2", 2_000));
        items.fault(&CallError::field("kind", "wrong"));
        items.fill(first, Err(CallError::field("token", "wrong")));
        items.fill(second, Ok(verdict(Bytes::from_static(TOKEN), knowledge("a-3", 2_500))));
        let (items, counts) = read(items);
        assert_eq!(counts, Counts { permitted: 4, refused: 1 });
        for (at, message) in [(0, "token: wrong"), (6, "kind: wrong")] {
            let Item::Fault(fault) = &items[at] else { panic!("a fault") };
            assert_eq!((fault.code, fault.message.as_str()), (3, message));
        }
        let responses: Vec<_> = items[1..6].iter().map(response).collect();
        let revisions: Vec<_> = responses.iter().map(|response| response.revision.as_str()).collect();
        assert_eq!(revisions, ["a-3", "a-1", "a-1", "", "a-2"]);
        let times: Vec<_> = responses
            .iter()
            .map(|response| response.revocations_as_of.unwrap())
            .map(|time| (time.seconds, time.nanos))
            .collect();
        assert_eq!(times, [(2, 500_000_000), (1, 500_000_000), (1, 500_000_000), (0, 0), (2, 0)]);
        for at in [0, 1] {
            let Some(validate_response::Outcome::Token(info)) = &responses[at].outcome else {
                panic!("a token")
            };
            assert_eq!((info.issuer.as_str(), info.subject.as_str()), ("i", "s"));
        }
        let Some(validate_response::Outcome::Rejection(rejection)) = &responses[2].outcome else {
            panic!("a rejection")
        };
        assert_eq!(rejection.message, "over");
        assert!(
            matches!(responses[4].outcome, Some(validate_response::Outcome::Token(_))),
            "an empty one is one"
        );
    }

    /// `TokenInfo` field 1 of so many bytes.
    fn token_of(bytes: usize) -> Vec<u8> {
        let mut token = vec![0x0a];
        prost::encode_length_delimiter(bytes, &mut token).unwrap();
        token.resize(token.len() + bytes, b'a');
        token
    }

    #[test]
    fn what_does_not_fit_is_to_be_asked_for_again_and_keeps_its_place() {
        for waits in [false, true] {
            let mut items = Items::with_capacity(5, true);
            let (large, known) = (token_of(1_800_000), knowledge("a-1", 0));
            items.permit(&large, &known);
            let late = waits.then(|| items.place());
            items.permit(&large, &known);
            items.permit(&large, &known);
            items.permit(TOKEN, &known);
            if let Some(late) = late {
                items.fill(late, Ok(verdict(token_of(10).into(), known)));
            }
            let (items, _) = read(items);
            let is_fault: Vec<_> = items.iter().map(|item| matches!(item, Item::Fault(_))).collect();
            let expected: &[bool] =
                if waits { &[false, true, false, true, true] } else { &[false, false, true, true] };
            assert_eq!(is_fault, expected);
            let Some(Item::Fault(fault)) = items.last() else { panic!("a fault") };
            assert_eq!(fault.code, 8);
        }
    }
}
