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

    /// It came once.
    fn see(&self, text: &str, seconds: i64) -> IssuerId {
        let issuer = IssuerId::unique();
        self.remember(self.known_by(text), content(), issuer, 1, at(seconds));
        issuer
    }

    /// It came twice.
    fn learn(&self, text: &str, seconds: i64) {
        self.see(text, seconds);
        let digest = self.known_by(text);
        self.keep(digest, content(), self.seen(digest, at(seconds)).unwrap());
        assert!(self.seen(digest, at(seconds)).is_none(), "it is in one place only");
    }

    fn finds(&self, text: &str, seconds: i64) -> bool {
        self.find(self.known_by(text), at(seconds)).is_some()
    }

    fn has_seen(&self, text: &str, seconds: i64) -> bool {
        self.seen(self.known_by(text), at(seconds)).is_some()
    }
}

fn content() -> (VerifiedToken, EncodedToken) {
    (verified(&claims()), EncodedToken { bytes: Bytes::new(), claims_prefix: 0, refresh_suffix: 0 })
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

#[test]
fn c4_what_came_again_late_is_over_in_time_and_is_freed_behind_a_younger_one() {
    let cache = cache();
    cache.see("first", 0);
    cache.learn("second", 40);
    let digest = cache.known_by("first");
    cache.keep(digest, content(), cache.seen(digest, at(50)).unwrap());
    assert!(cache.finds("first", 59) && !cache.finds("first", 60));
    cache.sweep(at(60));
    assert_eq!(cache.size().0, 2);
    cache.sweep(at(100));
    assert_eq!(cache.size().0, 0);
}

#[test]
fn c4_what_came_once_is_over_at_the_same_time_and_is_freed() {
    let cache = cache();
    cache.see("once", 0);
    cache.see("later", 30);
    cache.see("tomorrow", 86_400);
    assert_eq!(cache.size(), (3, 3 * u64::try_from(SeenTokens::BYTES).unwrap()));
    assert!(!cache.finds("once", 0), "it is not kept whole");
    assert!(cache.has_seen("once", 59) && !cache.has_seen("once", 60));
    cache.sweep(at(60));
    assert_eq!(cache.size().0, 1, "the clock was set back, and one is over");
    assert!(cache.has_seen("later", 89));
    cache.forget(cache.known_by("once"));
    cache.forget(cache.known_by("later"));
    assert_eq!(cache.size(), (0, 0));
}

/// Also where they have one place.
#[test]
fn c1_what_came_once_is_never_taken_for_another() {
    let cache = cache();
    let names: Vec<String> = (0..4 * cache.seen.places()).map(|number| number.to_string()).collect();
    let issuers: Vec<IssuerId> = names.iter().map(|name| cache.see(name, 0)).collect();
    let mut found = 0;
    for (name, issuer) in names.iter().zip(issuers) {
        if let Some(seen) = cache.seen(cache.known_by(name), at(0)) {
            assert_eq!(seen.issuer, issuer, "{name}");
            found += 1;
        }
    }
    assert!(found <= cache.seen.places() && 2 * found > cache.seen.places(), "{found}");
    assert_eq!(cache.size().0, u64::try_from(found).unwrap());
    // One that takes the place of another is there, and forgetting the other leaves it.
    let last = names.last().unwrap();
    assert!(cache.has_seen(last, 0));
    names.iter().filter(|name| *name != last).for_each(|name| cache.forget(cache.known_by(name)));
    assert!(cache.has_seen(last, 0));
    assert_eq!(cache.size().0, 1);
}

#[test]
fn c4_places_count_against_the_bytes() {
    assert_eq!(SeenTokens::BYTES, 88, "docs/metrics.md says so");
    for max_bytes in [1 << 20, 64 << 20] {
        let cache = TokenCache::new(CacheSettings { max_bytes, max_age: AGE }).unwrap();
        let for_places = u64::try_from(cache.seen.places() * SeenTokens::BYTES).unwrap();
        assert!(for_places * 20 < max_bytes, "{for_places} of {max_bytes}");
        let whole = cache.verified.policy().max_capacity().unwrap();
        assert_eq!(whole + for_places, max_bytes);
    }
}
