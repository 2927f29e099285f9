//! What a caller wants revoked, and what is wrong with wanting it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::domain::time::UnixTime;

/// Longer ids are nobody's, in bytes.
const LONGEST_ID: usize = 1024;
/// Longer reasons are not for people, in bytes.
const LONGEST_REASON: usize = 512;

/// What is to be refused from now on.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it can hold a token")]
pub enum Aim<'r> {
    /// One token, shown.
    Token(&'r str),
    /// What is named.
    Named(Named<'r>),
}

/// What can be named.
#[derive(Clone, Copy, Debug)]
pub enum Named<'r> {
    /// One token, by its id.
    TokenId(&'r str),
    /// A session.
    Session(&'r str),
    /// All of a subject, up to a cut-off.
    Subject(&'r str),
    /// All that was issued to a client, up to a cut-off.
    Client(&'r str),
    /// All of an issuer, up to a cut-off.
    AllOfIssuer,
}

/// A request to revoke.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it can hold a token")]
pub struct Demand<'r> {
    /// What.
    pub aim: Aim<'r>,
    /// The `iss` that it is about; empty: the token's own, or the only one that is configured.
    pub issuer: &'r str,
    /// The cut-off; `None`: now.
    pub not_before: Option<UnixTime>,
    /// The one session of a subject that goes on; empty: none.
    pub except_session_id: &'r str,
    /// Why, for the audit log.
    pub reason: &'r str,
    /// Whether to tell the identity provider, too.
    pub propagate: bool,
}

/// A field of a demand that cannot be served, named as in the API. Both texts are constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongField {
    /// Which.
    pub field: &'static str,
    /// What to write instead.
    pub problem: &'static str,
}

impl<'r> Aim<'r> {
    /// Its field in the API.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Named(Named::TokenId(_)) => "token_id",
            Self::Named(Named::Session(_)) => "session_id",
            Self::Named(Named::Subject(_)) => "subject",
            Self::Named(Named::Client(_)) => "client_id",
            Self::Named(Named::AllOfIssuer) => "all_of_issuer",
        }
    }

    /// The id that it names, which is none for a token that is shown, or for all of an issuer.
    pub(super) fn id(&self) -> Option<&'r str> {
        match self {
            Self::Named(Named::TokenId(id) | Named::Session(id) | Named::Subject(id) | Named::Client(id)) => {
                Some(id)
            }
            Self::Token(_) | Self::Named(Named::AllOfIssuer) => None,
        }
    }

    fn takes_cut_off(&self) -> bool {
        match self {
            Self::Named(Named::Subject(_) | Named::Client(_) | Named::AllOfIssuer) => true,
            Self::Token(_) | Self::Named(Named::TokenId(_) | Named::Session(_)) => false,
        }
    }
}

/// Whether a text holds something of a token's form (RFC 7515 and 7516): three or five parts in base64url, the first of which
/// is a JSON object. Such an id would revoke nothing, and such a text must not get into the log.
pub(super) fn looks_like_a_token(text: &str) -> bool {
    text.split(|character: char| !(character.is_ascii_alphanumeric() || "-_.".contains(character))).any(
        |word| {
            let first = word.split('.').next().unwrap_or_default();
            matches!(word.matches('.').count(), 2 | 4)
                && URL_SAFE_NO_PAD
                    .decode(first)
                    .is_ok_and(|header| header.trim_ascii_start().first() == Some(&b'{'))
        },
    )
}

impl Demand<'_> {
    /// What is wrong with it on its own, whatever is configured.
    pub(super) fn check(&self) -> Result<(), WrongField> {
        let wrong = |field, problem| Err(WrongField { field, problem });
        self.check_lengths()?;
        if self.not_before.is_some() && !self.aim.takes_cut_off() {
            return wrong("not_before", "only a subject, a client or an issuer is revoked up to a time");
        }
        if !self.except_session_id.is_empty() && !matches!(self.aim, Aim::Named(Named::Subject(_))) {
            return wrong("except_session_id", "only of a subject can a session be spared");
        }
        Ok(())
    }

    fn check_lengths(&self) -> Result<(), WrongField> {
        let wrong = |field, problem| Err(WrongField { field, problem });
        let id = (self.aim.field(), self.aim.id());
        if id.1 == Some("") {
            return wrong(id.0, "must not be empty");
        }
        if matches!(self.aim, Aim::Named(Named::TokenId(id)) if looks_like_a_token(id)) {
            return wrong("token_id", "is a token, not a token's id; send it as `token`");
        }
        let except = ("except_session_id", Some(self.except_session_id));
        for (field, id) in [id, except, ("issuer", Some(self.issuer))] {
            if id.is_some_and(|id| id.len() > LONGEST_ID) {
                return wrong(field, "must not be longer than 1024 bytes");
            }
        }
        if self.reason.len() > LONGEST_REASON {
            return wrong("reason", "must not be longer than 512 bytes");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_form_and_an_id_that_looks_random_is_none() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for header in ["{\"alg\":\"ES256\"}", "{ \"alg\": \"ES256\" }", " {\n\"alg\":\"ES256\"}"] {
            let token = format!("{}.{}.{}", encode(header), encode("{}"), encode("signature"));
            for text in [token.clone(), format!("see {token}!"), format!("{token}.a.b")] {
                assert!(looks_like_a_token(&text), "{header}");
            }
        }
        for text in ["", "a.b.c", "xeyJx", "https://user.example.com/", "1.2.3", "..", &encode("{}")] {
            assert!(!looks_like_a_token(text), "{text}");
        }
    }
}
