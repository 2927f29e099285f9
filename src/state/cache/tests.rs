use super::*;
use crate::domain::testing::{at, claims, verified};

const AGE: Duration = Duration::from_mins(1);

fn cache() -> TokenCache {
    TokenCache::new(CacheSettings { max_bytes: 1 << 20, max_age: AGE }).unwrap()
}

impl TokenCache {
    fn known_by(&self, text: &str) -> TokenDigest {
        self.digest(BoundedText::new(text, 64).unwrap())
    }

    fn learn(&self, text: &str, seconds: i64) {
        let encoded = EncodedToken { bytes: Bytes::new(), claims_prefix: 0, refresh_suffix: 0 };
        let token = verified(&claims());
        self.remember(self.known_by(text), (token, encoded), IssuerId::unique(), 1, at(seconds));
    }

    fn finds(&self, text: &str, seconds: i64) -> bool {
        self.find(self.known_by(text), at(seconds)).is_some()
    }
}

#[test]
fn c4_what_is_over_is_freed_and_what_was_verified_anew_stays() {
    let cache = cache();
    for (text, seconds) in [("old", 0), ("renewed", 0), ("young", 30), ("renewed", 59)] {
        cache.learn(text, seconds);
    }
    assert_eq!(cache.size().0, 3);
    assert!(["old", "renewed", "young"].iter().all(|text| cache.finds(text, 59)));
    assert!(!cache.finds("old", 60), "its time is over, swept or not");
    cache.sweep(at(60));
    assert_eq!(cache.size().0, 2);
    for (text, seconds, is_there) in
        [("old", 60, false), ("renewed", 118, true), ("young", 89, true), ("young", 90, false)]
    {
        assert_eq!(cache.finds(text, seconds), is_there, "{text} at {seconds}");
    }
    cache.sweep(at(119));
    assert_eq!(cache.size().0, 0);
}

/// What was learnt before that counts for longer than it should, and holds up nobody.
#[test]
fn c4_what_is_over_is_freed_although_the_clock_was_set_back() {
    let cache = cache();
    cache.learn("tomorrow", 86_400);
    cache.learn("today", 0);
    cache.learn("a minute later", 60);
    cache.sweep(at(60));
    assert!(!cache.finds("tomorrow", 60));
    assert!(cache.finds("a minute later", 60));
    assert_eq!(cache.size().0, 1);
}
