//! What memory has of a revocation: all of it, so that a store which has lost it can have it back.

use std::time::Duration;

use crate::domain::{
    revocation::{Reach, Revocation, Target, TargetKind},
    time::UnixTime,
};

/// A reach to everything: later than any time.
const ALL: i64 = i64::MAX;

/// A revocation without its target's key, 40 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// A cut-off in milliseconds, or [`ALL`]: the greater reaches further.
    reach: i64,
    made_at: UnixTime,
    until: UnixTime,
    in_store_until: UnixTime,
    kind: TargetKind,
    /// Whether the store's copy was found to hold all of it, in the reading that is under way or was the last.
    pub(super) seen: bool,
}

impl Kept {
    pub(super) fn new(revocation: &Revocation, seen: bool) -> Self {
        let Revocation { target, reach, made_at, until, kept_until } = *revocation;
        let reach = match reach {
            Reach::UpTo(cut_off) => cut_off.as_millis(),
            Reach::All => ALL,
        };
        Self { reach, made_at, until, in_store_until: kept_until, kind: target.kind(), seen }
    }

    pub(super) fn kind(&self) -> TargetKind {
        self.kind
    }

    pub(super) fn reach(&self) -> Reach {
        if self.reach == ALL { Reach::All } else { Reach::UpTo(UnixTime::from_millis(self.reach)) }
    }

    pub(super) fn revocation(&self, key: [u8; Target::KEY_BYTES]) -> Revocation {
        Revocation {
            target: Target::from_stored(self.kind, key),
            reach: self.reach(),
            made_at: self.made_at,
            until: self.until,
            kept_until: self.in_store_until,
        }
    }

    /// Until when it counts if a token may be valid for as long as `longest`: what was made under a shorter life has the one that
    /// is needed now. A token has an end of its own, which no configuration prolongs.
    pub(super) fn needed_until(&self, longest: Duration) -> UnixTime {
        if self.kind.is_of_one_token() { self.until } else { self.until.max(self.made_at.plus(longest)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r12_all_of_a_revocation_is_kept_in_forty_bytes() {
        assert_eq!(size_of::<Kept>(), 40);
        let at = UnixTime::from_secs;
        for kind in TargetKind::ALL {
            for reach in [Reach::All, Reach::UpTo(at(0)), Reach::UpTo(UnixTime::from_millis(i64::MAX))] {
                let target = Target::from_stored(kind, [3; Target::KEY_BYTES]);
                let one = Revocation { target, reach, made_at: at(1), until: at(2), kept_until: at(3) };
                assert_eq!(Kept::new(&one, true).revocation(*target.key()), one);
            }
        }
    }
}
