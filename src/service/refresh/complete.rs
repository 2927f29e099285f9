//! The provider answered: its tokens are stored before anybody gets them, for there is no second chance to have them (F4).

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Errand, Kept, Refresher,
    by_session::pointer_of_session,
    flights::Outcome,
    lead::{Attempted, refusal},
    outcome::Trouble,
    seat::{Beside, Seat, stored},
    vet::Facts,
};
use crate::{
    domain::{
        rotation::{Family, Given, Phase, Rules},
        time::UnixTime,
        tokens::Tokens,
    },
    issuer::Granted,
    ops::backoff::Backoff,
    store::{Pointed, Pointer, Presented},
};

/// Between two tries to store an answer. Short, for once the store is back others go on by what it says, and it does not know of
/// the answer.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_millis(500);
/// How long the end of the process waits for the store to take an answer.
const AT_THE_END: Duration = Duration::from_secs(10);

/// What the provider gave, ready to be stored.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) tokens: Arc<Tokens>,
    successor: Option<Presented>,
    given: Given,
    rules: Rules,
}

/// What came of storing it.
enum Stored {
    /// It is the token's answer now.
    Yes(Seat),
    /// Another one is, or the family has ended.
    No(Family),
}

impl Refresher {
    pub(super) async fn complete(
        self: &Arc<Self>,
        errand: &Errand,
        seat: Seat,
        granted: Granted,
        rules: &Rules,
    ) -> Outcome<Attempted> {
        let (answer, before) = (self.answer(errand, &seat, granted, *rules), seat.family.whose.clone());
        let seat = match self.store_answer(errand, &answer, Some(seat.clone())).await {
            Ok(Stored::Yes(seat)) => seat,
            Ok(Stored::No(family)) => return self.superseded(errand, &answer, &family).await,
            Err(_unstored) => {
                self.keep_and_store_later(errand, &answer, &seat);
                seat
            }
        };
        // Compared with whose the session was before this answer (F12).
        let family = Family { whose: before, ..seat.family.clone() };
        let binding = errand.certificate;
        let kept = Kept { tokens: answer.tokens, seat: seat.with(family), binding };
        self.hand_out(errand, &kept, false).await.map(Attempted::Landed)
    }

    fn answer(&self, errand: &Errand, seat: &Seat, granted: Granted, rules: Rules) -> Answer {
        let Granted { access_token, token_type, expires_in, refresh_token, id_token, scopes } = granted;
        let now = seat.now();
        let (issuer, client_id) = (errand.party.issuer(), errand.client.id.as_str());
        let successor = refresh_token.map(|token| Presented {
            digest: self.around.rotations.digest(issuer, client_id, &token),
            token,
        });
        let next = successor.as_ref().unwrap_or(&errand.presented).token.clone();
        let facts = self.facts_at_once(&access_token, issuer);
        let stated = expires_in.map(|life| now.plus(life));
        let expires_at = facts.as_ref().map(|facts| facts.expires_at).or(stated);
        let held = seat.family.whose.as_ref().map(|whose| whose.session_id.as_str());
        let session_id = facts.as_ref().map(|facts| facts.session_id.as_str()).filter(|id| !id.is_empty());
        let tokens = Arc::new(Tokens {
            access_token,
            token_type,
            expires_at,
            refresh_token: Some(next),
            id_token,
            scopes: scopes.unwrap_or_else(|| errand.scopes.clone()),
            session_id: session_id.or(held).unwrap_or_default().to_owned(),
        });
        let given = Given {
            successor: successor.as_ref().map(|presented| presented.digest),
            whose: facts.as_ref().map(Facts::whose),
            access_expires_at: expires_at,
            access: facts.as_ref().and_then(|facts| facts.own),
            binding: errand.certificate,
            kept_until: now.plus(errand.party.settings.policy.max_session_lifetime),
        };
        Answer { tokens, successor, given, rules }
    }

    /// Stores it where the token is still current, whoever's turn it is by now (F5).
    async fn store_answer(
        &self,
        errand: &Errand,
        answer: &Answer,
        seat: Option<Seat>,
    ) -> Result<Stored, Trouble> {
        let mut seat = match seat {
            Some(seat) => seat,
            None => self.seat(errand).await?,
        };
        let presented = &errand.presented;
        loop {
            let now = seat.now();
            let family = seat.family.clone();
            let Some(to) = family.answered(&presented.digest, answer.given.clone(), now, &answer.rules)
            else {
                return Ok(Stored::No(seat.family));
            };
            // First, so that nobody ever holds a token that leads nowhere.
            self.point(&self.pointers(errand, answer, &seat).await?, &seat, to.kept_until).await?;
            let until = now.plus(answer.rules.replay_max);
            let tokens = Tokens::clone(&answer.tokens);
            let beside = Beside {
                keep: Some((presented.clone(), tokens.clone(), until)),
                forget: to.stale_answers(now, answer.rules.replay).collect(),
                hold: seat.is_held.then_some(tokens),
                durably: true,
            };
            if let Some(done) = self.swap(&seat, to, beside).await? {
                self.shorten_pointer(errand, &done, now, &answer.rules).await;
                return Ok(Stored::Yes(done));
            }
            seat = self.seat(errand).await?;
        }
    }

