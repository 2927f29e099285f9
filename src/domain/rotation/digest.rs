//! How refresh tokens and their families are recognised without being kept (F9).

use std::fmt;

/// What stands for a refresh token of an issuer and client: a keyed digest, from which nothing of the token can be got back and
/// which nobody without the key ring can compute.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefreshDigest(pub [u8; 32]);

/// Names a family: taken from the digest of the first token that was seen of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FamilyId(pub [u8; 16]);

impl RefreshDigest {
    /// The family that begins with this token: all replicas that see it first at the same time mean the same one.
    pub fn family(&self) -> FamilyId {
        let mut id = [0; 16];
        id.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        FamilyId(id)
    }
}

/// Six digits of it: enough to follow one in a log, and of no use otherwise.
impl fmt::Debug for RefreshDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, ..] = self.0;
        write!(f, "RefreshDigest({first:02x}{second:02x}{third:02x})")
    }
}

impl fmt::Debug for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, ..] = self.0;
        write!(f, "FamilyId({first:02x}{second:02x}{third:02x})")
    }
}
