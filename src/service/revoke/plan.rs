//! From whom a revocation is about to what is remembered and stored of it. Pure: times come in.

use std::time::Duration;

use super::demand::Named;
use crate::{
    domain::{
        policy::IssuerPolicy,
        revocation::{CLOCK_SET_BACK, Reach, Revocation, Target},
        time::UnixTime,
    },
    store::{Ending, Order},
};

/// What comes of it.
#[derive(Debug)]
pub(super) struct Planned {
    /// Empty if there is nothing left that could be refused (R10).
    pub(super) order: Order,
    /// The revocation that was asked for, if there is one, beside those of exceptions.
    pub(super) main: Option<Revocation>,
}

impl Planned {
    fn single(revocation: Revocation) -> Self {
        let order = Order { revocations: vec![revocation], ..Order::default() };
        Self { order, main: Some(revocation) }
    }
}

/// A token whose end is known.
pub(super) fn of_token(
    target: Target,
    expires_at: UnixTime,
    policy: &IssuerPolicy,
    now: UnixTime,
) -> Planned {
    let until = expires_at.plus(policy.leeway);
    // Not what has expired a moment ago: if the clock is set back, it is valid again.
    if until.plus(CLOCK_SET_BACK) <= now {
        return Planned { order: Order::default(), main: None };
    }
    Planned::single(Revocation { target, reach: Reach::All, made_at: now, until, kept_until: until })
}

/// What is named. `cut_off` counts for a subject, a client and an issuer, `except` for a subject.
pub(super) fn of_named(
    named: Named<'_>,
    except: Option<&str>,
    policy: &IssuerPolicy,
    now: UnixTime,
    cut_off: UnixTime,
) -> Planned {
    let issuer = policy.issuer.as_str();
    let up_to = |target| long_lived(target, Reach::UpTo(cut_off), cut_off.max(now), policy, now);
    match named {
        Named::TokenId(id) => {
            let until = last_end(latest_begin(now, policy), policy);
            let target = Target::token_id(issuer, id);
            Planned::single(Revocation { target, reach: Reach::All, made_at: now, until, kept_until: until })
        }
        Named::Session(id) => {
            let target = Target::session(issuer, id);
            let main = long_lived(target, Reach::All, latest_begin(now, policy), policy, now);
            let mut planned = Planned::single(main);
            planned.order.ending = Some(ending(&main, UnixTime::from_millis(i64::MAX), None));
            planned
        }
        Named::Subject(subject) => {
            let main = up_to(Target::subject(issuer, subject));
            let mut planned = Planned::single(main);
            let spared = except.map(|session| Target::session(issuer, session));
            planned.order.ending = Some(ending(&main, cut_off, spared));
            if let Some(session) = except {
                // As long as the cut-off may come to live by being merged with later ones.
                let target = Target::exception(issuer, subject, session);
                let exception = Revocation { target, until: main.kept_until, ..main };
                // First, so that the session is not refused for a moment.
                planned.order.revocations.insert(0, exception);
            }
            planned
        }
        Named::Client(id) => Planned::single(up_to(Target::client(issuer, id))),
        Named::AllOfIssuer => Planned::single(up_to(Target::issuer(issuer))),
    }
}

/// The cut-off that nobody has named: the clock, rounded up to a second because tokens' times are in seconds, and as much
/// later as the issuer's clock may be ahead (R4).
pub(super) fn default_cut_off(now: UnixTime, issuer_clock_ahead: Duration) -> UnixTime {
    let begun = UnixTime::from_secs(now.as_secs());
    let rounded = if begun < now { begun.plus(Duration::from_secs(1)) } else { begun };
    rounded.plus(issuer_clock_ahead)
}

/// When a token that is accepted now was issued at the latest: by an issuer whose clock is as far ahead as we tolerate.
fn latest_begin(now: UnixTime, policy: &IssuerPolicy) -> UnixTime {
    now.plus(policy.leeway)
}

/// When the last token that was issued at `begin` is accepted no more.
fn last_end(begin: UnixTime, policy: &IssuerPolicy) -> UnixTime {
    begin.plus(policy.max_token_lifetime).plus(policy.leeway)
}

/// What has to be known for as long as a session could be refreshed (R3).
fn long_lived(
    target: Target,
    reach: Reach,
    begin: UnixTime,
    policy: &IssuerPolicy,
    now: UnixTime,
) -> Revocation {
    let until = last_end(begin, policy);
    Revocation { target, reach, made_at: now, until, kept_until: until.plus(policy.max_session_lifetime) }
}

/// The sessions that end with a session's or a subject's revocation, whose own live as long in memory and store.
fn ending(main: &Revocation, begun_up_to: UnixTime, except: Option<Target>) -> Ending {
    let Revocation { target, made_at, until, kept_until, .. } = *main;
    Ending { of: target, begun_up_to, except, at: made_at, until, kept_until }
}
