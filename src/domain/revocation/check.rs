//! Is a token revoked? The only place where a token becomes an [`ActiveToken`].

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Reach, Target, TargetKind};
use crate::domain::{
    reason::{Reason, Refusal},
    time::UnixTime,
    verify::{CurrentToken, VerifiedToken},
};

/// What is known of revocations at one moment.
pub trait Known {
    /// Changes with every revocation that is added. Never zero.
    fn generation(&self) -> u64;

    /// Whether there may be any of this kind.
    fn has_any(&self, kind: TargetKind) -> bool;

    /// How far the one of this target reaches, unless its time is over.
    fn find(&self, target: &Target) -> Option<Reach>;
}

/// What is known of a token's session beside what the token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionStanding {
    /// When it began, at the latest.
    pub began_at: UnixTime,
    /// Whether it has ended.
    pub has_ended: bool,
}

/// At which generation a token was last found active.
#[derive(Debug, Default)]
pub struct LastCheck(AtomicU64);

/// A current token that no revocation known here is about.
///
/// ```compile_fail,E0451
/// use countersign::domain::{revocation::check::ActiveToken, verify::CurrentToken};
/// fn forge(current: CurrentToken<'_>) -> ActiveToken<'_> {
///     ActiveToken { current }
/// }
/// ```
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct ActiveToken<'t> {
    current: CurrentToken<'t>,
}

impl<'t> ActiveToken<'t> {
    /// The token.
    pub fn token(self) -> &'t VerifiedToken {
        self.current.token()
    }
}

/// Refuses what is revoked. `last` belongs to the token, and saves looking where nothing was added since.
///
/// That is sound because a revocation is about tokens from the moment it is added, and about the same ones ever after: what
/// was active at a generation is active for as long as the generation lasts. Two things could make it wrong. A revocation
/// that is added between reading the generation and looking is seen or not; its generation is newer than the one that is
/// noted down, so the next check looks again. And a session that turns out to have begun earlier than was known here: who
/// finds that out adds to the generation.
pub fn check<'t>(
    current: CurrentToken<'t>,
    session: Option<SessionStanding>,
    last: &LastCheck,
    known: &impl Known,
) -> Result<ActiveToken<'t>, Refusal> {
    if session.is_some_and(|session| session.has_ended) {
        return Err(revoked("the token's session has ended"));
    }
    let generation = known.generation();
    if last.0.load(Ordering::Relaxed) != generation {
        look(current.token(), session, known)?;
        last.0.store(generation, Ordering::Relaxed);
    }
    Ok(ActiveToken { current })
}

/// The kinds that name a token or its session, then those that name more, by their cut-offs (R4).
fn look(token: &VerifiedToken, session: Option<SessionStanding>, known: &impl Known) -> Result<(), Refusal> {
    let find = |target: Option<Target>| target.and_then(|target| known.find(&target));
    let mut own = token.own_kinds().iter().filter(|kind| known.has_any(**kind));
    if own.any(|kind| find(token.target(*kind)).is_some()) {
        return Err(revoked("the token was revoked"));
    }
    if known.has_any(TargetKind::Session) && find(token.target(TargetKind::Session)).is_some() {
        return Err(revoked("the token's session was revoked"));
    }
    let begin = begin(token, session);
    let reached = |kind: TargetKind| {
        let candidate = if known.has_any(kind) { find(token.target(kind)) } else { None };
        candidate.filter(|reach| reach.reaches(begin))
    };
    if let Some(cut_off) = reached(TargetKind::Subject)
        && !is_exempt(token, cut_off, known)
    {
        return Err(revoked("everything of the token's subject up to some time was revoked"));
    }
    if reached(TargetKind::Client).is_some() {
        return Err(revoked("everything of the token's client up to some time was revoked"));
    }
    if reached(TargetKind::Issuer).is_some() {
        return Err(revoked("everything of the token's issuer up to some time was revoked"));
    }
    Ok(())
}

/// Whether the session is spared by what it is up to: an exception from an earlier cut-off spares nothing of a later one.
fn is_exempt(token: &VerifiedToken, cut_off: Reach, known: &impl Known) -> bool {
    known.has_any(TargetKind::Exception)
        && token
            .target(TargetKind::Exception)
            .and_then(|target| known.find(&target))
            .is_some_and(|exception| exception >= cut_off)
}

/// When what the token stands for began: the earliest of its issue, its login and its session. A token without `iat` may
/// be older than any cut-off (R4), whatever else it says.
fn begin(token: &VerifiedToken, session: Option<SessionStanding>) -> Option<UnixTime> {
    let claims = token.claims();
    let issued_at = claims.issued_at?;
    let login = claims.auth_time.unwrap_or(issued_at);
    let session = session.map_or(issued_at, |session| session.began_at);
    Some(issued_at.min(login).min(session))
}

fn revoked(message: &'static str) -> Refusal {
    Refusal::new(Reason::Revoked, message)
}

#[cfg(test)]
mod tests;
