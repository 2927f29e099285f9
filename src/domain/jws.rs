//! The compact serialisation of RFC 7515 section 7.1, taken apart strictly. Nothing here is verified, and says so.

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use base64::{
    Engine, alphabet,
    engine::{GeneralPurpose, Simd, general_purpose::NO_PAD},
};
use memchr::memchr_iter;
use serde::de::IgnoredAny;

use super::{
    algorithm::Algorithm,
    json::{self, Json, Object},
    reason::{Reason, Refusal},
    token::RawToken,
};

/// The parts of a compact JWS, decoded.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct UnverifiedParts<'t> {
    signing_input: &'t [u8],
    header: Header<'t>,
    /// Header, payload and signature, one behind the other.
    decoded: Vec<u8>,
    payload_at: usize,
    signature_at: usize,
}

/// How a header is written.
#[derive(Clone, Copy)]
enum Header<'t> {
    /// As one that was read before.
    Known(&'t KnownHeader),
    /// Like this, in base64url.
    New(&'t str),
}

/// A header that was read before: what is read from the same bytes is the same.
#[expect(missing_debug_implementations, reason = "it holds a part of a token")]
pub struct KnownHeader {
    written: Box<str>,
    header: UnverifiedHeader<'static>,
}

/// Longer headers are not worth keeping, in bytes.
const LONGEST_KNOWN: usize = 512;

/// A compact JWS, read but not verified.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct UnverifiedJws<'p> {
    written: Header<'p>,
    /// What is needed to find the key.
    pub header: UnverifiedHeader<'p>,
    pub(super) signing_input: &'p [u8],
    pub(super) signature: &'p [u8],
    pub(super) payload: &'p [u8],
    pub(super) members: Object<'p>,
}

/// The header parameters that take part in choosing a key. `jwk`, `jku`, `x5u` and `x5c` are never read: a token does not
/// bring its own trust.
#[expect(missing_debug_implementations, reason = "a key id is text from an unverified token")]
pub struct UnverifiedHeader<'p> {
    /// `None` for `none` and for every name that this service does not verify.
    pub algorithm: Option<Algorithm>,
    /// A hint for the lookup, nothing more.
    pub key_id: Option<Cow<'p, str>>,
    pub(super) typ: Option<Cow<'p, str>>,
}

impl<'t> UnverifiedParts<'t> {
    /// Takes a token apart.
    pub fn decode(token: RawToken<'t>) -> Result<Self, Refusal> {
        Self::decode_knowing(token, |_written| None)
    }

    /// The same, where some headers are known by how they are written.
    pub fn decode_knowing(
        token: RawToken<'t>,
        known: impl FnOnce(&str) -> Option<&'t KnownHeader>,
    ) -> Result<Self, Refusal> {
        let text = token.expose();
        let mut dots = memchr_iter(b'.', text.as_bytes());
        let (Some(first), Some(second)) = (dots.next(), dots.next()) else {
            return Err(malformed("not a compact JWS: it has fewer than three parts"));
        };
        match dots.count() {
            0 => {}
            2 => {
                return Err(malformed("an encrypted token (JWE), which this service cannot read"));
            }
            _ => return Err(malformed("not a compact JWS: it has more than three parts")),
        }
        let part = |range: Range<usize>| text.get(range).unwrap_or_default();
        let (header, payload) = (part(0..first), part(first + 1..second));
        let signature = part(second + 1..text.len());
        let signing_input = part(0..second).as_bytes();
        // Four characters hold three bytes, and each part is rounded up while it is decoded.
        let mut decoded = Vec::with_capacity(text.len() / 4 * 3 + 9);
        let header = known(header).map_or(Header::New(header), Header::Known);
        if let Header::New(written) = header {
            decode(written, &mut decoded)?;
        }
        let payload_at = decoded.len();
        decode(payload, &mut decoded)?;
        let signature_at = decoded.len();
        decode(signature, &mut decoded)?;
        Ok(Self { signing_input, header, decoded, payload_at, signature_at })
    }

