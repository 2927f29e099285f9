//! What a caller wants refreshed, and what is wrong with wanting it.

use crate::service::revoke::WrongField;

/// Longer ids are nobody's, in bytes.
const LONGEST_ID: usize = 1024;
/// So many scopes at most, and so many bytes each.
const MOST_SCOPES: usize = 100;
const LONGEST_SCOPE: usize = 256;

/// A request to refresh.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it can hold a token")]
pub struct Demand<'r> {
    /// The `iss`; empty: the only one.
    pub issuer: &'r str,
    /// Which of our clients there; empty: the only one.
    pub client_id: &'r str,
    /// What is exchanged.
    pub credential: Credential<'r>,
    /// `scope`, if other than what was granted (RFC 6749 section 6).
    pub scopes: &'r [String],
    /// Whether to rotate although the tokens that are held are still fresh.
    pub force: bool,
    /// SHA-256 of the certificate that the user's client showed, if it did: whoever comes late has to show the same (F2).
    pub certificate: Option<[u8; 32]>,
    /// Who asks, as limits count it.
    pub caller: &'r str,
}

/// What is exchanged.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it can hold a token")]
pub enum Credential<'r> {
    /// A refresh token, shown.
    RefreshToken(&'r str),
    /// The refresh token that is held for this session (F13).
    Session(&'r str),
}

impl Demand<'_> {
    /// What is wrong with it on its own, whatever is configured.
    pub(super) fn check(&self) -> Result<(), WrongField> {
        let wrong = |field, problem| Err(WrongField { field, problem });
        if let Credential::Session("") = self.credential {
            return wrong("session_id", "must not be empty");
        }
        let session = match self.credential {
            Credential::Session(id) => id,
            Credential::RefreshToken(_) => "",
        };
        for (field, id) in [("issuer", self.issuer), ("client_id", self.client_id), ("session_id", session)] {
            if id.len() > LONGEST_ID {
                return wrong(field, "must not be longer than 1024 bytes");
            }
        }
        if self.scopes.len() > MOST_SCOPES || !self.scopes.iter().all(|scope| is_scope(scope)) {
            return wrong(
                "scopes",
                "at most 100, each of 1 to 256 visible ASCII characters but quotes and backslashes",
            );
        }
        Ok(())
    }
}

/// RFC 6749 section 3.3.
fn is_scope(text: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=LONGEST_SCOPE).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_one_word_of_the_standard_s_characters() {
        for good in ["read", "a:b/c", "https://api.example/x", "!", "~"] {
            assert!(is_scope(good), "{good}");
        }
        let long = "a".repeat(257);
        for bad in ["", "a b", "a\"", "a\\b", "\u{e9}", "a\n", &long] {
            assert!(!is_scope(bad), "{bad}");
        }
    }
}
