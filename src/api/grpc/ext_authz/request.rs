//! A `CheckRequest`, as far as it is looked at. Field numbers are those of Envoy's protos; the tests read the same messages
//! with envoy-types.

use bytes::Bytes;
use smallvec::SmallVec;
use tonic::Status;

use super::{
    certificate,
    wire::{Content, Fields, Malformed, set},
};
use crate::{
    api::grpc::status,
    domain::edge::request::{EdgeRequest, Headers, Values},
};

/// A name and a value.
type Pair<'b> = (&'b [u8], &'b [u8]);

/// A route's words.
pub(super) type Words<'b> = SmallVec<[(&'b str, &'b str); 8]>;

/// More of these than any proxy lets through, and few enough to look at.
const MOST_PAIRS: usize = 2_000;

/// A request about a request.
#[derive(Default)]
pub(super) struct Check<'b> {
    has_attributes: bool,
    /// Headers or words beyond [`MOST_PAIRS`], which a client may have sent: no reason for an error that a proxy may let pass.
    has_too_many: bool,
    http: Option<&'b [u8]>,
    method: Option<&'b [u8]>,
    path: Option<&'b [u8]>,
    host: Option<&'b [u8]>,
    scheme: Option<&'b [u8]>,
    certificate: Option<&'b [u8]>,
    headers: SmallVec<[Pair<'b>; 32]>,
    extensions: SmallVec<[Pair<'b>; 8]>,
}

impl<'b> Check<'b> {
    pub(super) fn read(message: &'b Bytes) -> Result<Self, Status> {
        let mut check = Self::default();
        check.whole(message).map_err(|Malformed| status::malformed_request())?;
        Ok(check)
    }

    fn whole(&mut self, message: &'b [u8]) -> Result<(), Malformed> {
        let mut attributes = None;
        each(message, |number, content| if number == 1 { set(&mut attributes, content) } else { Ok(()) })?;
        self.has_attributes = attributes.is_some();
        let (mut source, mut request) = (None, None);
        each(attributes.unwrap_or_default(), |number, content| match number {
            1 => set(&mut source, content),
            4 => set(&mut request, content),
            10 => {
                keep(&mut self.extensions, entry(content)?, &mut self.has_too_many);
                Ok(())
            }
            _ => Ok(()),
        })?;
        each(source.unwrap_or_default(), |number, content| {
            if number == 5 { set(&mut self.certificate, content) } else { Ok(()) }
        })?;
        each(
            request.unwrap_or_default(),
            |number, content| {
                if number == 2 { set(&mut self.http, content) } else { Ok(()) }
            },
        )?;
        self.http(self.http.unwrap_or_default())
    }

    /// `AttributeContext.HttpRequest`.
    fn http(&mut self, message: &'b [u8]) -> Result<(), Malformed> {
        let mut raw = None;
        each(message, |number, content| match number {
            2 => set(&mut self.method, content),
            3 => {
                keep(&mut self.headers, entry(content)?, &mut self.has_too_many);
                Ok(())
            }
            4 => set(&mut self.path, content),
            5 => set(&mut self.host, content),
            6 => set(&mut self.scheme, content),
            13 => set(&mut raw, content),
            _ => Ok(()),
        })?;
        // With `encode_raw_headers`: each header by itself, in bytes.
        each(raw.unwrap_or_default(), |number, content| {
            if number == 1 {
                keep(&mut self.headers, header(content)?, &mut self.has_too_many);
            }
            Ok(())
        })
    }

    /// The request, and its route's words; or what is missing.
    pub(super) fn request(&self) -> Result<(EdgeRequest<'_>, Words<'_>), &'static str> {
        if !self.has_attributes {
            return Err("the check has no `attributes`; only HTTP requests can be checked");
        }
        if self.http.is_none() {
            return Err("the check has no `attributes.request.http`; only HTTP requests can be checked");
        }
        if self.has_too_many {
            return Err("the request has more than 2000 headers");
        }
        let text = |bytes: Option<&'b [u8]>, problem| {
            str::from_utf8(bytes.unwrap_or_default()).map_err(|_not_text| problem)
        };
        let words = self.extensions.iter().map(|(name, value)| {
            let (Ok(name), Ok(value)) = (str::from_utf8(name), str::from_utf8(value)) else {
                return Err("`context_extensions` hold something that is not UTF-8");
            };
            Ok((name, value))
        });
        let certificate = match self.certificate.filter(|certificate| !certificate.is_empty()) {
            Some(pem) => Some(
                certificate::digest(pem)
                    .ok_or("`source.certificate` is not a certificate in URL-encoded PEM")?,
            ),
            None => None,
        };
        let request = EdgeRequest {
            method: Some(text(self.method, "the request's method is not UTF-8")?),
            target: Some(text(self.path, "the request's path is not UTF-8")?),
            scheme: Some(text(self.scheme, "the request's scheme is not UTF-8")?),
            host: Some(text(self.host, "the request's host is not UTF-8")?),
            headers: self,
            certificate,
            takes_redirects: true,
        };
        Ok((request, words.collect::<Result<_, _>>()?))
    }
}

impl<'r> EdgeRequest<'r> {
    /// One that cannot be checked: its headers say how to tell so.
    pub(super) fn unknown(check: &'r Check<'_>) -> Self {
        Self {
            method: None,
            target: None,
            scheme: None,
            host: None,
            headers: check,
            certificate: None,
            takes_redirects: true,
        }
    }
}

impl Headers for Check<'_> {
    fn values(&self, name: &str) -> Values<'_> {
        let is_it = |known: &[u8]| known.len() == name.len() && known.eq_ignore_ascii_case(name.as_bytes());
        self.headers.iter().filter(|(known, _)| is_it(known)).map(|(_, value)| *value).collect()
    }
}

fn each<'b>(
    message: &'b [u8],
    mut take: impl FnMut(u64, Content<'b>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    for field in Fields::of(message) {
        let (number, content) = field?;
        take(number, content)?;
    }
    Ok(())
}

fn keep<'b, A: smallvec::Array<Item = Pair<'b>>>(
    pairs: &mut SmallVec<A>,
    pair: Pair<'b>,
    has_too_many: &mut bool,
) {
    if pairs.len() < MOST_PAIRS {
        pairs.push(pair);
    } else {
        *has_too_many = true;
    }
}

/// An entry of a map: a message of a key and a value, either of which is left out where it is empty.
fn entry(content: Content<'_>) -> Result<(&[u8], &[u8]), Malformed> {
    let (mut name, mut value) = (None, None);
    let Content::Bytes(entry) = content else { return Err(Malformed) };
    each(entry, |number, content| match number {
        1 => set(&mut name, content),
        2 => set(&mut value, content),
        _ => Ok(()),
    })?;
    Ok((name.unwrap_or_default(), value.unwrap_or_default()))
}

/// `HeaderValue`: the value is text or bytes.
fn header(content: Content<'_>) -> Result<(&[u8], &[u8]), Malformed> {
    let (mut name, mut text, mut raw) = (None, None, None);
    let Content::Bytes(header) = content else { return Err(Malformed) };
    each(header, |number, content| match number {
        1 => set(&mut name, content),
        2 => set(&mut text, content),
        3 => set(&mut raw, content),
        _ => Ok(()),
    })?;
    Ok((name.unwrap_or_default(), raw.or(text).unwrap_or_default()))
}

#[cfg(test)]
mod tests;
