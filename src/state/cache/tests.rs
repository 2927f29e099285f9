use super::{seen::TOGETHER, *};
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
        self.remember(self.known_by(text), content(), (issuer, 1), false, at(seconds));
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

/// It came while the sweep, which had looked at the clock before, went on.
#[test]
fn c4_a_sweep_leaves_what_is_younger_than_itself() {
    let cache = cache();
    cache.learn("whole", 61);
    cache.see("once", 61);
    cache.sweep(at(60));
    assert!(cache.finds("whole", 61) && cache.has_seen("once", 61));
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
fn c1_what_came_once_is_found_and_never_taken_for_another() {
    let cache = TokenCache::new(CacheSettings { max_bytes: 4 << 20, max_age: AGE }).unwrap();
    let names: Vec<String> = (0..2 * cache.seen.places()).map(|number| number.to_string()).collect();
    let issuers: Vec<IssuerId> = names.iter().map(|name| cache.see(name, 0)).collect();
    let mut once = 0;
    for (name, issuer) in names.iter().zip(issuers) {
        let digest = cache.known_by(name);
        let (seen, whole) = (cache.seen(digest, at(0)), cache.find(digest, at(0)));
        once += usize::from(seen.is_some());
        let found = seen.map(|seen| seen.issuer).xor(whole.map(|whole| whole.issuer()));
        assert_eq!(found, Some(issuer), "{name}");
    }
    assert!(once <= cache.seen.places() && 2 * once > cache.seen.places(), "{once}");
    assert_eq!(cache.size().0, u64::try_from(names.len()).unwrap());
    // Forgetting all others leaves one that has a place in common with some.
    let last = names.iter().rfind(|name| cache.has_seen(name, 0)).unwrap();
    names.iter().filter(|name| *name != last).for_each(|name| cache.forget(cache.known_by(name)));
    assert!(cache.has_seen(last, 0));
    assert_eq!(cache.size().0, 1);
}

/// Digests that have their places in one row of a table of one block.
fn of_one_row(digester: &Digester) -> impl Iterator<Item = TokenDigest> {
    let digest = |number: u32| digester.digest(BoundedText::new(&number.to_string(), 64).unwrap());
    (0..100_000).map(digest).filter(|digest| digest.place() % (SeenTokens::new(1).places() / TOGETHER) == 7)
}

#[test]
fn c4_who_finds_its_row_full_is_kept_whole() {
    let cache = TokenCache::new(CacheSettings { max_bytes: 1 << 20, max_age: AGE }).unwrap();
    let row = |name: &String| cache.known_by(name).place() % (cache.seen.places() / TOGETHER);
    let mut of_one_row = (0..100_000).map(|number| number.to_string()).filter(|name| row(name) == 7);
    let first: Vec<String> = of_one_row.by_ref().take(TOGETHER).collect();
    let other = of_one_row.next().unwrap();
    for name in first.iter().chain([&first[0]]) {
        cache.see(name, 0);
    }
    assert!(first.iter().all(|name| cache.has_seen(name, 0)));
    cache.see(&other, 29);
    assert!(cache.finds(&other, 29) && !cache.has_seen(&other, 29));
    assert!(first.iter().all(|name| cache.has_seen(name, 29)));
}

#[test]
fn c4_a_row_gives_what_is_empty_then_what_is_over_then_what_was_taken_longest_ago() {
    let (issuer, signed) = (IssuerId::unique(), verified(&claims()).signed().unwrap());
    let seen = |seconds| Seen { issuer, signed, generation: 1, until: at(seconds).plus(AGE) };
    for (seconds, is_put) in [(40, true), (39, false), (70, true), (-15, false), (-21, true)] {
        let (digester, places) = (Digester::draw().unwrap(), SeenTokens::new(1));
        let digests: Vec<TokenDigest> = of_one_row(&digester).take(TOGETHER + 1).collect();
        let (newcomer, earlier) = digests.split_last().unwrap();
        for (digest, since) in earlier.iter().zip([11, 10, 12, 13]) {
            assert!(places.put(*digest, seen(since), AGE), "the row is not full");
        }
        let found = |digest: &TokenDigest| places.find(*digest, at(13)).is_some();
        assert!(earlier.iter().all(found));
        assert_eq!(places.put(*newcomer, seen(seconds), AGE), is_put, "at {seconds}");
        let stayed: Vec<bool> = earlier.iter().map(found).collect();
        assert_eq!(stayed, [true, !is_put, true, true], "at {seconds}");
        assert_eq!(places.count(), TOGETHER);
    }
    // One alone in its row stays, however long ago it came.
    let (digester, places) = (Digester::draw().unwrap(), SeenTokens::new(1));
    let digests: Vec<TokenDigest> = of_one_row(&digester).take(2).collect();
    assert!(places.put(digests[0], seen(0), AGE) && places.put(digests[1], seen(59), AGE));
    assert!(digests.iter().all(|digest| places.find(*digest, at(59)).is_some()));
}

/// Whatever comes at once, one token is never found as another.
#[test]
fn c1_tokens_come_again_and_go_at_once() {
    let (digester, places) = (Digester::draw().unwrap(), SeenTokens::new(1));
    let digests: Vec<TokenDigest> = of_one_row(&digester).take(2 * TOGETHER).collect();
    let signed = verified(&claims()).signed().unwrap();
    let issuers: Vec<IssuerId> = digests.iter().map(|_| IssuerId::unique()).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (digests, issuers, places) = (&digests, &issuers, &places);
            scope.spawn(move || {
                for turn in 0..5_000 {
                    let nth = (turn * 7 + thread * 3) % digests.len();
                    let (digest, issuer) = (digests[nth], issuers[nth]);
                    // Some come so much later that they take others' places.
                    let until = at(60 + i64::try_from(turn % 100).unwrap());
                    places.put(digest, Seen { issuer, signed, generation: 1, until }, AGE);
                    if let Some(seen) = places.find(digest, at(0)) {
                        assert_eq!(seen.issuer, issuer);
                    }
                    match turn % 5 {
                        0 => places.remove(digest),
                        1 => places.sweep(|seen| seen.issuer == issuer),
                        _ => {}
                    }
                }
            });
        }
    });
    let left = digests.iter().filter(|digest| places.find(**digest, at(0)).is_some()).count();
    assert_eq!(places.count(), left);
    places.sweep(|_| true);
    assert_eq!(places.count(), 0);
}

