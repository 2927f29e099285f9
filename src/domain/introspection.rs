//! What an issuer says about a token that only it can read (RFC 7662).

use super::{
    json::{self, Json, Object},
    token::RawToken,
};

/// What the introspection endpoint answered.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub enum Introspection {
    /// `active: false`: unknown, expired, revoked, or none of the caller's business (RFC 7662 section 2.2).
    Inactive,
    /// `active: true`, which by itself proves little: some issuers say that of a refresh token, too.
    Active(UnverifiedAnswer),
}

/// An answer that says `active: true`, as it was received. Good for nothing until
/// [`introspected`](super::verify::introspected) has looked at the rest of it.
///
/// Who makes one vouches that the issuer itself sent it, about the token that was asked about. Only the client of the
/// introspection endpoint does; `tests/it/tidy.rs` holds it to that.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct UnverifiedAnswer {
    bytes: Vec<u8>,
}

/// An answer that no introspection endpoint gives: not one JSON object with unique names, or without a boolean `active`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the introspection endpoint's answer is no introspection response")]
pub struct NoIntrospection;

impl Introspection {
    /// Reads the body of an answer with status 200. An endpoint that says neither yes nor no has not said no.
    pub fn received(bytes: Vec<u8>) -> Result<Self, NoIntrospection> {
        let active = match json::parse_object(&bytes).as_ref().and_then(|members| members.get("active")) {
            Some(Json::Bool(active)) => *active,
            Some(Json::Null | Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Object(_)) | None => {
                return Err(NoIntrospection);
            }
        };
        Ok(if active { Self::Active(UnverifiedAnswer { bytes }) } else { Self::Inactive })
    }
}

impl UnverifiedAnswer {
    /// As received.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its members; `None` cannot be, because it has been read once.
    pub(super) fn members(&self) -> Option<Object<'_>> {
        json::parse_object(&self.bytes)
    }

    /// Whether it repeats the token that was asked about. Then it is a secret as the token is, and nothing to keep (C6).
    pub fn repeats(&self, token: RawToken<'_>) -> bool {
        token.is_in(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> &'static str {
        match Introspection::received(text.as_bytes().to_vec()) {
            Ok(Introspection::Active(_)) => "active",
            Ok(Introspection::Inactive) => "inactive",
            Err(NoIntrospection) => "nothing",
        }
    }

    #[test]
    fn only_a_boolean_says_whether_a_token_is_active() {
        for (answer, expected) in [
            (r#"{"active":true}"#, "active"),
            (r#"{"active":false}"#, "inactive"),
            (r#"{"active":false,"error":"x"}"#, "inactive"),
            (r#"{"active":"true"}"#, "nothing"),
            (r#"{"active":"false"}"#, "nothing"),
            (r#"{"active":1}"#, "nothing"),
            (r#"{"active":null}"#, "nothing"),
            (r#"{"active":false,"active":true}"#, "nothing"),
            (r#"{"active":true,"aud":"a","aud":"b"}"#, "nothing"),
            (r#"{"sub":"alice"}"#, "nothing"),
            (r#"{"active":true} {}"#, "nothing"),
            (r#"[{"active":true}]"#, "nothing"),
            ("true", "nothing"),
            ("", "nothing"),
            ("<html>", "nothing"),
            ("eyJ0eXAiOiJ0b2tlbi1pbnRyb3NwZWN0aW9uK2p3dCJ9.e30.c2ln", "nothing"),
        ] {
            assert_eq!(read(answer), expected, "{answer}");
        }
        assert_eq!(
            read(&format!(r#"{{"active":true,"x":{}}}"#, "[".repeat(500) + &"]".repeat(500))),
            "nothing"
        );
    }

    #[test]
    fn an_answer_that_repeats_the_token_is_noticed() {
        let repeats = |answer: &str| match Introspection::received(answer.as_bytes().to_vec()) {
            Ok(Introspection::Active(answer)) => answer.repeats(RawToken::new("ory_at_1", 99).unwrap()),
            Ok(Introspection::Inactive) | Err(NoIntrospection) => panic!("{answer}"),
        };
        assert!(repeats(r#"{"active":true,"jti":"ory_at_1"}"#));
        assert!(!repeats(r#"{"active":true,"jti":"ory_at_2"}"#));
        assert!(!repeats(r#"{"active":true}"#));
    }
}
