//! One exchange at the token endpoint, and what each of its outcomes means (sessions of all providers: docs/errors.md).

use std::{sync::Arc, time::Duration};

use tokio::{sync::SemaphorePermit, time::timeout};

use super::{
    Errand, Refresher,
    breaker::ASKED,
    flights::Outcome,
    lead::{Attempted, wait},
    outcome::{NotRefreshed, Trouble},
    parties::Party,
    seat::{Beside, Seat, stored},
};
use crate::{
    domain::{
        rotation::{Decision, Ended, Family, Owner, Phase, Rotation, Rules, decide},
        time::UnixTime,
    },
    issuer::{self, Exchanged, Grant, NotTold, OAuthClient},
    ops::metrics::UpstreamOutcome,
};

/// What somebody has to mend first is not tried again sooner.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);
/// When nobody said when.
const LATER: Duration = Duration::from_secs(2);

impl Refresher {
    pub(super) async fn attempt(
        self: &Arc<Self>,
        errand: &Errand,
        seat: Seat,
        rules: &Rules,
    ) -> Outcome<Attempted> {
        let access_until = seat.family.access_expires_at.filter(|end| *end > seat.now());
        // First what is cheap, so that whoever floods this service with tokens that nobody knows takes no place from others.
        self.take_limits(&errand.party, &errand.caller, access_until).await?;
        if seat.version.is_none() {
            self.refuse_strangers(errand).await?;
        }
        let _place = self.place(&errand.party, &errand.client).await?;
        self.refuse_revoked(errand, &seat).await?;
        let owner = Owner(self.draws.id());
        let begun = seat.family.clone().begun(owner, seat.looked_at(), seat.now(), rules);
        let Some(seat) = self.swap(&seat, begun, Beside::default()).await? else {
            return Ok(Attempted::Again);
        };
        // Whatever is needed for sending is found before anything says that it was sent.
        let address = match errand.party.endpoint.locate().await {
            Ok(address) => address,
            Err(why) => {
                self.not_sent(&seat, owner, rules).await;
                return Err(self.not_located(&errand.party, &why));
            }
        };
        let Some(as_sent) = seat.family.clone().sent(owner, seat.now(), rules) else {
            return Ok(Attempted::Again);
        };
        let beside = Beside { durably: true, ..Beside::default() };
        let Some(seat) = self.swap(&seat, as_sent, beside).await? else { return Ok(Attempted::Again) };
        let within = self.settings().upstream_timeout;
        if !seat.may_send(within) {
            self.not_sent(&seat, owner, rules).await;
            return Ok(Attempted::Again);
        }
        let grant = Grant::Refresh { token: &errand.presented.token, scopes: &errand.scopes };
        let now = self.around.clock.now();
        let exchanged = errand.party.endpoint.exchange(&address, &errand.client, grant, within, now).await;
        self.judge(errand, seat, (owner, rules), exchanged).await
    }

