//! What is recorded of something to tell. It holds a token, so it lives in a [`Secret`], and the store seals it.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{secret::Secret, time::UnixTime, token::RawToken},
    issuer::{Revocable, TokenType},
};

/// How the rest is written. A version that reads another number leaves it to one that can.
const VERSION: u32 = 1;

/// Something to tell, read from what was recorded.
pub(super) struct Content {
    /// When it was planned.
    pub(super) made_at: UnixTime,
    what: Owned,
}

/// A [`Revocable`] that borrows nothing.
enum Owned {
    Token { token: Secret, token_type: TokenType, client_id: Option<String> },
    Session { session_id: String },
    SessionsOf { subject: String, except: Option<String>, up_to: UnixTime },
}

/// As it is written, in JSON. Times are in milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct Written<'w> {
    version: u32,
    made_at: i64,
    #[serde(flatten, borrow)]
    what: What<'w>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What<'w> {
    AccessToken {
        #[serde(borrow)]
        token: Cow<'w, str>,
        client_id: Option<Cow<'w, str>>,
    },
    RefreshToken {
        #[serde(borrow)]
        token: Cow<'w, str>,
        client_id: Option<Cow<'w, str>>,
    },
    Session {
        session_id: Cow<'w, str>,
    },
    SessionsOf {
        subject: Cow<'w, str>,
        except: Option<Cow<'w, str>>,
        up_to: i64,
    },
}

/// The length only.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("made_at", &self.made_at).finish_non_exhaustive()
    }
}

/// A token that outlives the call that it came with.
pub(super) fn kept(token: RawToken<'_>) -> Secret {
    Secret::new(token.expose().as_bytes().to_vec())
}

/// Writes it down; `None` for a token that is no text, which cannot be sent either.
pub(super) fn write(what: &Revocable<'_>, made_at: UnixTime) -> Option<Secret> {
    let what = match *what {
        Revocable::Token { token, token_type, client_id } => {
            let token = Cow::Borrowed(std::str::from_utf8(token.expose()).ok()?);
            let client_id = client_id.map(Cow::Borrowed);
            match token_type {
                TokenType::Access => What::AccessToken { token, client_id },
                TokenType::Refresh => What::RefreshToken { token, client_id },
            }
        }
        Revocable::Session { session_id } => What::Session { session_id: session_id.into() },
        Revocable::SessionsOf { subject, except, up_to } => What::SessionsOf {
            subject: subject.into(),
            except: except.map(Cow::Borrowed),
            up_to: up_to.as_millis(),
        },
    };
    let written = Written { version: VERSION, made_at: made_at.as_millis(), what };
    serde_json::to_vec(&written).ok().map(Secret::new)
}

/// Reads it; `None` if another version has written it.
pub(super) fn read(content: &Secret) -> Option<Content> {
    let written: Written<'_> = serde_json::from_slice(content.expose()).ok()?;
    if written.version != VERSION {
        return None;
    }
    let token = |token: Cow<'_, str>, token_type, client_id: Option<Cow<'_, str>>| Owned::Token {
        token: Secret::new(token.into_owned().into_bytes()),
        token_type,
        client_id: client_id.map(Cow::into_owned),
    };
    let what = match written.what {
        What::AccessToken { token: text, client_id } => token(text, TokenType::Access, client_id),
        What::RefreshToken { token: text, client_id } => token(text, TokenType::Refresh, client_id),
        What::Session { session_id } => Owned::Session { session_id: session_id.into_owned() },
        What::SessionsOf { subject, except, up_to } => Owned::SessionsOf {
            subject: subject.into_owned(),
            except: except.map(Cow::into_owned),
            up_to: UnixTime::from_millis(up_to),
        },
    };
    Some(Content { made_at: UnixTime::from_millis(written.made_at), what })
}

impl Content {
    /// As the issuer room takes it.
    pub(super) fn revocable(&self) -> Revocable<'_> {
        match &self.what {
            Owned::Token { token, token_type, client_id } => {
                Revocable::Token { token, token_type: *token_type, client_id: client_id.as_deref() }
            }
            Owned::Session { session_id } => Revocable::Session { session_id },
            Owned::SessionsOf { subject, except, up_to } => {
                Revocable::SessionsOf { subject, except: except.as_deref(), up_to: *up_to }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_795_168_800_000;

    #[test]
    fn what_is_written_is_read_and_nothing_of_it_is_shown() {
        let token = Secret::new(br#"hunter2"\."#.to_vec());
        let at = UnixTime::from_millis(AT);
        for what in [
            Revocable::Token { token: &token, token_type: TokenType::Access, client_id: Some("app") },
            Revocable::Token { token: &token, token_type: TokenType::Refresh, client_id: None },
            Revocable::Session { session_id: "ses_1" },
            Revocable::SessionsOf { subject: "usr_1", except: None, up_to: at },
            Revocable::SessionsOf { subject: "usr_1", except: Some("ses_1"), up_to: at },
        ] {
            let content = read(&write(&what, at).unwrap()).unwrap();
            assert_eq!(content.made_at, at);
            assert_eq!(format!("{:?}", content.revocable()), format!("{what:?}"));
            if let (Revocable::Token { token: read, .. }, Revocable::Token { token, .. }) =
                (content.revocable(), what)
            {
                assert_eq!(read, token);
            }
            assert!(!format!("{content:?} {:?}", content.revocable()).contains("hunter2"));
        }
    }

    /// Deliveries outlive the version that wrote them.
    #[test]
    fn the_written_form_stays_as_it_is() {
        let token = Secret::new(b"t".to_vec());
        let what = Revocable::Token { token: &token, token_type: TokenType::Access, client_id: None };
        let written = write(&what, UnixTime::from_millis(AT)).unwrap();
        let expected =
            r#"{"version":1,"made_at":1795168800000,"access_token":{"token":"t","client_id":null}}"#;
        assert_eq!(std::str::from_utf8(written.expose()).unwrap(), expected);
        for other in [&expected.replace("1,", "2,"), &expected.replace("access_token", "opaque"), ""] {
            assert!(read(&Secret::new(other.as_bytes().to_vec())).is_none(), "{other}");
        }
    }
}
