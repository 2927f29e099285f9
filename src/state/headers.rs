//! The headers of tokens that verified. An issuer writes the same one into every token that it signs with one key, and reading it
//! takes a third of the time that reading a whole token does.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use arc_swap::{ArcSwap, Guard};

use crate::domain::jws::{KnownHeader, UnverifiedJws};

/// So many are looked through for each token that is not cached.
const MOST: usize = 16;
/// Where there are more, one in so many takes another's place: otherwise each token would.
const ONE_IN: u32 = 64;

/// Those seen lately.
#[derive(Default)]
pub struct Headers {
    known: ArcSwap<Vec<Arc<KnownHeader>>>,
    turned_away: AtomicU32,
}

/// Those that there are.
#[expect(missing_debug_implementations, reason = "it holds parts of tokens")]
pub struct Known(Guard<Arc<Vec<Arc<KnownHeader>>>>);

impl Headers {
    /// To be looked through.
    pub fn known(&self) -> Known {
        Known(self.known.load())
    }

    /// Remembers the header of a token that verified.
    pub fn learn(&self, jws: &UnverifiedJws<'_>) {
        let Some(header) = jws.header_to_know() else { return };
        let is_full = self.known.load().len() >= MOST;
        if is_full && !self.turned_away.fetch_add(1, Ordering::Relaxed).is_multiple_of(ONE_IN) {
            return;
        }
        let header = Arc::new(header);
        self.known.rcu(|known| {
            // The oldest goes. Two that learn the same at once leave it twice, until it goes.
            let kept = known.len().saturating_sub(MOST - 1);
            known.iter().skip(kept).chain([&header]).cloned().collect::<Vec<_>>()
        });
    }
}

impl Known {
    /// The one that is written so.
    pub fn find(&self, written: &str) -> Option<&KnownHeader> {
        self.0.iter().find(|header| header.is_written(written)).map(Arc::as_ref)
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headers").field("known", &self.known.load().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;
    use crate::domain::{algorithm::Algorithm, jws::UnverifiedParts, token::RawToken};

    fn written(header: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(header)
    }

    fn of_key(key: usize) -> String {
        written(&format!(r#"{{"alg":"RS256","typ":"at+jwt","kid":"{key}"}}"#))
    }

    /// As if it had verified.
    fn see(headers: &Headers, header: &str) {
        let token = format!("{header}.{}.AA", written("{}"));
        let known = headers.known();
        let token = RawToken::new(&token, 4096).unwrap();
        let parts = UnverifiedParts::decode_knowing(token, |written| known.find(written)).unwrap();
        let jws = parts.read().unwrap();
        assert_eq!(jws.header.algorithm, Some(Algorithm::RS256));
        assert!(jws.header.key_id.is_some());
        headers.learn(&jws);
    }

    fn knows(headers: &Headers, header: &str) -> bool {
        headers.known().find(header).is_some()
    }

    #[test]
    fn a_header_that_verified_is_known_by_its_bytes() {
        let headers = Headers::default();
        for _ in 0..3 {
            see(&headers, &of_key(1));
        }
        assert!(knows(&headers, &of_key(1)));
        assert_eq!(headers.known.load().len(), 1, "once");
        for other in [of_key(2), of_key(1).split_off(1), format!("{}A", of_key(1)), String::new()] {
            assert!(!knows(&headers, &other), "{other}");
        }
    }

    #[test]
    fn there_are_never_many_and_new_ones_come_in_at_last() {
        let headers = Headers::default();
        (0..MOST).for_each(|key| see(&headers, &of_key(key)));
        assert!((0..MOST).all(|key| knows(&headers, &of_key(key))));
        let many = usize::try_from(ONE_IN).unwrap();
        (0..many).for_each(|key| see(&headers, &of_key(1000 + key)));
        assert_eq!(headers.known.load().len(), MOST);
        let new = (0..many).filter(|key| knows(&headers, &of_key(1000 + key))).count();
        assert_eq!(new, 1);
        assert!(!knows(&headers, &of_key(0)), "the oldest has gone");
        assert!((1..MOST).all(|key| knows(&headers, &of_key(key))));
    }

    #[test]
    fn a_long_one_is_read_each_time() {
        let headers = Headers::default();
        let long = written(&format!(r#"{{"alg":"RS256","kid":"1","pad":"{}"}}"#, "x".repeat(500)));
        see(&headers, &long);
        assert!(!knows(&headers, &long));
    }
}
