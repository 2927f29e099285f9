//! Chance, for ids that nothing else has and for pauses that do not coincide.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::{digest, rand};

use crate::state::digest::NoRandomness;

/// Draws without end from a seed: what comes of the same seed is the same.
#[derive(Debug)]
pub(super) struct Draws {
    seed: [u8; 32],
    drawn: AtomicU64,
}

/// Between 0 and 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter(pub(super) f64);

impl Draws {
    /// From this seed.
    pub(super) fn from_seed(seed: [u8; 32]) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }

    /// From one that nobody else has.
    pub(super) fn fresh() -> Result<Self, NoRandomness> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).map_err(|_unspecified| NoRandomness)?;
        Ok(Self::from_seed(seed))
    }

    /// An id.
    pub(super) fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id.iter_mut().zip(self.next().as_ref()).for_each(|(to, from)| *to = *from);
        id
    }

    /// A part of a pause.
    pub(super) fn jitter(&self) -> Jitter {
        let mut bytes = [0; 4];
        bytes.iter_mut().zip(self.next().as_ref()).for_each(|(to, from)| *to = *from);
        Jitter(f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX))
    }

    fn next(&self) -> digest::Digest {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(&self.seed);
        hash.update(&self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        hash.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_comes_twice_and_jitter_is_everywhere_between_nothing_and_all() {
        let draws = Draws::fresh().unwrap();
        let ids: HashSet<_> = (0..1000).map(|_| draws.id()).collect();
        assert_eq!(ids.len(), 1000);
        let jitters: Vec<_> = (0..1000).map(|_| draws.jitter().0).collect();
        assert!(jitters.iter().all(|jitter| (0.0..=1.0).contains(jitter)));
        assert!(jitters.iter().any(|it| *it < 0.1) && jitters.iter().any(|it| *it > 0.9));
    }
}
