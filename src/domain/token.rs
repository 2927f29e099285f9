//! A token as it was presented, before anything about it is believed.

use std::fmt;

use super::reason::{Reason, Refusal};

/// A presented token: not empty, within the size limit, visible ASCII only.
///
/// It borrows the request's own copy, has no `Display`, `Serialize` or `Deref`, and its `Debug` tells the length only.
#[derive(Clone, Copy)]
pub struct RawToken<'a>(&'a str);

impl<'a> RawToken<'a> {
    /// Checks the bounds, cheapest first. Limits are in bytes.
    pub fn new(text: &'a str, max_bytes: usize) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Err(Refusal::new(Reason::Missing, "no token was given"));
        }
        if text.len() > max_bytes {
            return Err(Refusal::new(Reason::TooLarge, "the token is longer than this service accepts"));
        }
        // Without leaving early, so that the compiler looks at many bytes at once: this is on every request's way.
        if !text.bytes().fold(true, |all, byte| all & (b'!'..=b'~').contains(&byte)) {
            return Err(Refusal::new(
                Reason::Malformed,
                "the token holds a character that no token may hold; send it without \"Bearer \" and without spaces",
            ));
        }
        Ok(Self(text))
    }

    /// The text, for parsing and digesting. A name to grep for.
    pub fn expose(&self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for RawToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawToken({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_checked_before_anything_else() {
        let reason = |text: &str| RawToken::new(text, 8).map(|_| ()).map_err(|refusal| refusal.reason());
        assert_eq!(reason(""), Err(Reason::Missing));
        assert_eq!(reason("123456789"), Err(Reason::TooLarge));
        assert_eq!(reason("a b"), Err(Reason::Malformed));
        assert_eq!(reason("a\u{7f}"), Err(Reason::Malformed));
        assert_eq!(reason("\u{e9}"), Err(Reason::Malformed));
        assert_eq!(reason("12345678"), Ok(()));
    }

    #[test]
    fn debug_tells_only_the_length() {
        assert_eq!(format!("{:?}", RawToken::new("abc", 8).unwrap()), "RawToken(3 bytes)");
    }
}
