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
    granted(&members).ok()
}

/// It says something that nobody can understand.
struct Unreadable;

fn granted(members: &Object<'_>) -> Result<Granted, Unreadable> {
    Ok(Granted {
        access_token: token(members, "access_token")?.ok_or(Unreadable)?,
        // Required, and left out by some; there has never been another that could be meant.
        token_type: text(members, "token_type")?.unwrap_or("Bearer").to_owned(),
        expires_in: expires_in(members)?,
        refresh_token: token(members, "refresh_token")?,
        id_token: token(members, "id_token")?,
        scopes: text(members, "scope")?
            .map(|scope| scope.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()),
    })
}

/// `None`: it is not there, or there is nothing in it.
fn token(members: &Object<'_>, name: &str) -> Result<Option<Secret>, Unreadable> {
    let text = text(members, name)?.filter(|text| !text.is_empty());
    Ok(text.map(|text| Secret::new(text.as_bytes().to_vec())))
}

/// Visible ASCII and spaces, which is all that any of these members may hold (appendix A).
fn text<'m>(members: &'m Object<'_>, name: &str) -> Result<Option<&'m str>, Unreadable> {
    match members.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => Ok(Some(text)),
        Some(Json::Text(_) | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_)) => {
            Err(Unreadable)
        }
    }
}

/// In seconds; some write the number as text, and some with a fraction.
fn expires_in(members: &Object<'_>) -> Result<Option<Duration>, Unreadable> {
    let seconds = match members.get("expires_in") {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Number(number)) => number.as_f64().ok_or(Unreadable)?,
        Some(Json::Text(text)) => f64::from(text.parse::<u32>().map_err(|_hidden| Unreadable)?),
        Some(Json::Bool(_) | Json::List(_) | Json::Object(_)) => return Err(Unreadable),
    };
    Duration::try_from_secs_f64(seconds).map(Some).map_err(|_hidden| Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    #[test]
    fn everything_that_an_answer_says_is_kept_and_nothing_is_shown() {
        let body = br#"{"access_token":"hunter2-a","token_type":"bearer","expires_in":300,"refresh_token":"hunter2-r",
            "id_token":"hunter2-i","scope":"read  write","refresh_expires_in":0,"x":{"y":[1]}}"#;
        let granted = read(body).unwrap();
        assert!(!format!("{granted:?}").contains("hunter2"), "{granted:?}");
        let expected = Granted {
            access_token: secret("hunter2-a"),
            token_type: "bearer".to_owned(),
            expires_in: Some(Duration::from_mins(5)),
            refresh_token: Some(secret("hunter2-r")),
            id_token: Some(secret("hunter2-i")),
            scopes: Some(vec!["read".to_owned(), "write".to_owned()]),
        };
        assert_eq!(granted, expected);
    }

    #[test]
    fn what_is_left_out_is_told_from_what_is_empty() {
        let granted = read(br#"{"access_token":"a"}"#).unwrap();
        assert_eq!((granted.token_type.as_str(), granted.expires_in, granted.scopes), ("Bearer", None, None));
        assert_eq!((granted.refresh_token, granted.id_token), (None, None));
        let granted = read(br#"{"access_token":"a","scope":"","refresh_token":null,"id_token":""}"#).unwrap();
        assert_eq!((granted.scopes, granted.refresh_token, granted.id_token), (Some(vec![]), None, None));
    }

    #[test]
    fn a_lifetime_may_be_written_as_text_or_with_a_fraction() {
        let life = |text: &str| {
            let body = format!(r#"{{"access_token":"a","expires_in":{text}}}"#);
            read(body.as_bytes()).map(|granted| granted.expires_in)
        };
        assert_eq!(life("\"3599\""), Some(Some(Duration::from_secs(3599))), "Entra's older endpoint");
        assert_eq!(life("1.5"), Some(Some(Duration::from_millis(1500))));
        assert_eq!(life("0"), Some(Some(Duration::ZERO)));
        assert_eq!(life("null"), Some(None));
        for odd in ["-1", "1e300", "\"-5\"", "\"\"", "true", "[1]"] {
            assert_eq!(life(odd), None, "{odd}");
        }
    }
}
