//! A verified token as an encoded `TokenInfo`, written field by field from where the claims lie.
//!
//! The generated message owns its strings, so it would have to be given a copy of each to be encoded once and dropped. The
//! field numbers are the proto's; the tests read it as the generated message.

use bytes::Bytes;
use prost::encoding::{WireType, bool, decode_key, decode_varint, encode_key, encode_varint, int32, message};

use crate::api::grpc::times::timestamp;
use crate::{
    domain::{
        claims::TextList,
        kind::TokenKind,
        verify::{Verified, VerifiedToken},
    },
    proto::server,
    service::validate::EncodedToken,
};

/// Tags and lengths of all single fields together take no more.
const OVERHEAD: usize = 128;

/// Encodes a token's answer in three pieces that are one message when put together (fields may come in any order): the
/// claims in front and the hint to refresh at the end, so that both can be left out by slicing.
pub fn encode(verified: &Verified<'_>) -> EncodedToken {
    let (token, payload) = (verified.token(), verified.payload());
    let mut buffer = Vec::with_capacity(capacity(token) + payload.len());
    delimited(15, payload, &mut buffer);
    let claims_prefix = buffer.len();
    fixed(token, &mut buffer);
    let end = buffer.len();
    bool::encode(16, &true, &mut buffer);
    let refresh_suffix = buffer.len() - end;
    // What is kept for long takes no more room than it needs.
    EncodedToken { bytes: Bytes::copy_from_slice(&buffer), claims_prefix, refresh_suffix }
}

/// The verbatim claims of an encoded answer: what its first field holds, behind the tag and the length.
pub(in crate::api::grpc) fn claims_of(encoded: &EncodedToken) -> &[u8] {
    let mut field = encoded.bytes.get(..encoded.claims_prefix).unwrap_or_default();
    // Written by `encode`, so neither fails.
    if decode_key(&mut field).and_then(|_| decode_varint(&mut field)).is_ok() { field } else { &[] }
}

/// What is fixed by the token, without the verbatim claims.
fn fixed(token: &VerifiedToken, buffer: &mut Vec<u8>) {
    let claims = token.claims();
    text(1, &token.policy().issuer, buffer);
    text(2, claims.subject(), buffer);
    let principal = if claims.is_of_client { server::Principal::Client } else { server::Principal::User };
    int32::encode(3, &principal.into(), buffer);
    list(4, claims.audiences(), buffer);
    list(5, claims.scopes(), buffer);
    list(6, claims.roles(), buffer);
    list(7, claims.permissions(), buffer);
    text(8, claims.client_id(), buffer);
    text(9, claims.session_id(), buffer);
    text(10, claims.token_id(), buffer);
    text(11, claims.organization_id(), buffer);
    if let Some(issued_at) = claims.issued_at {
        message::encode(12, &timestamp(issued_at), buffer);
    }
    message::encode(13, &timestamp(claims.expires_at), buffer);
    let kind = match token.kind() {
        TokenKind::Access => server::TokenKind::Access,
        TokenKind::Id => server::TokenKind::Id,
    };
    int32::encode(14, &kind.into(), buffer);
}

fn list(tag: u32, entries: TextList<'_>, buffer: &mut Vec<u8>) {
    entries.iter().for_each(|entry| delimited(tag, entry.as_bytes(), buffer));
}

/// Absent strings are empty, and empty ones are not written.
fn text(tag: u32, text: &str, buffer: &mut Vec<u8>) {
    if !text.is_empty() {
        delimited(tag, text.as_bytes(), buffer);
    }
}

/// A string or bytes: prost's own functions want them in types of their own.
fn delimited(tag: u32, content: &[u8], buffer: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, buffer);
    // A token's length fits, whatever a usize is.
    encode_varint(u64::try_from(content.len()).unwrap_or(u64::MAX), buffer);
    buffer.extend_from_slice(content);
}

/// Enough for everything but the payload, so that the buffer never grows: texts are in the payload, too, as are lists.
fn capacity(token: &VerifiedToken) -> usize {
    token.policy().issuer.len() + token.claims().bytes() + OVERHEAD
}
