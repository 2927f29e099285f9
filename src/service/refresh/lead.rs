//! From a presented token to tokens: what `domain::rotation` decides, done; and decided again after everything that others may
//! have done meanwhile.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Errand, Landed, Refresher,
    flights::Outcome,
    outcome::{NotRefreshed, Trouble},
    seat::{Beside, Seat, stored},
};
use crate::{
    domain::{
        reason::{Reason, Refusal},
        rotation::{Decision, Ended, Phase, Rules, decide},
        time::UnixTime,
    },
    ops::backoff::Backoff,
    store::Version,
};

/// Between two looks at what another replica does: at first...
const LOOK: Duration = Duration::from_millis(25);
/// ...and at most.
const LAST_LOOK: Duration = Duration::from_millis(200);
/// What is asked to wait for less waits for this.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// What came of an attempt.
pub(super) enum Attempted {
    /// Tokens, for everybody.
    Landed(Landed),
    /// The family is not what it was: decide again.
    Again,
}

impl Refresher {
    pub(super) async fn lead(self: Arc<Self>, errand: Errand) -> Outcome<Landed> {
        let outcome = self.decide_until_done(errand).await;
        if matches!(outcome, Err(NotRefreshed::Trouble(Trouble::StoreUnavailable))) {
            self.unstored.store_failed();
        }
        outcome
    }

    async fn decide_until_done(self: &Arc<Self>, errand: Errand) -> Outcome<Landed> {
        let mut looks = Backoff::new(LOOK, LAST_LOOK);
        let mut has_waited = false;
        let mut patience = Patience::default();
        loop {
            if let Some(kept) = self.unstored.find(&errand.presented.digest) {
                if kept.binding.is_some() && kept.binding != errand.certificate {
                    return Err(other_binding().into());
                }
                return self.hand_out(&errand, &kept, true).await;
            }
            let seat = self.seat(&errand).await?;
            // Anew, for the time that sending may take can have been made longer than the lease was.
            let (now, rules) = (seat.now(), errand.party.rules(&self.settings()));
            // A clock that was set back must not make a lease of seconds one of hours.
            let now = patience.unless_over(&seat, now, &rules);
            match decided(&errand, &seat, now, &rules) {
                Decision::Begin | Decision::Undecided { .. }
                    if matches!(seat.family.phase, Phase::Sent(_)) && self.unstored.settling().is_some() =>
                {
                    has_waited = true;
                    sleep(looks.next(self.draws.jitter().0)).await;
                }
                Decision::Begin => match self.attempt(&errand, seat, &rules).await? {
                    Attempted::Landed(landed) => return Ok(landed),
                    Attempted::Again => {}
                },
                Decision::Wait { until } => {
                    has_waited = true;
                    let pause = looks.next(self.draws.jitter().0);
                    sleep(pause.min(until.since(now))).await;
                }
                Decision::Replay => return self.replay(&errand, &seat, !has_waited).await,
                Decision::OtherBinding => return Err(other_binding().into()),
                Decision::Undecided { at } => {
                    return Err(Trouble::OutcomeUnknown { retry_after: wait(now, at) }.into());
                }
                Decision::Limited { retry_after } => {
                    let access_until = seat.family.access_expires_at.filter(|end| *end > now);
                    return Err(Trouble::RateLimited { retry_after, access_until }.into());
                }
                Decision::Ended(why) => return Err(refusal(why).into()),
                Decision::Theft => {
                    if self.end(&errand, &seat, Ended::Reused).await? {
                        return Err(refusal(Ended::Reused).into());
                    }
                }
                Decision::Lost => {
                    if self.end(&errand, &seat, Ended::OutcomeLost).await? {
                        return Err(refusal(Ended::OutcomeLost).into());
                    }
                }
            }
        }
    }

    /// The kept answer (F2).
    async fn replay(&self, errand: &Errand, seat: &Seat, replayed: bool) -> Outcome<Landed> {
        let kept = stored(self.around.rotations.answer(seat.id, &errand.presented)).await?;
        let Some(tokens) = kept else {
            if seat.family.current == errand.presented.digest {
                // The provider does not rotate: the token is good, and is sent again once its answer is not given any more.
                let retry_after = self.settings().replay;
                return Err(Trouble::OutcomeUnknown { retry_after }.into());
            }
            // It cannot be opened, or is gone. What it held may be with somebody, so nothing is ended.
            let message = "the tokens that this refresh token was exchanged for are not here any more";
            return Err(Refusal::new(Reason::RefreshOutcomeLost, message).into());
        };
        // Who asked has shown each of them, so any one of them will do for those who wait with him.
        let binding = seat.family.bindings(&errand.presented.digest).into_iter().flatten().next();
        let kept = super::Kept { tokens: Arc::new(tokens), seat: seat.clone(), binding };
        self.hand_out(errand, &kept, replayed).await
    }

