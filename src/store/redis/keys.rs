//! What the keys in Redis are called.

use aws_lc_rs::digest;

use crate::{
    domain::{
        revocation::Target,
        rotation::{FamilyId, RefreshDigest},
    },
    store::{KeySetOrigin, Pointer},
};

/// Everything of one deployment. What one script changes together has one hash tag, and so lies on one node of a cluster; the
/// rest is spread.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

/// In the home slot: revocations, what is counted of them, the feed, and what identity providers are still to be told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Home {
    /// Hash: schema, ring, epoch, seq, run.
    Meta,
    /// Hash: every revocation that is kept.
    Copy,
    /// Sorted set: their keys by `until`.
    Until,
    /// Sorted set: their keys by `kept_until`.
    Kept,
    /// Hash: what is held of each hour of `until`.
    Tallies,
    /// Stream: recorded orders.
    Feed,
    /// Hash: deliveries.
    Outbox,
    /// Hash: where earlier epochs ended.
    Was,
    /// String: the heartbeat's write.
    Beat,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn home(&self, which: Home) -> Vec<u8> {
        let name = match which {
            Home::Meta => "meta",
            Home::Copy => "copy",
            Home::Until => "until",
            Home::Kept => "kept",
            Home::Tallies => "tallies",
            Home::Feed => "feed",
            Home::Outbox => "outbox",
            Home::Was => "was",
            Home::Beat => "beat",
        };
        format!("{{{}}}:{name}", self.prefix).into_bytes()
    }

    pub(super) fn homes<const N: usize>(&self, which: [Home; N]) -> Vec<Vec<u8>> {
        which.into_iter().map(|which| self.home(which)).collect()
    }

    /// A session's hash.
    pub(super) fn session(&self, session: &[u8; 16]) -> Vec<u8> {
        format!("{}:session:{{{}}}", self.prefix, hex(session)).into_bytes()
    }

    /// What the names of all sessions' hashes match.
    pub(super) fn every_session(&self) -> String {
        let prefix: String = self.prefix.chars().flat_map(as_itself).collect();
        format!("{prefix}:session:*")
    }

    /// Whose hash has this name, as it is written there.
    pub(super) fn session_in<'n>(&self, name: &'n [u8]) -> Option<&'n [u8]> {
        let rest = name.strip_prefix(format!("{}:session:{{", self.prefix).as_bytes())?;
        rest.strip_suffix(b"}")
    }

    /// A subject's list of sessions.
    pub(super) fn sessions_of(&self, subject: &Target) -> Vec<u8> {
        format!("{}:sessions-of:{{{}}}", self.prefix, hex(subject.key())).into_bytes()
    }

    /// A token family's hash: version, record, held, and kept answers by [`answer_field`].
    pub(super) fn family(&self, family: FamilyId) -> Vec<u8> {
        format!("{}:family:{{{}}}", self.prefix, hex(&family.0)).into_bytes()
    }

    /// String: the family that a refresh token, or a session, belongs to.
    pub(super) fn pointer(&self, pointer: Pointer) -> Vec<u8> {
        let (kind, name) = match &pointer {
            Pointer::Token(digest) => ("refresh", &digest.0[..]),
            Pointer::Session(target) => ("held", &target.key()[..]),
        };
        format!("{}:{kind}:{{{}}}", self.prefix, hex(name)).into_bytes()
    }

    /// String: when all that happened under a name is forgotten. Names can hold anything, and be long.
    pub(super) fn limit(&self, name: &str) -> Vec<u8> {
        let name = digest::digest(&digest::SHA256, name.as_bytes());
        format!("{}:limit:{{{}}}", self.prefix, hex(name.as_ref())).into_bytes()
    }

    /// Hash: sealed key sets by [`origin_field`].
    pub(super) fn key_sets(&self) -> Vec<u8> {
        format!("{}:key-sets", self.prefix).into_bytes()
    }
}

/// Where a key set came from, each part behind its length.
pub(super) fn origin_field(origin: KeySetOrigin<'_>) -> Vec<u8> {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in [origin.issuer, origin.uri] {
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(hash.finish().as_ref()).into_bytes()
}

/// The answer to this token in its family.
pub(super) fn answer_field(to: &RefreshDigest) -> Vec<u8> {
    format!("a:{}", hex(&to.0)).into_bytes()
}

/// A character of a pattern that means nothing but itself.
fn as_itself(character: char) -> impl Iterator<Item = char> {
    let special = matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\');
    special.then_some('\\').into_iter().chain([character])
}

/// In lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

/// A target's key as it stands in a list of sessions.
pub(super) fn read_hex(text: &[u8]) -> Option<[u8; 16]> {
    let text = std::str::from_utf8(text).ok()?;
    let key = u128::from_str_radix(text, 16).ok()?.to_be_bytes();
    (hex(&key) == text).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_together_has_one_hash_tag_and_no_prefix_runs_into_another() {
        let keys = Keys::new("a:b");
        assert_eq!(keys.homes([Home::Meta, Home::Beat]), [b"{a:b}:meta".to_vec(), b"{a:b}:beat".to_vec()]);
        let session = keys.session(&[0xab; 16]);
        assert_eq!(String::from_utf8(session).unwrap(), format!("a:b:session:{{{}}}", "ab".repeat(16)));
    }

    #[test]
    fn a_key_is_written_in_one_way() {
        assert_eq!(read_hex(hex(&[7; 16]).as_bytes()), Some([7; 16]));
        let upper = "AB".repeat(16);
        for other in [&b""[..], b"7", b"+7", upper.as_bytes(), b"\xff"] {
            assert_eq!(read_hex(other), None, "{other:?}");
        }
    }

    #[test]
    fn parts_of_an_origin_never_run_into_each_other() {
        let field = |issuer, uri| origin_field(KeySetOrigin { issuer, uri });
        assert_ne!(field("a", "bc"), field("ab", "c"));
        assert_eq!(field("a", "bc").len(), 64);
    }
}