    /// Reads what is in them.
    pub fn read(&self) -> Result<UnverifiedJws<'_>, Refusal> {
        let Self { signing_input, header: written, decoded, payload_at, signature_at } = self;
        let part = |range: Range<usize>| decoded.get(range).unwrap_or_default();
        let header = match written {
            Header::Known(known) => known.header.as_borrowed(),
            Header::New(_) => UnverifiedHeader::parse(part(0..*payload_at))?,
        };
        let payload = part(*payload_at..*signature_at);
        let signature = part(*signature_at..decoded.len());
        let members = json::parse_object(payload).ok_or_else(|| {
            malformed("the payload is not one JSON object of modest size and depth, with unique names and sane values")
        })?;
        Ok(UnverifiedJws { written: *written, header, signing_input, signature, payload, members })
    }
}

/// Whether a token has the form of a JWS or JWE in compact serialisation (RFC 7515 section 7.1, RFC 7516 section 7.1): three
/// parts or five, the first of which is a JSON object in base64url. Whatever has it says itself what it is, and is judged by
/// that alone. Lenient on purpose: a signed token that somebody has damaged is still none that only its issuer can read.
pub fn is_compact(token: RawToken<'_>) -> bool {
    let text = token.expose();
    let mut parts = text.split('.');
    let header = parts.next().unwrap_or_default().trim_end_matches('=');
    if !matches!(parts.count(), 2 | 4) {
        return false;
    }
    let decoded = LENIENT.decode(header).unwrap_or_default();
    decoded.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(&decoded).is_ok()
}

impl KnownHeader {
    /// Whether it is written so.
    pub fn is_written(&self, written: &str) -> bool {
        *self.written == *written
    }
}

impl UnverifiedJws<'_> {
    /// Its header, to be known next time, unless it was this time, or is too long to be kept.
    pub fn header_to_know(&self) -> Option<KnownHeader> {
        match self.written {
            Header::New(written) if written.len() <= LONGEST_KNOWN => {
                Some(KnownHeader { written: written.into(), header: self.header.to_owned() })
            }
            Header::New(_) | Header::Known(_) => None,
        }
    }

    /// The issuer that the token claims, for choosing whose keys decide; `None` if it claims none or not as a string.
    pub fn unverified_issuer(&self) -> Option<UnverifiedIssuer<'_>> {
        self.members.get("iss").and_then(Json::as_str).map(UnverifiedIssuer)
    }
}

/// The issuer that a token claims, if it is a JWS that claims one.
pub fn unverified_issuer_of(token: RawToken<'_>) -> Option<String> {
    let parts = UnverifiedParts::decode(token).ok()?;
    let jws = parts.read().ok()?;
    jws.unverified_issuer().map(|issuer| issuer.as_lookup_key().to_owned())
}

/// An `iss` claim that nobody has verified yet: good for a lookup, not for an answer.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "text from an unverified token")]
pub struct UnverifiedIssuer<'a>(&'a str);

impl UnverifiedIssuer<'_> {
    /// For comparing it, byte for byte, with configured issuers.
    pub fn as_lookup_key(&self) -> &str {
        self.0
    }
}

impl<'p> UnverifiedHeader<'p> {
    fn as_borrowed(&self) -> UnverifiedHeader<'_> {
        UnverifiedHeader {
            algorithm: self.algorithm,
            key_id: self.key_id.as_deref().map(Cow::Borrowed),
            typ: self.typ.as_deref().map(Cow::Borrowed),
        }
    }

    fn to_owned(&self) -> UnverifiedHeader<'static> {
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(|text| Cow::Owned(text.to_owned()));
        UnverifiedHeader { algorithm: self.algorithm, key_id: owned(&self.key_id), typ: owned(&self.typ) }
    }

    fn parse(bytes: &'p [u8]) -> Result<Self, Refusal> {
        let members = json::parse_object(bytes)
            .ok_or_else(|| malformed("the header is not one JSON object with unique names"))?;
        if members.contains("crit") {
            return Err(malformed("the header's `crit` names extensions, and this service understands none"));
        }
        // RFC 7797 and RFC 7516 parameters change what the other parts mean.
        if ["b64", "enc", "zip"].iter().any(|name| members.contains(name)) {
            return Err(malformed("the header holds a parameter that does not belong in a plain JWS"));
        }
        let typ = text(&members, "typ")?;
        if text(&members, "cty")?.is_some_and(|cty| is_media_type(&cty, "JWT")) {
            return Err(malformed("a nested token, which this service does not unwrap"));
        }
        let algorithm =
            text(&members, "alg")?.ok_or_else(|| malformed("the header names no algorithm"))?.parse().ok();
        Ok(Self { algorithm, key_id: text(&members, "kid")?, typ })
    }
}

