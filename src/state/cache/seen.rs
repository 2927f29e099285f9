//! Tokens that came once.
//!
//! Many tokens never come again: those of machines that get a new one for each call, and what somebody replays to fill the cache.
//! Of such a token nothing is kept but that its signature verified, which takes a twentieth of the room. A second time it is
//! read again, without its signature being verified once more, and kept whole from then on.

use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use super::TokenDigest;
use crate::{
    domain::{time::UnixTime, verify::Signed},
    issuer::IssuerId,
};

/// Places that are laid out at once, when the first of them is needed.
const AT_ONCE: usize = 256;

/// So long a token has its place for itself. One that comes again later than that may have to be verified again: seldom enough,
/// however many come.
const HELD: Duration = Duration::from_secs(30);

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

/// Each token has one place. Of two with the same one the second is to be kept whole: if it took the place, two that come in turn
/// would both be verified each time.
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

    /// Whether there is room for it. All of them live for `max_age`.
    pub(super) fn put(&self, digest: TokenDigest, seen: Seen, max_age: Duration) -> bool {
        let Some(block) = self.block(digest) else { return false };
        let block = block.get_or_init(|| (0..AT_ONCE).map(|_| Place::default()).collect());
        let Some(place) = block.get(at(digest)) else { return false };
        let mut place = lock(place);
        let begin = seen.until.minus(HELD.min(max_age));
        // What is there until later than this one will be came before the clock was set back.
        let is_held = |other: UnixTime| begin < other && other <= seen.until;
        let is_taken = place.is_some_and(|(of, other)| of != digest && is_held(other.until));
        if !is_taken {
            *place = Some((digest, seen));
        }
        !is_taken
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