    /// What leads to the family from now on: the successor, and still the session, if that does. What the session leads to is changed
    /// only by whoever hands a login over.
    async fn pointers(&self, errand: &Errand, answer: &Answer, seat: &Seat) -> Result<Vec<Pointer>, Trouble> {
        let successor = answer.successor.as_ref().map(|successor| Pointer::Token(successor.digest));
        let whose = seat.family.whose.as_ref().filter(|whose| seat.is_held && !whose.session_id.is_empty());
        let Some(whose) = whose else { return Ok(successor.into_iter().collect()) };
        let (issuer, client_id) = (errand.party.issuer(), errand.client.id.as_str());
        let session = pointer_of_session(issuer, client_id, &whose.session_id);
        let leads_here = stored(self.around.rotations.family_of(session)).await? == Some(seat.id);
        Ok(successor.into_iter().chain(leads_here.then_some(session)).collect())
    }

    async fn point(&self, from: &[Pointer], seat: &Seat, until: UnixTime) -> Result<(), Trouble> {
        let pointed = from.iter().map(|from| Pointed { from: *from, to: seat.id, until }).collect();
        stored(self.around.rotations.point(pointed)).await
    }

    /// A spent token leads to its family for as long as the family knows it (F7). The first one does so by itself.
    async fn shorten_pointer(&self, errand: &Errand, seat: &Seat, now: UnixTime, rules: &Rules) {
        let digest = errand.presented.digest;
        if seat.family.current != digest && digest.family() != seat.id {
            drop(self.point(&[Pointer::Token(digest)], seat, now.plus(rules.lineage)).await);
        }
    }

    /// Another answer was stored first, or everything has ended: what came late goes to nobody (F2, F11).
    async fn superseded(&self, errand: &Errand, answer: &Answer, family: &Family) -> Outcome<Attempted> {
        let Phase::Ended { why, .. } = family.phase else { return Ok(Attempted::Again) };
        if let Some(successor) = &answer.successor {
            self.tell_provider(errand.party.issuer(), &errand.client.id, &successor.token).await;
        }
        Err(refusal(why).into())
    }

    /// The store does not take it: these tokens exist nowhere else. Whoever asks here is answered from memory, and the store
    /// is asked until it takes them.
    fn keep_and_store_later(self: &Arc<Self>, errand: &Errand, answer: &Answer, seat: &Seat) {
        let kept =
            Kept { tokens: Arc::clone(&answer.tokens), seat: seat.clone(), binding: errand.certificate };
        self.unstored.keep(errand.presented.digest, kept);
        self.around.metrics.unstored(self.unstored.len());
        tracing::error!(
            token.issuer = %errand.party.settings.policy.name,
            "refreshed tokens cannot be stored: they are kept in this process and stored as soon as that is possible"
        );
        let (refresher, errand, answer) = (Arc::clone(self), errand.clone(), answer.clone());
        drop(self.around.tasks.spawn(async move { refresher.store_later(&errand, &answer).await }));
    }

    async fn store_later(&self, errand: &Errand, answer: &Answer) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LAST_PAUSE);
        let stopping = self.around.tasks.stopping();
        let mut end = None;
        loop {
            let pause = backoff.next(self.draws.jitter().0);
            if stopping.is_cancelled() {
                sleep(FIRST_PAUSE).await;
            } else {
                stopping.run_until_cancelled(sleep(pause)).await;
            }
            let came_of_it = self.store_answer(errand, answer, None).await;
            if stopping.is_cancelled() && end.is_none() {
                end = Some(Instant::now() + AT_THE_END);
            }
            let is_over = end.is_some_and(|end| Instant::now() >= end);
            if came_of_it.is_err() && !is_over {
                continue;
            }
            self.unstored.forget(&errand.presented.digest);
            self.around.metrics.unstored(self.unstored.len());
            match came_of_it {
                Ok(Stored::Yes(_)) => tracing::info!("refreshed tokens are stored again"),
                Ok(Stored::No(family)) => drop(self.superseded(errand, answer, &family).await),
                Err(_) => tracing::error!("refreshed tokens that were never stored end with this process"),
            }
            return;
        }
    }
}