#[test]
fn c4_a_place_is_not_held_for_longer_than_its_token_lives() {
    let (digester, places) = (Digester::draw().unwrap(), SeenTokens::new(1));
    let (issuer, signed) = (IssuerId::unique(), verified(&claims()).signed().unwrap());
    for seconds in 0..2 {
        let seen = Seen { issuer, signed, generation: 1, until: at(seconds + 1) };
        let mut put = 0;
        for number in 0..64 * places.places() {
            let name = format!("{number} at {seconds}");
            let digest = digester.digest(BoundedText::new(&name, 64).unwrap());
            put += usize::from(places.put(digest, seen, Duration::from_secs(1)));
        }
        assert_eq!((put, places.count()), (places.places(), places.places()));
    }
}

#[test]
fn c4_places_count_against_the_bytes() {
    if cfg!(target_os = "linux") {
        assert_eq!(SeenTokens::BYTES, 82, "docs/metrics.md says so");
    }
    for max_bytes in [1 << 20, (1 << 20) + 4096, 64 << 20, 3 << 30, 1 << 40] {
        let cache = TokenCache::new(CacheSettings { max_bytes, max_age: AGE }).unwrap();
        let for_places = u64::try_from(cache.seen.places() * SeenTokens::BYTES).unwrap();
        assert!(for_places * 12 < max_bytes, "{for_places} of {max_bytes}");
        let whole = cache.verified.policy().max_capacity().unwrap();
        assert_eq!(whole + for_places, max_bytes);
    }
}
