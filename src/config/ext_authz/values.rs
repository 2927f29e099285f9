//! Values that only this section has.

use url::Url;

use crate::{
    config::{
        effective::Shown,
        keys::address,
        notation::Notation,
        scalar::{Setting, expected},
        tree::Value,
        written::ADDRESS,
    },
    domain::edge::{
        names::is_free,
        source::{Source, is_parameter},
    },
};

/// Headers have little room, and browsers not much more.
const LONGEST_URL: usize = 2_048;

impl Setting for Source {
    fn notation() -> Notation {
        Notation::pattern(
            "source",
            "^(authorization|header:[A-Za-z][A-Za-z0-9-]{0,63}|query:[A-Za-z0-9._~-]{1,64})$",
        )
    }

    fn read(value: &Value) -> Result<Self, String> {
        Self::parse(&String::read(value)?).map_err(|problem| problem.to_string())
    }

    fn show(&self) -> Shown {
        Shown::text(self.to_string())
    }
}

/// The name of a header that nothing else needs, in lower case.
#[derive(PartialEq)]
pub(super) struct HeaderName(pub(super) String);

impl Setting for HeaderName {
    fn notation() -> Notation {
        Notation::pattern("header", "^[A-Za-z][A-Za-z0-9-]{0,63}$")
    }

    fn read(value: &Value) -> Result<Self, String> {
        let name = String::read(value)?.to_ascii_lowercase();
        if is_free(&name) {
            Ok(Self(name))
        } else {
            Err("expected a header's name of letters, digits and up to 4 dashes that nothing else needs"
                .to_owned())
        }
    }

    fn show(&self) -> Shown {
        Shown::text(self.0.clone())
    }
}

/// The name of a query parameter, which has one spelling.
pub(super) struct ParameterName(pub(super) String);

impl Setting for ParameterName {
    fn notation() -> Notation {
        Notation::pattern("name", "^[A-Za-z0-9._~-]{1,64}$")
    }

    fn read(value: &Value) -> Result<Self, String> {
        let name = String::read(value)?;
        if is_parameter(&name) {
            Ok(Self(name))
        } else {
            Err("may have up to 64 letters, digits, `-`, `.`, `_` and `~`".to_owned())
        }
    }

    fn show(&self) -> Shown {
        Shown::text(self.0.clone())
    }
}

/// What stands in quotes in a challenge (RFC 6750 section 3).
pub(super) struct Realm(pub(super) String);

impl Setting for Realm {
    fn notation() -> Notation {
        Notation::pattern("text", r"^[!#-\[\]-~]([ !#-\[\]-~]{0,126}[!#-\[\]-~])?$")
    }

    fn read(value: &Value) -> Result<Self, String> {
        let text = String::read(value)?;
        let is_allowed = |byte: u8| (b' '..=b'~').contains(&byte) && !b"\"\\".contains(&byte);
        if text.len() <= 128 && text.bytes().all(is_allowed) {
            Ok(Self(text))
        } else {
            Err("may have up to 128 visible ASCII characters and spaces, no quotes and no backslashes"
                .to_owned())
        }
    }

    fn show(&self) -> Shown {
        Shown::text(self.0.clone())
    }
}

/// An address that clients are told.
pub(super) struct WebAddress(pub(super) Url);

impl From<WebAddress> for String {
    fn from(WebAddress(url): WebAddress) -> Self {
        url.into()
    }
}

impl Setting for WebAddress {
    fn notation() -> Notation {
        Notation::pattern("URL", ADDRESS)
    }

    fn read(value: &Value) -> Result<Self, String> {
        let text = String::read(value)?;
        let url = address(&text, false)
            .map_err(|problem| problem.replace(", or with `allow_http: true`", " only"))?;
        if url.as_str().len() > LONGEST_URL {
            return Err(format!("is longer than {LONGEST_URL} bytes"));
        }
        // Challenges have none (RFC 6750 section 3), and browsers take one for a slash.
        if text.contains('\\') { Err("has a backslash in it".to_owned()) } else { Ok(Self(url)) }
    }

    fn show(&self) -> Shown {
        Shown::text(self.0.as_str())
    }
}

/// The word for what dynamic metadata has.
pub(super) struct Claims;

impl Setting for Claims {
    fn notation() -> Notation {
        Notation::words(["claims"])
    }

    fn read(value: &Value) -> Result<Self, String> {
        if *value == Value::Text("claims".to_owned()) { Ok(Self) } else { expected("`claims`", value) }
    }

    fn show(&self) -> Shown {
        Shown::plain("claims")
    }
}
