//! What the edge remembers: each route's policy, read once, and each token's answer for a route, written once.
//!
//! One of these stands for one state of the configuration; another configuration gets another, with nothing in it.

use std::{
    fmt,
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use moka::{policy::EvictionPolicy, sync::Cache};
use smallvec::SmallVec;

use super::cache::CachedToken;
use crate::domain::edge::{
    route::{PolicyProblem, RoutePolicy},
    settings::EdgeSettings,
};

/// Bytes of routes that are remembered. A proxy has as many as somebody wrote down, but anybody who may call can make some up.
const MOST_ROUTE_BYTES: u64 = 4 * 1024 * 1024;

/// Longer routes are read each time, in bytes.
const LONGEST_ROUTE: usize = 16 * 1024;

/// Bytes of answers that are remembered, beside `cache.max_bytes`.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What an entry takes beside its bytes: its keys, the allocator's share, moka's own record.
const OVERHEAD: usize = 256;

/// A route's policy, or why it has none.
#[derive(Debug)]
pub struct Route {
    /// No other route has, or had, this number.
    number: u64,
    /// What it asks.
    pub policy: Result<RoutePolicy, PolicyProblem>,
    is_reported: AtomicBool,
}

impl Route {
    /// Whether nobody has told yet what is wrong with it; true once.
    pub fn is_first_report(&self) -> bool {
        !self.is_reported.swap(true, Ordering::Relaxed)
    }
}

/// For whom an answer is: nobody's answers have numbers that no token has.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub enum Whose<'t> {
    /// A token's.
    Token(&'t CachedToken),
    /// That of a request without identity.
    Nobody,
}

/// A route's words, as [`key`] writes them.
type Words = Box<[u8]>;

/// The edge, under one configuration.
pub struct Edge {
    settings: EdgeSettings,
    silent: Arc<Route>,
    unsaid: Route,
    routes: Cache<Words, Arc<Route>>,
    answers: Cache<(u64, u64), Bytes>,
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Edge {
    /// An edge that remembers nothing yet.
    pub fn new(settings: EdgeSettings) -> Self {
        let answer_weight = |_: &(u64, u64), answer: &Bytes| weight(answer.len());
        Self {
            silent: route([], &settings),
            unsaid: Route {
                number: next_number(),
                policy: Err(PolicyProblem::unsaid()),
                is_reported: AtomicBool::new(false),
            },
            settings,
            // The words are in the key, and once more as they were read.
            routes: Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .max_capacity(MOST_ROUTE_BYTES)
                .weigher(|words: &Words, _| weight(2 * words.len()))
                .build(),
            answers: Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .max_capacity(MOST_BYTES)
                .weigher(answer_weight)
                .build(),
        }
    }

    /// How requests are answered.
    pub fn settings(&self) -> &EdgeSettings {
        &self.settings
    }

    /// The route that says this.
    pub fn route(&self, words: &[(&str, &str)]) -> Arc<Route> {
        if words.is_empty() {
            return Arc::clone(&self.silent);
        }
        if words.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > LONGEST_ROUTE {
            return route(words.iter().copied(), &self.settings);
        }
        let mut words: SmallVec<[(&str, &str); 8]> = words.into();
        // A map has no order.
        words.sort_unstable();
        let key = key(&words);
        if let Some(route) = self.routes.get(key.as_slice()) {
            return route;
        }
        let route = route(words, &self.settings);
        self.routes.insert(key.as_slice().into(), Arc::clone(&route));
        route
    }

    /// What stands for a route about which nothing is said, and nothing passes.
    pub fn unsaid(&self) -> &Route {
        &self.unsaid
    }

    /// The answer for a token on a route, made by `make` the first time.
    pub fn answer(&self, whose: Whose<'_>, route: &Route, make: impl FnOnce() -> Bytes) -> Bytes {
        let number = match whose {
            Whose::Token(cached) => cached.number().map(NonZeroU64::get),
            Whose::Nobody => Some(0),
        };
        let Some(number) = number else { return make() };
        let key = (number, route.number);
        if let Some(answer) = self.answers.get(&key) {
            return answer;
        }
        let answer = make();
        self.answers.insert(key, answer.clone());
        answer
    }
}

fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes + OVERHEAD).unwrap_or(u32::MAX)
}

