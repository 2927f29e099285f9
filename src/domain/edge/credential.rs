//! The credential of a request (E3).
//!
//! A route names the places where one may be. Two different ones among these are refused: what is behind the proxy may look
//! at the other one. Another `Authorization` scheme than Bearer and DPoP is no credential of ours; but a Bearer that cannot be
//! read is a credential all the same, so that nobody passes an optional route as nobody with it.

use std::borrow::Cow;

use memchr::memchr_iter;
use smallvec::SmallVec;

use super::{query, request::EdgeRequest, source::Source};
use crate::domain::{
    decide::Scheme,
    reason::{Reason, Refusal},
};

/// A token as it was presented.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "it holds a token")]
pub struct Credential<'r> {
    /// The token.
    pub token: Cow<'r, str>,
    /// Under which scheme.
    pub scheme: Scheme,
    /// Whether `Authorization` says this and nothing else, so that it can go on as it is.
    pub is_plain: bool,
}

/// Why a request's credential cannot be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There are several, which are not the same.
    Conflict,
    /// It is no token.
    Refused(Refusal),
    /// The request is written so that others may see another one in it.
    Misspelt(&'static str),
}

/// All that are there.
type Found<'r> = SmallVec<[Credential<'r>; 2]>;

/// The credential of a request, if it has one, in these of the `configured` sources.
pub fn of<'r>(
    request: &EdgeRequest<'r>,
    sources: &[Source],
    configured: &[Source],
) -> Result<Option<Credential<'r>>, Unusable> {
    if request.target.is_some_and(|target| target.contains('#')) {
        // Some read on behind it, and others do not.
        return Err(Unusable::Misspelt("the request's address has a fragment, which belongs to the client"));
    }
    if request.query().is_some_and(|query| query::has_disguised(query, configured)) {
        return Err(Unusable::Misspelt(
            "a parameter that can hold a token is spelt in a way that hides it; write it as it is",
        ));
    }
    let mut found = Found::new();
    for source in sources {
        match source {
            Source::Authorization => from_authorization(request, &mut found)?,
            Source::Header(name) => from_header(request, name, &mut found)?,
            Source::Query(name) => from_query(request, name, &mut found)?,
        }
    }
    let mut found = found.into_iter();
    let Some(first) = found.next() else { return Ok(None) };
    if found.all(|other| other.token == first.token && other.scheme == first.scheme) {
        Ok(Some(first))
    } else {
        Err(Unusable::Conflict)
    }
}

/// A proxy joins several headers with commas, which no token has. Each part is a credential then, and one that is ours makes
/// the others suspect; without one, commas are the other scheme's own.
fn from_authorization<'r>(request: &EdgeRequest<'r>, found: &mut Found<'r>) -> Result<(), Unusable> {
    let values = request.headers.values("authorization");
    let parts = || values.iter().flat_map(|value| between_commas(value)).map(<[u8]>::trim_ascii);
    let ours = parts().filter(|part| is_ours(part)).count();
    if ours == 0 {
        return Ok(());
    }
    if ours != parts().count() {
        return Err(Unusable::Conflict);
    }
    for value in &values {
        for part in between_commas(value) {
            let mut credential = authorization(trimmed(part))?;
            let plain = "Bearer ".len() + credential.token.len();
            credential.is_plain = ours == 1 && credential.scheme == Scheme::Bearer && value.len() == plain;
            found.push(credential);
        }
    }
    Ok(())
}

/// What commas separate. A token is long, and has none, so that looking at each byte by itself would take longer than the
/// whole rest of a check.
fn between_commas(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memchr_iter(b',', value).chain([value.len()]);
    let mut start = 0;
    ends.filter_map(move |end| {
        let part = value.get(start..end);
        start = end + 1;
        part
    })
}

/// Without the spaces around it. Other white space is none that HTTP allows there.
fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' '] = bytes {
        bytes = rest;
    }
    bytes
}

/// Whether a value begins with one of our schemes, in any case (RFC 9110 section 11.1), whatever follows.
fn is_ours(value: &[u8]) -> bool {
    scheme(value).is_some()
}

fn scheme(value: &[u8]) -> Option<(Scheme, &[u8])> {
    let end =
        value.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"-_.~+/!#$%&'*^`|:".contains(byte));
    let (name, rest) = value.split_at_checked(end.unwrap_or(value.len()))?;
    if name.eq_ignore_ascii_case(b"bearer") {
        Some((Scheme::Bearer, rest))
    } else if name.eq_ignore_ascii_case(b"dpop") {
        Some((Scheme::Dpop, rest))
    } else {
        None
    }
}

fn authorization(value: &[u8]) -> Result<Credential<'_>, Unusable> {
    let Some((scheme, rest)) = scheme(value) else { return Err(Unusable::Conflict) };
    if !rest.is_empty() && !rest.starts_with(b" ") {
        return Err(malformed("between the `Authorization` scheme and the token there must be a space"));
    }
    let token = text(trimmed(rest))?;
    Ok(Credential { token, scheme, is_plain: false })
}

fn from_header<'r>(request: &EdgeRequest<'r>, name: &str, found: &mut Found<'r>) -> Result<(), Unusable> {
    for value in request.headers.values(name) {
        for part in between_commas(value) {
            let token = text(trimmed(part))?;
            found.push(Credential { token, scheme: Scheme::Bearer, is_plain: false });
        }
    }
    Ok(())
}

fn from_query<'r>(request: &EdgeRequest<'r>, name: &str, found: &mut Found<'r>) -> Result<(), Unusable> {
    for token in query::values(request.query().unwrap_or_default(), name) {
        if token.is_empty() {
            return Err(nothing());
        }
        found.push(Credential { token, scheme: Scheme::Bearer, is_plain: false });
    }
    Ok(())
}

/// An empty one is presented, and no token: a proxy or a script that lost the token must not look like nobody.
fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Unusable> {
    if bytes.is_empty() {
        return Err(nothing());
    }
    str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|_not_text| malformed("the token holds a character that no token may hold"))
}

fn nothing() -> Unusable {
    malformed("a credential was presented without a token in it")
}

fn malformed(message: &'static str) -> Unusable {
    Unusable::Refused(Refusal::new(Reason::Malformed, message))
}

#[cfg(test)]
mod tests;