    /// One of the places at the provider, if it is not to be left alone.
    pub(super) async fn place<'p>(
        &self,
        party: &'p Party,
        client: &OAuthClient,
    ) -> Outcome<SemaphorePermit<'p>> {
        party.client_passes(client)?;
        let unavailable = |retry_after| NotRefreshed::from(Trouble::UpstreamUnavailable { retry_after });
        party.breaker.pass().map_err(unavailable)?;
        match timeout(self.settings().upstream_timeout, party.gate.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(unavailable(LATER)),
        }
    }

    pub(super) async fn take_limits(
        &self,
        party: &Party,
        caller: &str,
        access_until: Option<UnixTime>,
    ) -> Outcome<()> {
        let settings = self.settings();
        let issuer = party.issuer();
        let limits = vec![
            (format!("refresh caller {issuer} {caller}"), settings.caller_limit),
            (format!("refresh issuer {issuer}"), settings.issuer_limit),
        ];
        let admitted = stored(self.around.rotations.admit(limits, self.around.clock.now())).await?;
        admitted.map_err(|too_often| {
            Trouble::RateLimited { retry_after: too_often.retry_after, access_until }.into()
        })
    }

    /// For the breaker and the metrics.
    pub(super) fn note(&self, party: &Party, exchanged: &Exchanged) {
        self.around.metrics.upstream(outcome_of(exchanged));
        match exchanged {
            Exchanged::NotProcessed { trouble, retry_after }
            | Exchanged::Unknown { trouble, retry_after } => {
                self.failed(party, trouble, *retry_after);
            }
            Exchanged::Granted(_)
            | Exchanged::InvalidGrant(_)
            | Exchanged::ClientRejected(_)
            | Exchanged::ScopeRefused(_)
            | Exchanged::Refused(_) => {
                if party.breaker.succeeded() {
                    tracing::info!(
                        token.issuer = %party.settings.policy.name,
                        "the identity provider's token endpoint answers again"
                    );
                }
            }
        }
    }

    fn failed(&self, party: &Party, trouble: &issuer::Trouble, retry_after: Option<Duration>) {
        if party.breaker.failed(retry_after, self.draws.jitter().0) {
            tracing::warn!(
                token.issuer = %party.settings.policy.name,
                error.type = trouble.kind(),
                error.message = %trouble,
                "the identity provider's token endpoint does not work: it is left alone for longer and longer"
            );
        }
    }

    /// The provider refuses this service itself.
    pub(super) fn rejected(party: &Party, client: &OAuthClient, trouble: &issuer::Trouble) -> NotRefreshed {
        // Of the others the token may be the reason, and then the next one is not.
        if trouble.kind() == "client_refused" {
            party.client_rejected(client);
        }
        tracing::error!(
            token.issuer = %party.settings.policy.name,
            error.message = %trouble,
            "the identity provider refuses this service's client: nothing can be refreshed with it"
        );
        Trouble::ClientRejected.into()
    }

    async fn judge(
        self: &Arc<Self>,
        errand: &Errand,
        seat: Seat,
        (owner, rules): (Owner, &Rules),
        exchanged: Exchanged,
    ) -> Outcome<Attempted> {
        let party = &errand.party;
        self.note(party, &exchanged);
        match exchanged {
            Exchanged::Granted(granted) => self.complete(errand, seat, granted, rules).await,
            Exchanged::InvalidGrant(_) => {
                let why = if was_lost_before(&seat.family) { Ended::OutcomeLost } else { Ended::Refused };
                self.end_presented(errand, seat, why).await
            }
            Exchanged::NotProcessed { retry_after, .. } => {
                self.not_sent(&seat, owner, rules).await;
                let retry_after = retry_after.map_or(LATER, |asked| asked.min(ASKED));
                Err(Trouble::UpstreamUnavailable { retry_after }.into())
            }
            Exchanged::Unknown { trouble, retry_after } => {
                tracing::debug!(
                    token.issuer = %party.settings.policy.name,
                    error.type = trouble.kind(),
                    "the answer to a refresh was lost"
                );
                // Somebody answered that it does not work now, rather than nobody at all.
                let is_answer = trouble.kind() == "unavailable";
                self.lost(errand, seat, (owner, rules), (is_answer, retry_after)).await
            }
            Exchanged::ClientRejected(trouble) => {
                self.not_sent(&seat, owner, rules).await;
                Err(Self::rejected(party, &errand.client, &trouble))
            }
            Exchanged::ScopeRefused(_) => {
                self.not_sent(&seat, owner, rules).await;
                Err(crate::service::revoke::WrongField {
                    field: "scopes",
                    problem: "the identity provider does not grant these",
                }
                .into())
            }
            Exchanged::Refused(trouble) => {
                self.not_sent(&seat, owner, rules).await;
                tracing::error!(
                    token.issuer = %party.settings.policy.name,
                    error.message = %trouble,
                    "the identity provider refuses a refresh for no reason that a refresh token could have"
                );
                Err(Trouble::UpstreamUnavailable { retry_after: AFTER_REFUSAL }.into())
            }
        }
    }

    /// Nobody knows whether it was processed. Where sending it again can cost nothing, that is done at once, but once.
    async fn lost(
        &self,
        errand: &Errand,
        seat: Seat,
        (owner, rules): (Owner, &Rules),
        (is_answer, retry_after): (bool, Option<Duration>),
    ) -> Outcome<Attempted> {
        let now = seat.now();
        // No longer than the provider itself is left alone for: one wrong answer must not end a session.
        let not_before = retry_after.map_or(now, |pause| now.plus(pause.min(ASKED)));
        let was_lost_before = was_lost_before(&seat.family);
        let Some(lost) = seat.family.clone().lost(owner, now, not_before) else {
            return Ok(Attempted::Again);
        };
        let next = decide(&lost, errand.shown(now), now, rules);
        let beside = Beside { durably: true, ..Beside::default() };
        // It was sent, whatever the store says now.
        let unknown = |_store_is_away| Trouble::OutcomeUnknown { retry_after: LATER };
        if self.swap(&seat, lost, beside).await.map_err(unknown)?.is_none() {
            return Ok(Attempted::Again);
        }
        if next == Decision::Begin && !was_lost_before && rules.rotation != Rotation::Strict {
            return Ok(Attempted::Again);
        }
        if is_answer || rules.rotation == Rotation::None {
            return Err(Trouble::UpstreamUnavailable {
                retry_after: retry_after.map_or(LATER, |asked| asked.min(ASKED)),
            }
            .into());
        }
        let retry_after = match next {
            Decision::Undecided { at } => wait(now, at),
            Decision::Begin
            | Decision::Wait { .. }
            | Decision::Replay
            | Decision::OtherBinding
            | Decision::Limited { .. }
            | Decision::Ended(_)
            | Decision::Theft
            | Decision::Lost => LATER,
        };
        Err(Trouble::OutcomeUnknown { retry_after }.into())
    }

    /// Everything is as before. If the store does not hear of it, others wait until the lease is over, and nothing worse.
    async fn not_sent(&self, seat: &Seat, owner: Owner, rules: &Rules) {
        if let Some(as_before) = seat.family.clone().not_sent(owner, rules) {
            drop(self.swap(seat, as_before, Beside::default()).await);
        }
    }

    pub(super) fn not_located(&self, party: &Party, why: &NotTold) -> NotRefreshed {
        let retry_after = match why {
            NotTold::Unavailable { trouble, retry_after } => {
                self.failed(party, trouble, *retry_after);
                retry_after.unwrap_or(LATER)
            }
            NotTold::Unsupported(trouble) | NotTold::Refused(trouble) | NotTold::Misconfigured(trouble) => {
                tracing::error!(
                    token.issuer = %party.settings.policy.name,
                    error.type = trouble.kind(),
                    error.message = %trouble,
                    "the identity provider has no token endpoint that can be used: nothing can be refreshed there"
                );
                AFTER_REFUSAL
            }
        };
        Trouble::UpstreamUnavailable { retry_after }.into()
    }
}

fn was_lost_before(family: &Family) -> bool {
    match &family.phase {
        Phase::Begun(attempt) | Phase::Sent(attempt) => attempt.after.is_some(),
        Phase::Unknown(_) => true,
        Phase::Idle | Phase::Ended { .. } => false,
    }
}

fn outcome_of(exchanged: &Exchanged) -> UpstreamOutcome {
    match exchanged {
        Exchanged::Granted(_) => UpstreamOutcome::Granted,
        Exchanged::InvalidGrant(_) => UpstreamOutcome::InvalidGrant,
        Exchanged::NotProcessed { .. } => UpstreamOutcome::NotProcessed,
        Exchanged::Unknown { .. } => UpstreamOutcome::Unknown,
        Exchanged::ClientRejected(_) => UpstreamOutcome::ClientRejected,
        Exchanged::ScopeRefused(_) => UpstreamOutcome::ScopeRefused,
        Exchanged::Refused(_) => UpstreamOutcome::Refused,
    }
}