fn next_number() -> u64 {
    static NUMBERS: AtomicU64 = AtomicU64::new(0);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

fn route<'w>(words: impl IntoIterator<Item = (&'w str, &'w str)>, settings: &EdgeSettings) -> Arc<Route> {
    let policy = RoutePolicy::read(words, &settings.sources);
    Arc::new(Route { number: next_number(), policy, is_reported: AtomicBool::new(false) })
}

/// Each text with its length in front, so that no two lists look the same.
fn key(words: &[(&str, &str)]) -> SmallVec<[u8; 256]> {
    let mut key = SmallVec::new();
    for text in words.iter().flat_map(|(name, value)| [name, value]) {
        key.extend_from_slice(&text.len().to_le_bytes());
        key.extend_from_slice(text.as_bytes());
    }
    key
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        domain::{
            testing::{at, claims, verified},
            token::BoundedText,
        },
        issuer::IssuerId,
        state::cache::{CacheSettings, EncodedToken, TokenCache},
    };

    #[test]
    fn a_route_is_read_once_in_whatever_order_its_words_come() {
        let edge = Edge::new(EdgeSettings::default());
        let first = edge.route(&[("optional", "true"), ("kind", "id")]);
        let again = edge.route(&[("kind", "id"), ("optional", "true")]);
        let other = edge.route(&[("kind", "id"), ("optional", "false")]);
        assert_eq!(first.number, again.number);
        assert_ne!(first.number, other.number);
        assert!(first.policy.as_ref().is_ok_and(|policy| policy.optional));
    }

    #[test]
    fn an_answer_is_kept_for_a_token_that_is_found_again_and_for_nobody() {
        let cache =
            TokenCache::new(CacheSettings { max_bytes: 1 << 20, max_age: Duration::from_mins(1) }).unwrap();
        let content = || {
            let encoded = EncodedToken { bytes: Bytes::new(), claims_prefix: 0, refresh_suffix: 0 };
            (verified(&claims()), encoded)
        };
        let digest = cache.digest(BoundedText::new("token", 8).unwrap());
        let once = cache.remember(digest, content(), (IssuerId::unique(), 1), false, at(0));
        let kept = cache.keep(digest, content(), cache.seen(digest, at(0)).unwrap());
        let edge = Edge::new(EdgeSettings::default());
        let route = edge.route(&[]);
        let answer = |whose, made| edge.answer(whose, &route, || Bytes::from_static(made));
        for (whose, first, second) in [
            (Whose::Token(&once), b"o1", b"o2"),
            (Whose::Token(&kept), b"k1", b"k1"),
            (Whose::Nobody, b"n1", b"n1"),
            (Whose::Token(&once), b"o3", b"o4"),
        ] {
            assert_eq!(answer(whose, first), &first[..]);
            let made = if first == second { b"xx" } else { second };
            assert_eq!(answer(whose, made), &second[..]);
        }
    }

    #[test]
    fn what_is_wrong_with_a_route_is_told_once() {
        let edge = Edge::new(EdgeSettings::default());
        let words = [("optoinal", "true")];
        assert!(edge.route(&words).policy.is_err());
        assert!(edge.route(&words).is_first_report());
        assert!(!edge.route(&words).is_first_report());
    }

    #[test]
    fn a_long_route_is_not_remembered() {
        let edge = Edge::new(EdgeSettings::default());
        let long = "a,".repeat(4_000);
        let words = [("audiences", long.as_str()), ("required_scopes", &long), ("required_roles", &long)];
        assert_ne!(edge.route(&words).number, edge.route(&words).number);
        assert!(edge.route(&words).policy.is_ok());
    }

    #[test]
    fn words_do_not_run_into_each_other() {
        assert_ne!(key(&[("ab", "c")]), key(&[("a", "bc")]));
        assert_ne!(key(&[("a", "b"), ("c", "d")]), key(&[("a", "b")]));
    }

    #[test]
    fn an_answer_is_made_once_for_each_route() {
        let edge = Edge::new(EdgeSettings::default());
        let (one, two) = (edge.route(&[]), edge.route(&[("kind", "id")]));
        let make = |text: &'static str| move || Bytes::from_static(text.as_bytes());
        assert_eq!(edge.answer(Whose::Nobody, &one, make("a")), "a");
        assert_eq!(edge.answer(Whose::Nobody, &one, make("b")), "a");
        assert_eq!(edge.answer(Whose::Nobody, &two, make("c")), "c");
    }
}
