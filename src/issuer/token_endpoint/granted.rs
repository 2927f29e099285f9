//! An answer with tokens (RFC 6749 section 5.1), read as strictly as a token: what two parsers could read differently is no
//! answer.

use std::time::Duration;

use crate::{
    domain::{
        json::{self, Json, Object},
        secret::Secret,
    },
    issuer::exchange::Granted,
};

/// Reads it; `None` if it is not JSON with unique names, has no access token, or says something in a way that nobody can
/// understand.
pub(super) fn read(body: &[u8]) -> Option<Granted> {
    let members = json::parse_object(body)?;
    Some(Granted {
        access_token: token(&members, "access_token")??,
        // Required, and left out by some; there has never been another that could be meant.
        token_type: text(&members, "token_type")?.unwrap_or("Bearer").to_owned(),
        expires_in: expires_in(&members)?,
        refresh_token: token(&members, "refresh_token")?,
        id_token: token(&members, "id_token")?,
        scopes: text(&members, "scope")?
            .map(|scope| scope.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()),
    })
}

/// `Some(None)`: it is not there, or there is nothing in it. `None`: it is no token (appendix A.12 and A.17).
fn token(members: &Object<'_>, name: &str) -> Option<Option<Secret>> {
    let text = text(members, name)?.filter(|text| !text.is_empty());
    Some(text.map(|text| Secret::new(text.as_bytes().to_vec())))
}

/// Visible ASCII and spaces, which is all that any of these members may hold (appendix A).
fn text<'m>(members: &'m Object<'_>, name: &str) -> Option<Option<&'m str>> {
    match members.get(name) {
        None | Some(Json::Null) => Some(None),
        Some(Json::Text(text)) if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => Some(Some(text)),
        Some(Json::Text(_) | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_)) => None,
    }
}

/// In seconds; some write the number as text, and some with a fraction.
fn expires_in(members: &Object<'_>) -> Option<Option<Duration>> {
    let seconds = match members.get("expires_in") {
        None | Some(Json::Null) => return Some(None),
        Some(Json::Number(number)) => number.as_f64()?,
        Some(Json::Text(text)) => f64::from(text.parse::<u32>().ok()?),
        Some(Json::Bool(_) | Json::List(_) | Json::Object(_)) => return None,
    };
    Duration::try_from_secs_f64(seconds).ok().map(Some)
}