    /// A token that is known to belong to another issuer or client is never sent to this one.
    pub(super) async fn refuse_strangers(&self, errand: &Errand) -> Outcome<()> {
        let rotations = &self.around.rotations;
        for (issuer, client_id) in self.parties.other_pairs(errand.party.issuer(), &errand.client.id) {
            let digest = rotations.digest(&issuer, &client_id, &errand.presented.token);
            if self.find_family(&digest).await?.knows(&digest) {
                let message = "the refresh token was issued by another issuer, or to another client";
                return Err(Refusal::new(Reason::RefreshInvalid, message).into());
            }
        }
        Ok(())
    }

    /// The family ends, with what follows from that; `false` if it is not what was read any more.
    async fn end(&self, errand: &Errand, seat: &Seat, why: Ended) -> Result<bool, Trouble> {
        let ended = seat.family.clone().ended(why, seat.now());
        let beside = Beside { durably: true, ..Beside::default() };
        if self.swap(seat, ended, beside).await?.is_none() {
            return Ok(false);
        }
        self.ended(errand, &seat.family, why).await;
        Ok(true)
    }

    /// The same, whatever the family is by now, unless its token is not this one any more.
    pub(super) async fn end_presented(
        &self,
        errand: &Errand,
        mut seat: Seat,
        why: Ended,
    ) -> Outcome<Attempted> {
        loop {
            if seat.family.current != errand.presented.digest {
                return Ok(Attempted::Again);
            }
            match self.end(errand, &seat, why).await {
                // What the provider said is true, whether or not it could be written down.
                Ok(true) | Err(_) => return Err(refusal(why).into()),
                Ok(false) => seat = self.seat(errand).await?,
            }
        }
    }
}

/// How long an owner has been waited for, by a clock that nobody sets.
#[derive(Debug, Default)]
struct Patience(Option<(Version, Instant)>);

impl Patience {
    /// The time, or the end of the lease, if that has been waited for.
    fn unless_over(&mut self, seat: &Seat, now: UnixTime, rules: &Rules) -> UnixTime {
        let (Some(version), Phase::Begun(attempt) | Phase::Sent(attempt)) =
            (seat.version, &seat.family.phase)
        else {
            self.0 = None;
            return now;
        };
        match self.0 {
            Some((known, since)) if known == version => {
                if since.elapsed() > rules.lease {
                    now.max(attempt.lease_until)
                } else {
                    now
                }
            }
            Some(_) | None => {
                self.0 = Some((version, Instant::now()));
                now
            }
        }
    }
}

fn decided(errand: &Errand, seat: &Seat, now: UnixTime, rules: &Rules) -> Decision {
    if seat.is_forgotten && !matches!(seat.family.phase, Phase::Ended { .. }) {
        return Decision::Theft;
    }
    decide(&seat.family, errand.shown(now), now, rules)
}

pub(super) fn other_binding() -> Refusal {
    let message = "the tokens were obtained for a client with another certificate";
    Refusal::new(Reason::BindingMismatch, message)
}

/// How long until then, but not for a moment only.
pub(super) fn wait(now: UnixTime, at: UnixTime) -> Duration {
    at.since(now).max(LEAST_WAIT)
}

/// What an ended family's tokens are told.
pub(super) fn refusal(why: Ended) -> Refusal {
    match why {
        Ended::Refused => {
            Refusal::new(Reason::RefreshInvalid, "the identity provider does not exchange this refresh token")
        }
        Ended::Reused => Refusal::new(
            Reason::RefreshReused,
            "the refresh token was exchanged before and its successor is in use: the session was ended",
        ),
        Ended::OutcomeLost => Refusal::new(
            Reason::RefreshOutcomeLost,
            "the answer to an earlier exchange was lost, and with it the session's only working refresh token",
        ),
        Ended::Revoked => Refusal::new(Reason::Revoked, "the refresh token's session was revoked"),
    }
}
