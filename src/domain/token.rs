//! A token as it was presented, before anything about it is believed.

use std::fmt;

use memchr::memmem;
use zeroize::Zeroizing;

use super::{
    reason::{Reason, Refusal},
    secret::Secret,
};

/// What may be a token: not empty and within the size limit. What was a token once can be told from it; whatever else is done with
/// it needs a [`RawToken`].
#[derive(Clone, Copy)]
pub struct BoundedText<'a>(&'a [u8]);

/// A presented token: not empty, within the size limit, visible ASCII only.
///
/// It borrows the request's own copy, has no `Display`, `Serialize` or `Deref`, and its `Debug` tells the length only.
#[derive(Clone, Copy)]
pub struct RawToken<'a>(&'a str);

/// The same, for work that outlives the request. Wiped when dropped.
pub struct OwnedToken(Zeroizing<String>);

impl<'a> BoundedText<'a> {
    /// Checks the bounds. Limits are in bytes.
    pub fn new(text: &'a (impl AsRef<[u8]> + ?Sized), max_bytes: usize) -> Result<Self, Refusal> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err(Refusal::new(Reason::Missing, "no token was given"));
        }
        if text.len() > max_bytes {
            return Err(Refusal::new(Reason::TooLarge, "the token is longer than this service accepts"));
        }
        Ok(Self(text))
    }

    /// Looks at every character.
    pub fn token(self) -> Result<RawToken<'a>, Refusal> {
        // Without leaving early, so that the compiler looks at many bytes at once.
        let is_visible = self.0.iter().fold(true, |all, byte| all & (b'!'..=b'~').contains(byte));
        let text = str::from_utf8(self.0).ok().filter(|_| is_visible);
        text.map(RawToken).ok_or_else(|| {
            Refusal::new(
                Reason::Malformed,
                "the token holds a character that no token may hold; send it without \"Bearer \" and without spaces",
            )
        })
    }

    /// All of it, for digesting. A name to grep for.
    pub fn expose(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> RawToken<'a> {
    /// Checks the bounds, cheapest first, and every character. Limits are in bytes.
    pub fn new(text: &'a str, max_bytes: usize) -> Result<Self, Refusal> {
        BoundedText::new(text, max_bytes)?.token()
    }

    /// The same, of which no more is claimed.
    pub fn bounded(self) -> BoundedText<'a> {
        BoundedText(self.0.as_bytes())
    }

    /// The token, to be kept for longer than the request.
    pub fn to_secret(self) -> Secret {
        Secret::new(self.0.as_bytes().to_vec())
    }

    /// Whether it begins so.
    pub fn begins_with(&self, prefix: &str) -> bool {
        self.0.starts_with(prefix)
    }

    /// Whether it is somewhere in this.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        memmem::find(bytes, self.0.as_bytes()).is_some()
    }

    /// A copy of its own.
    pub fn to_owned_token(self) -> OwnedToken {
        OwnedToken(Zeroizing::new(self.0.to_owned()))
    }

    /// The text, for parsing. A name to grep for.
    pub fn expose(&self) -> &'a str {
        self.0
    }
}

impl OwnedToken {
    /// As it was presented.
    pub fn as_raw(&self) -> RawToken<'_> {
        RawToken(&self.0)
    }
}

impl fmt::Debug for OwnedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedToken({} bytes)", self.0.len())
    }
}

impl fmt::Debug for BoundedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoundedText({} bytes)", self.0.len())
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
        let no_text = BoundedText::new(b"\xff", 8).and_then(BoundedText::token);
        assert_eq!(no_text.map(|_| ()).map_err(|refusal| refusal.reason()), Err(Reason::Malformed));
        assert_eq!(reason("12345678"), Ok(()));
    }

    #[test]
    fn debug_tells_only_the_length() {
        assert_eq!(format!("{:?}", RawToken::new("abc", 8).unwrap()), "RawToken(3 bytes)");
        assert_eq!(format!("{:?}", BoundedText::new("a c", 8).unwrap()), "BoundedText(3 bytes)");
        let owned = RawToken::new("abc", 8).unwrap().to_owned_token();
        assert_eq!(format!("{owned:?}"), "OwnedToken(3 bytes)");
    }
}
