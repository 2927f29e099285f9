//! The sections that concern the whole process.

use std::time::Duration;

use super::{
    key::Key,
    keys::{bytes, count},
    scalar::Size,
    section::Section,
};
use crate::{
    api::{LimitSettings, ServerSettings},
    state::{
        cache::CacheSettings,
        revocations::{OnStale, RevocationSettings},
    },
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

const SERVER: Key = Key::restart("server", "The gRPC server.");
const REFLECTION: Key =
    Key::restart("reflection", "Whether gRPC reflection answers, for grpcurl and the like.");
const MAX_CONNECTION_AGE: Key = Key::restart(
    "max_connection_age",
    "Older connections are asked to go elsewhere, so that clients find new replicas; calls on them finish.",
);
const KEEPALIVE: Key = Key::restart("keepalive", "Interval of HTTP/2 pings.");
const MAX_HEADER_BYTES: Key = Key::restart("max_header_bytes", "Limit for a request's headers together.");

const CACHE: Key = Key::restart("cache", "The cache of verified tokens.");
const CACHE_BYTES: Key = Key::restart("max_bytes", "Memory for verified tokens.");
const CACHE_AGE: Key = Key::restart("max_age", "How long a verified token is remembered at most.");

const LIMITS: Key = Key::reload("limits", "What is too much.");
const MAX_TOKEN_BYTES: Key = Key::reload("max_token_bytes", "Longer tokens are refused unread.");
const MAX_CONCURRENT: Key = Key::reload(
    "max_concurrent",
    "Calls at work at once; more are answered OVERLOADED. What part of it one connection may have is settled at start.",
);
const DRAIN: Key =
    Key::reload("drain", "How long calls in flight may take to finish when the process is stopped.");

const REVOCATION: Key =
    Key::reload("revocation", "How current revocations have to be, and how many there may be.");
const MAX_STALENESS: Key = Key::reload(
    "max_staleness",
    "How old what is known of revocations may be, counted from the last contact with Redis. The embedded store has one \
     writer, this process, so that nothing here is ever older.",
);
const ON_STALE: Key = Key::reload(
    "on_stale",
    "What happens to a token whose revocations cannot be told, because the store does not answer: `serve` lets it pass \
     if nothing in memory is against it, `refuse` answers that nobody can tell.",
);
const ISSUER_CLOCK_AHEAD: Key = Key::reload(
    "issuer_clock_ahead",
    "How far an issuer's clock may be ahead of this one: so much is added to a cut-off that says no time of its own.",
);
const MAX_ENTRIES: Key = Key::reload(
    "max_entries",
    "Revocations in memory. At this many, single tokens and sessions are answered REVOCATIONS_FULL; those of a subject, a \
     client or an issuer are still taken. One takes about 200 bytes.",
);

/// Documented sections whose features are to come, and what they are for.
const TO_COME: [(&str, &str); 5] = [
    ("tls", "TLS for `listen`"),
    ("callers", "who may call what"),
    ("sessions", "tracking and timeouts"),
    ("cookies", "browser sessions"),
    ("events", "the stream of what happened"),
];

/// Reads `server`.
pub(super) fn server(root: &mut Section<'_, '_>) -> ServerSettings {
    root.section(SERVER, |server| ServerSettings {
        reflection: server.value(REFLECTION, false),
        max_connection_age: server.within_or_off(
            MAX_CONNECTION_AGE,
            Some(HOUR / 2),
            &(SECOND..=24 * 7 * HOUR),
        ),
        keepalive: server.within_or_off(KEEPALIVE, Some(20 * SECOND), &(SECOND..=HOUR)),
        max_header_bytes: u32::try_from(
            server.within(MAX_HEADER_BYTES, Size::kib(64), &(Size::kib(8)..=Size::mib(1))).0,
        )
        .unwrap_or(u32::MAX),
    })
}

/// Reads `cache`.
pub(super) fn cache(root: &mut Section<'_, '_>) -> CacheSettings {
    root.section(CACHE, |cache| CacheSettings {
        max_bytes: cache.within(CACHE_BYTES, Size::mib(64), &(Size::mib(1)..=Size::gib(1_024))).0,
        max_age: cache.within(CACHE_AGE, HOUR / 12, &(Duration::from_millis(1)..=24 * HOUR)),
    })
}

/// Reads `revocation`.
pub(super) fn revocation(root: &mut Section<'_, '_>) -> RevocationSettings {
    let words = [("serve", OnStale::Serve), ("refuse", OnStale::Refuse)];
    root.section(REVOCATION, |revocation| RevocationSettings {
        max_staleness: revocation.within(MAX_STALENESS, 60 * SECOND, &(2 * SECOND..=HOUR)),
        on_stale: revocation.choice(ON_STALE, OnStale::Serve, &words),
        issuer_clock_ahead: revocation.within(
            ISSUER_CLOCK_AHEAD,
            2 * SECOND,
            &(Duration::ZERO..=60 * SECOND),
        ),
        max_entries: revocation.within(MAX_ENTRIES, 2_000_000, &(1_000..=100_000_000)),
    })
}

/// Reads `limits`.
pub(super) fn limits(root: &mut Section<'_, '_>) -> LimitSettings {
    root.section(LIMITS, |limits| LimitSettings {
        max_token_bytes: bytes(limits.within(MAX_TOKEN_BYTES, Size::kib(16), &(Size(256)..=Size::mib(1)))),
        max_concurrent: count(limits.within(MAX_CONCURRENT, 4_096, &(1..=1_000_000))),
        drain: limits.within(DRAIN, 25 * SECOND, &(Duration::ZERO..=HOUR)),
    })
}

/// Refuses what is to come.
pub(super) fn not_built(root: &mut Section<'_, '_>) {
    for (key, about) in TO_COME {
        root.not_built(key, about);
    }
}
