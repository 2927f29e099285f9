//! Tokens that came once.
//!
//! Many tokens never come again: those of machines that get a new one for each call, and what somebody replays to fill the cache.
//! Of such a token nothing is kept but that its signature verified, which takes a twentieth of the room. A second time it is
//! read again, without its signature being verified once more, and kept whole from then on.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::TokenDigest;
use crate::{
    domain::{time::UnixTime, verify::Signed},
    issuer::IssuerId,
};

/// Places that are laid out at once, when the first of them is needed.
const AT_ONCE: usize = 256;

/// More places than this are no use: so many tokens do not come before one of them comes again.
const MOST: usize = 1 << 20;

/// What is kept of a token that came once.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "which key signed which token is nobody's business")]
pub struct Seen {
    /// Under whose settings it was verified.
    pub issuer: IssuerId,
    /// That it was.
    pub signed: Signed,
    /// The key-set generation under which its key was published.
    pub generation: u64,
    /// When it has to be verified again.
    pub until: UnixTime,
}

type Place = Mutex<Option<(TokenDigest, Seen)>>;

/// Each token has one place, in which the latest stays: one whose place was taken is verified again, no more.
pub(super) struct SeenTokens {
    /// A power of two.
    blocks: Box<[OnceLock<Box<[Place]>>]>,
}

impl SeenTokens {
    /// What one takes, in bytes.
    pub(super) const BYTES: usize = size_of::<Place>();

    /// Has places for about so many, and at least one.
    pub(super) fn new(tokens: usize) -> Self {
        let places = tokens.clamp(1, MOST).next_power_of_two();
        Self { blocks: (0..places.div_ceil(AT_ONCE)).map(|_| OnceLock::new()).collect() }
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.blocks.len() * AT_ONCE
    }

    /// What is kept of it, unless its time is over.
    pub(super) fn find(&self, digest: TokenDigest, now: UnixTime) -> Option<Seen> {
        let block = self.block(digest)?.get()?;
        let (of, seen) = (*lock(block.get(at(digest))?))?;
        (of == digest && now < seen.until).then_some(seen)
    }

    pub(super) fn put(&self, digest: TokenDigest, seen: Seen) {
        let Some(block) = self.block(digest) else { return };
        let block = block.get_or_init(|| (0..AT_ONCE).map(|_| Place::default()).collect());
        if let Some(place) = block.get(at(digest)) {
            *lock(place) = Some((digest, seen));
        }
    }

    /// Forgets a token.
    pub(super) fn remove(&self, digest: TokenDigest) {
        let place = self.block(digest).and_then(OnceLock::get).and_then(|block| block.get(at(digest)));
        if let Some(place) = place {
            lock(place).take_if(|(of, _)| *of == digest);
        }
    }

    /// Forgets those of which this is true.
    pub(super) fn sweep(&self, is_over: impl Fn(&Seen) -> bool) {
        for place in self.laid_out() {
            lock(place).take_if(|(_, seen)| is_over(seen));
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.laid_out().filter(|place| lock(place).is_some()).count()
    }

    fn laid_out(&self) -> impl Iterator<Item = &Place> {
        self.blocks.iter().filter_map(OnceLock::get).flatten()
    }

    fn block(&self, digest: TokenDigest) -> Option<&OnceLock<Box<[Place]>>> {
        self.blocks.get(digest.place() / AT_ONCE % self.blocks.len())
    }
}

fn at(digest: TokenDigest) -> usize {
    digest.place() % AT_ONCE
}

fn lock(place: &Place) -> MutexGuard<'_, Option<(TokenDigest, Seen)>> {
    // Nothing in between can panic.
    place.lock().unwrap_or_else(PoisonError::into_inner)
}
