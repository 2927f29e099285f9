//! `refresh` and `issuers[].refresh`: how tokens are refreshed once for everybody.

use std::time::Duration;

use super::{key::Key, keys::count, profile::Rotates, section::Section};
use crate::{
    domain::{limit::Limit, refresh::RefreshSettings, rotation::Rotation},
    issuer::IssuerRefresh,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What a lease has beyond the time for the exchange, to store what came of it.
const TO_STORE: Duration = Duration::from_secs(2);
/// What an issuer's grace has beyond a lease, so that who takes over a dead replica's exchange still reaches the issuer within it.
const TO_TAKE_OVER: Duration = Duration::from_secs(3);

const REFRESH: Key = Key::reload("refresh", "How tokens are refreshed, once for everybody who asks.");
const EARLY: Key = Key::reload(
    "early",
    "How long before its end a token says `should_refresh`; a fifth of its life, if that is shorter. Each session is up to a \
     quarter of that sooner, always by the same, so that not all come at once.",
);
const REPLAY: Key = Key::reload(
    "replay",
    "How long whoever presents a refresh token that was exchanged gets the same answer again.",
);
const REPLAY_MAX: Key = Key::reload(
    "replay_max",
    "The same as long as nobody has presented the answer's refresh token: an answer may have been lost on its way. Never less than \
     `replay`.",
);
const LINEAGE: Key = Key::reload(
    "lineage",
    "How long refresh tokens that were exchanged are remembered. Presented within this time, and too late for an answer, they are \
     stolen, and the session ends; later they are unknown, and the issuer is asked.",
);
const UPSTREAM_TIMEOUT: Key =
    Key::reload("upstream_timeout", "For one exchange at the issuer, with all that is sent again.");
const LEASE: Key = Key::reload(
    "lease",
    "How long other replicas wait for the one that exchanges a token, before they count it as dead. At least 2s more than \
     `upstream_timeout`, and 3s less than each issuer's `grace`.",
);
const LIMIT: Key = Key::reload("limit", "Exchanges of one session's tokens.");
const CALLER_LIMIT: Key = Key::reload("caller_limit", "Exchanges that one caller may cause.");
const ISSUER_LIMIT: Key = Key::reload("issuer_limit", "Exchanges at one issuer, of all replicas together.");
const BURST: Key = Key::reload("burst", "So many at once, and so many in each `per`.");
const PER: Key = Key::reload("per", "The time in which so many may be.");
const MAX_CONCURRENT: Key =
    Key::reload("max_concurrent", "Exchanges at one issuer at the same time, of one replica.");

const ISSUER_REFRESH: Key =
    Key::reload("refresh", "How the issuer exchanges refresh tokens, and what is sent with each exchange.");
const ROTATION: Key = Key::reload(
    "rotation",
    "What becomes of a refresh token that was exchanged. `none`: it stays good. `graceful`: it is good for `grace` longer. \
     `strict`: its second use may end the session, so that after a lost answer nothing is sent before the access token has \
     ended. `unknown` is treated as `strict`.",
)
.or_profile();
const GRACE: Key =
    Key::reload("grace", "With `rotation: graceful`, how long, counted from the first use.").or_profile();
const RESOURCE: Key = Key::reload("resource", "Sent as `resource` (RFC 8707), each by itself.");
const AUDIENCE: Key =
    Key::reload("audience", "Sent as `audience`, as Auth0 and Ory Hydra know it.").or("none");

/// Reads the section that concerns all issuers.
pub(super) fn read(root: &mut Section<'_, '_>) -> RefreshSettings {
    let default = RefreshSettings::default();
    root.section(REFRESH, |refresh| {
        let read = RefreshSettings {
            early: refresh.within(EARLY, default.early, &(Duration::ZERO..=HOUR)),
            replay: refresh.within(REPLAY, default.replay, &(Duration::ZERO..=HOUR)),
            replay_max: refresh.within(REPLAY_MAX, default.replay_max, &(Duration::ZERO..=24 * HOUR)),
            lineage: refresh.within(LINEAGE, default.lineage, &(SECOND..=366 * DAY)),
            upstream_timeout: refresh.within(
                UPSTREAM_TIMEOUT,
                default.upstream_timeout,
                &(SECOND / 10..=60 * SECOND),
            ),
            lease: refresh.within(LEASE, default.lease, &(SECOND..=120 * SECOND)),
            limit: limit(refresh, LIMIT, default.limit),
            caller_limit: limit(refresh, CALLER_LIMIT, default.caller_limit),
            issuer_limit: limit(refresh, ISSUER_LIMIT, default.issuer_limit),
            max_concurrent: count(refresh.within(MAX_CONCURRENT, 64, &(1..=10_000))),
        };
        if refresh.is_sound() {
            check(refresh, &read);
        }
        read
    })
}

fn limit(refresh: &mut Section<'_, '_>, key: Key, default: Limit) -> Limit {
    refresh.section(key, |limit| {
        let burst = limit.within(BURST, u64::from(default.burst), &(1..=1_000_000));
        let per = limit.within(PER, default.per, &(SECOND..=24 * HOUR));
        // Times are counted in milliseconds, and less than one of them for each would be no limit at all.
        if u128::from(burst) > per.as_millis() && limit.is_sound() {
            limit.problem("burst", "must not be more than one for each millisecond of `per`");
        }
        Limit { burst: u32::try_from(burst).unwrap_or(u32::MAX), per }
    })
}

fn check(refresh: &mut Section<'_, '_>, read: &RefreshSettings) {
    if read.replay > read.replay_max {
        refresh.problem("replay", "must not be more than replay_max");
    }
    if read.replay_max > read.lineage {
        refresh.problem("replay_max", "must not be more than lineage");
    }
    if read.upstream_timeout.saturating_add(TO_STORE) > read.lease {
        refresh.problem("upstream_timeout", "must be at least 2s less than lease (F13)");
    }
}

/// Reads an issuer's section. `all` says how long leases are.
pub(super) fn of_issuer(
    issuer: &mut Section<'_, '_>,
    default: Rotates,
    all: &RefreshSettings,
) -> IssuerRefresh {
    let words = [
        ("unknown", Rotates::Unknown),
        ("none", Rotates::Never),
        ("strict", Rotates::Strict),
        ("graceful", Rotates::Graceful),
    ];
    issuer.section(ISSUER_REFRESH, |refresh| {
        let rotates = refresh.choice(ROTATION, default, &words);
        let grace = refresh.within(GRACE, 30 * SECOND, &(SECOND..=24 * HOUR));
        let resource = refresh.list(RESOURCE, Vec::new());
        let audience = refresh.optional::<String>(AUDIENCE).unwrap_or_default();
        let rotation = match rotates {
            Rotates::Unknown | Rotates::Strict => Rotation::Strict,
            Rotates::Never => Rotation::None,
            Rotates::Graceful => Rotation::Graceful { grace },
        };
        // The effective configuration says both.
        let is_alone = refresh.has("grace") && !refresh.has("rotation");
        if is_alone && rotates != Rotates::Graceful && refresh.is_sound() {
            refresh.warning("grace", "counts with `rotation: graceful` only");
        }
        if rotates == Rotates::Graceful && all.lease.saturating_add(TO_TAKE_OVER) > grace && refresh.is_sound()
        {
            let message = "must be at least 3s more than refresh.lease (F13); for a shorter one, write `rotation: strict`";
            refresh.problem("grace", message);
        }
        IssuerRefresh { rotation, resource, audience }
    })
}
