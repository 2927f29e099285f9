//! Tokens that came once.
//!
//! Many tokens never come again: those of machines that get a new one for each call, and what somebody replays to fill the cache.
//! Of such a token nothing is kept but that its signature verified, which takes a twentieth of the room. A second time it is
//! read again, without its signature being verified once more, and kept whole from then on.

use std::{
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{CLOCK_SLACK, TokenDigest};
use crate::{
    domain::{time::UnixTime, verify::Signed},
    issuer::IssuerId,
};

/// Tokens that have their places in common. With one each, one of six finds its own taken while a third of all is being taken; with
/// four, one or two of a hundred.
pub(super) const TOGETHER: usize = 4;

/// Rows that are laid out at once, when the first of them is needed.
const AT_ONCE: usize = 64;

/// So long a token has its place for itself, whatever comes. One that comes again later than that may have to be verified again, as
/// it may have to be where the least recently used one of whole tokens goes.
const HELD: Duration = Duration::from_secs(30);

/// More places than this are not laid out, in caches of 8 GiB and more: a sweep looks at all of them.
const MOST: usize = 1 << 22;

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

/// The places that some tokens have in common.
#[derive(Default)]
struct Row {
    /// Beside each other, since most that is looked for is not there.
    digests: [TokenDigest; TOGETHER],
    seen: [Option<Seen>; TOGETHER],
}

type Block = OnceLock<Box<[Mutex<Row>]>>;

/// Each token has a place in one row. One that finds it full is to be kept whole: if it took another's place, two that come in turn
/// would both be verified each time. What is laid out once stays.
pub(super) struct SeenTokens {
    blocks: Box<[Block]>,
    taken: AtomicUsize,
}

impl Row {
    fn find(&self, digest: TokenDigest) -> Option<&Seen> {
        self.digests
            .iter()
            .zip(&self.seen)
            .filter(|(of, _)| **of == digest)
            .find_map(|(_, seen)| seen.as_ref())
    }

    /// Where the token is already; or else an empty place; or else the one that has been taken for longest, if nothing is held there.
    fn place(
        &mut self,
        digest: TokenDigest,
        is_held: impl Fn(&Seen) -> bool,
    ) -> Option<(&mut TokenDigest, &mut Option<Seen>)> {
        let is_there = self.find(digest).is_some();
        let fits = |of: &TokenDigest, seen: &Option<Seen>| {
            if is_there { *of == digest && seen.is_some() } else { !seen.as_ref().is_some_and(&is_held) }
        };
        let fitting = self.digests.iter_mut().zip(&mut self.seen).filter(|(of, seen)| fits(of, seen));
        fitting.min_by_key(|(_, seen)| seen.as_ref().map(|seen| seen.until))
    }
}

impl SeenTokens {
    /// What one takes, in bytes.
    pub(super) const BYTES: usize = size_of::<Mutex<Row>>() / TOGETHER;

    /// Has places for about so many, and at least some.
    pub(super) fn new(tokens: usize) -> Self {
        let blocks = tokens.clamp(1, MOST).div_ceil(AT_ONCE * TOGETHER);
        Self { blocks: (0..blocks).map(|_| OnceLock::new()).collect(), taken: AtomicUsize::new(0) }
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.blocks.len() * AT_ONCE * TOGETHER
    }

    /// What is kept of it, unless its time is over.
    pub(super) fn find(&self, digest: TokenDigest, now: UnixTime) -> Option<Seen> {
        let row = lock(self.block(digest)?.get()?.get(row_of(digest))?);
        row.find(digest).copied().filter(|seen| now < seen.until)
    }

    /// Whether there is room for it. All of them live for `max_age`.
    pub(super) fn put(&self, digest: TokenDigest, seen: Seen, max_age: Duration) -> bool {
        let Some(block) = self.block(digest) else { return false };
        let block = block.get_or_init(|| (0..AT_ONCE).map(|_| Mutex::default()).collect());
        let Some(row) = block.get(row_of(digest)) else { return false };
        let begin = seen.until.minus(HELD.min(max_age));
        // What is there for much longer than this one will be came before the clock was set back.
        let latest = seen.until.plus(CLOCK_SLACK);
        let is_held = |other: &Seen| begin < other.until && other.until <= latest;
        let mut row = lock(row);
        let Some((of, place)) = row.place(digest, is_held) else { return false };
        *of = digest;
        if place.replace(seen).is_none() {
            self.taken.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Forgets a token.
    pub(super) fn remove(&self, digest: TokenDigest) {
        let row = self.block(digest).and_then(OnceLock::get).and_then(|block| block.get(row_of(digest)));
        if let Some(mut row) = row.map(lock) {
            let Row { digests, seen } = &mut *row;
            let gone =
                digests.iter().zip(seen).filter(|(of, _)| **of == digest).filter_map(|(_, seen)| seen.take());
            self.taken.fetch_sub(gone.count(), Ordering::Relaxed);
        }
    }

    /// Forgets those of which this is true.
    pub(super) fn sweep(&self, is_over: impl Fn(&Seen) -> bool) {
        for row in self.blocks.iter().filter_map(OnceLock::get).flatten() {
            let mut row = lock(row);
            let gone = row.seen.iter_mut().filter_map(|place| place.take_if(|seen| is_over(seen)));
            self.taken.fetch_sub(gone.count(), Ordering::Relaxed);
        }
    }

    /// How many there are, of which some may be over.
    pub(super) fn count(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    fn block(&self, digest: TokenDigest) -> Option<&Block> {
        self.blocks.get(digest.place() / AT_ONCE % self.blocks.len())
    }
}

fn row_of(digest: TokenDigest) -> usize {
    digest.place() % AT_ONCE
}

fn lock(row: &Mutex<Row>) -> MutexGuard<'_, Row> {
    // Nothing in between can panic.
    row.lock().unwrap_or_else(PoisonError::into_inner)
}