/// Compares media types as RFC 7515 section 4.1.9 says: without regard to case, and with `application/` implied where
/// there is no slash.
pub(super) fn is_media_type(written: &str, short: &str) -> bool {
    short_media_type(written).is_some_and(|written| written.eq_ignore_ascii_case(short))
}

/// A media type without `application/`; `None` for one that is something else than an application's.
pub(super) fn short_media_type(written: &str) -> Option<&str> {
    match written.split_once('/') {
        Some((main, sub)) if main.eq_ignore_ascii_case("application") => Some(sub),
        Some(_) => None,
        None => Some(written),
    }
}

fn text<'p>(members: &Object<'p>, name: &str) -> Result<Option<Cow<'p, str>>, Refusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text.clone())),
        Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_)) => {
            Err(malformed("a header parameter is not a string"))
        }
    }
}

/// Of stray trailing bits only a strict reader complains.
static LENIENT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// With whatever instructions the processor has for it: a token's text is most of what is read of it.
static BASE64URL: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));

/// base64url without padding, white space or stray trailing bits: one byte string has one spelling.
fn decode(part: &str, decoded: &mut Vec<u8>) -> Result<(), Refusal> {
    BASE64URL.decode_vec(part, decoded).map_err(|_undecodable| malformed("a part is not canonical base64url"))
}

fn malformed(message: &'static str) -> Refusal {
    Refusal::new(Reason::Malformed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is in front of the first dot, it is read as if nothing had been known.
    #[test]
    fn a_known_header_is_read_as_it_was() {
        let first = compact(r#"{"alg":"ES256","typ":"at+jwt","kid":"k"}"#, r#"{"iss":"a"}"#);
        let parts = UnverifiedParts::decode(RawToken::new(&first, 1000).unwrap()).unwrap();
        let known = parts.read().unwrap().header_to_know().unwrap();
        let find = |written: &str| known.is_written(written).then_some(&known);
        let same = compact(r#"{"alg":"ES256","typ":"at+jwt","kid":"k"}"#, r#"{"iss":"b"}"#);
        let parts = UnverifiedParts::decode_knowing(RawToken::new(&same, 1000).unwrap(), find).unwrap();
        let jws = parts.read().unwrap();
        assert_eq!(jws.header.algorithm, Some(Algorithm::ES256));
        assert_eq!((jws.header.key_id.as_deref(), jws.header.typ.as_deref()), (Some("k"), Some("at+jwt")));
        assert_eq!(jws.unverified_issuer().unwrap().as_lookup_key(), "b");
        assert_eq!((jws.payload, jws.signature), (&br#"{"iss":"b"}"#[..], &[0][..]));
        assert_eq!(jws.signing_input, same.rsplit_once('.').unwrap().0.as_bytes());
        assert!(jws.header_to_know().is_none(), "it is known");
        let other = compact(r#"{"alg":"ES256","typ":"at+jwt","kid":"K"}"#, r#"{"iss":"b"}"#);
        let parts = UnverifiedParts::decode_knowing(RawToken::new(&other, 1000).unwrap(), find).unwrap();
        assert_eq!(parts.read().unwrap().header.key_id.as_deref(), Some("K"));
    }

    fn compact(header: &str, payload: &str) -> String {
        format!("{}.{}.AA", BASE64URL.encode(header), BASE64URL.encode(payload))
    }

    #[test]
    fn only_what_has_a_jose_header_is_compact() {
        let is = |text: &str| is_compact(RawToken::new(text, 1000).unwrap());
        for signed in [
            "eyJhbGciOiJub25lIn0.e30.",
            "eyJhbGciOiJub25lIn0..",
            "e30.a.b",
            "e30=.a.b",
            "e31.a.b",                // stray bits
            "eyJhIjoxLCJhIjoyfQ.!.?", // a name twice
            "e30.a.b.c.d",
        ] {
            assert!(is(signed), "{signed}");
        }
        for opaque in [
            "ory_at_8fJ3kq0z.h3",
            "a",
            "a.b.c",
            "e30",
            "e30.a",
            "e30.a.b.c",
            "..",
            "eyJhbGciOiJub25lIn.a.b",
            "WzFd.a.b",
            "....",
            "e30.a.b.c.d.e",
        ] {
            assert!(!is(opaque), "{opaque}");
        }
    }
}
