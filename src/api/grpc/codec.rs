//! protobuf on the wire, with an honest status for bytes that are not.

use std::marker::PhantomData;

use bytes::Buf;
use prost::Message;
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use super::status;

/// prost's codec, but a message that cannot be decoded is the caller's fault (INVALID_ARGUMENT), not ours (INTERNAL).
#[derive(Debug)]
pub struct StrictCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for StrictCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for StrictCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = StrictEncoder<T>;
    type Decoder = StrictDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        StrictEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        StrictDecoder(PhantomData)
    }
}

/// Writes messages.
#[derive(Debug)]
pub struct StrictEncoder<T>(PhantomData<T>);

impl<T: Message> Encoder for StrictEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buf).map_err(|_unencodable| status::internal())
    }
}

/// Reads messages.
#[derive(Debug)]
pub struct StrictDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for StrictDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        read(buf).map(Some)
    }
}

/// Reads all that there is as one message, which lies in one piece.
pub(super) fn read<U: Message + Default>(buf: impl Buf) -> Result<U, Status> {
    if has_too_many_fields(buf.chunk()) {
        return Err(status::malformed_request());
    }
    // prost's words quote field names, not content, but nobody needs them: the message was not made by a client of ours.
    U::decode(buf).map_err(|_undecodable| status::malformed_request())
}

/// How many fields a message may have at its top level: a full batch and as much again. Two bytes on the wire can become
/// hundreds in memory, so a message of a few megabytes is counted before it is decoded.
const MOST_FIELDS: usize = 2048;

/// Counts top-level fields without decoding them. What it cannot read it leaves to the decoder to complain about.
fn has_too_many_fields(mut bytes: &[u8]) -> bool {
    // A field takes two bytes at least, and almost every message is shorter than this.
    if bytes.len() <= MOST_FIELDS * 2 {
        return false;
    }
    let mut fields = 0;
    while let Some(rest) = skip_field(bytes) {
        fields += 1;
        if fields > MOST_FIELDS {
            return true;
        }
        bytes = rest;
    }
    false
}

/// What follows the first field: a tag, and by its wire type a varint, eight bytes, a counted string or four bytes. The
/// beginning and the end of a group count as a field each, since decoders pass over unknown groups and go on behind them.
fn skip_field(bytes: &[u8]) -> Option<&[u8]> {
    let (tag, rest) = varint(bytes)?;
    match tag & 7 {
        0 => varint(rest).map(|(_, rest)| rest),
        1 => rest.get(8..),
        2 => {
            let (length, rest) = varint(rest)?;
            rest.get(usize::try_from(length).ok()?..)
        }
        3 | 4 => Some(rest),
        5 => rest.get(4..),
        _ => None,
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)?;
    let (number, rest) = bytes.split_at_checked(end + 1)?;
    let value = number.iter().rev().fold(0, |value: u64, byte| value << 7 | u64::from(byte & 0x7f));
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_fields_in_great_number_are_seen_before_they_are_decoded() {
        let batch = |items: usize| [0x0a, 0x00].repeat(items);
        assert!(!has_too_many_fields(&batch(MOST_FIELDS)));
        assert!(has_too_many_fields(&batch(MOST_FIELDS + 1)));
        assert!(has_too_many_fields(&batch(2 * 1024 * 1024)));
        let long = [vec![0x0a, 0x80, 0x80, 0x04], vec![0; 65536]].concat();
        assert!(!has_too_many_fields(&long.repeat(60)));
        assert!(has_too_many_fields(&[0x10, 0x96, 0x01].repeat(MOST_FIELDS * 2)));
        let group = [0xfb, 0x07, 0x0b, 0x08, 0x01, 0x0c, 0xfc, 0x07];
        assert!(has_too_many_fields(&[&group, &batch(MOST_FIELDS)[..]].concat()), "behind an unknown group");
        assert!(!has_too_many_fields(&vec![0xff; 1024 * 1024]), "not a message: the decoder says so");
    }
}
