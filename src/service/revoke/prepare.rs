//! From a demand to a job: whose, which token, up to when. Whatever is wrong with a demand is found here, before anything is
//! done.

use std::{sync::Arc, time::Duration};

use super::{
    Demand, Job, NotRevoked, Revoker, Telling,
    audit::Attempt,
    demand::{Aim, Named, WrongField},
    plan::{self, Planned},
};
use crate::{
    domain::{
        policy::IssuerPolicy,
        revocation::{Reach, Target, TargetKind, check::Known as _},
        time::UnixTime,
        token::RawToken,
    },
    service::{
        propagate::{Ask, Plan, Upstream},
        validate::{Identified, Unidentified},
    },
};

const UNKNOWN_ISSUER: WrongField =
    WrongField { field: "issuer", problem: "no issuer with exactly this `iss` is configured here" };

impl Revoker {
    pub(super) async fn prepare(
        &self,
        demand: &Demand<'_>,
        attempt: &mut Attempt,
    ) -> Result<Job, NotRevoked> {
        demand.check()?;
        match demand.aim {
            Aim::Token(token) => self.prepare_token(token, demand, attempt).await,
            Aim::Named(named) => {
                let policy = self.policy(demand.issuer)?;
                attempt.know_issuer(&policy.issuer);
                self.prepare_named(named, &policy, demand)
            }
        }
    }

    async fn prepare_token(
        &self,
        token: &str,
        demand: &Demand<'_>,
        attempt: &mut Attempt,
    ) -> Result<Job, NotRevoked> {
        if !demand.issuer.is_empty() && self.around.validator.trust().with_name(demand.issuer).is_none() {
            return Err(UNKNOWN_ISSUER.into());
        }
        let identified = self.around.validator.identify(token, demand.issuer).await?;
        let Identified { target, policy, expires_at, token_id, client_id, .. } = identified;
        attempt.know_issuer(&policy.issuer);
        attempt.know_token(&token_id, &target);
        let now = self.around.clock.now();
        let mut planned = plan::of_token(target, expires_at, &policy, now);
        let has_expired = expires_at.plus(policy.leeway) <= now;
        if !demand.propagate || has_expired {
            let upstream = if demand.propagate { Upstream::NothingToSend } else { Upstream::NotAsked };
            return Ok(Job { planned, telling: Telling::No(upstream) });
        }
        // It has been one already.
        let Ok(token) = RawToken::new(token, token.len()) else {
            return Err(Unidentified::NotAToken.into());
        };
        let client_id = (!client_id.is_empty()).then_some(client_id.as_str());
        let ask = Ask::Token { issuer: &policy.issuer, token, client_id, expires_at };
        let telling = self.telling(&ask, &mut planned, now);
        Ok(Job { planned, telling })
    }

    fn prepare_named(
        &self,
        named: Named<'_>,
        policy: &IssuerPolicy,
        demand: &Demand<'_>,
    ) -> Result<Job, NotRevoked> {
        let now = self.around.clock.now();
        let cut_off = self.cut_off(demand.not_before, policy, now)?;
        let except = (!demand.except_session_id.is_empty()).then_some(demand.except_session_id);
        let cut_off = match named {
            Named::Subject(subject) => self.past_exceptions(subject, except, policy, cut_off, now),
            Named::TokenId(_) | Named::Session(_) | Named::Client(_) | Named::AllOfIssuer => cut_off,
        };
        let mut planned = plan::of_named(named, except, policy, now, cut_off);
        if !demand.propagate {
            return Ok(Job { planned, telling: Telling::No(Upstream::NotAsked) });
        }
        let issuer = policy.issuer.as_str();
        let ask = match named {
            Named::TokenId(_) => Ask::TokenId,
            Named::Session(session_id) => Ask::Session { issuer, session_id },
            Named::Subject(subject) => Ask::Subject { issuer, subject, except, up_to: cut_off },
            Named::Client(_) => Ask::Client,
            Named::AllOfIssuer => Ask::Issuer,
        };
        let telling = self.telling(&ask, &mut planned, now);
        Ok(Job { planned, telling })
    }

    /// What the identity provider has to be told goes into the same order, so that neither is stored without the other.
    fn telling(&self, ask: &Ask<'_>, planned: &mut Planned, now: UnixTime) -> Telling {
        match self.around.propagator.plan(ask, now) {
            Plan::Nothing(upstream) => Telling::No(upstream),
            Plan::Deliver(delivery) => {
                planned.order.deliveries.push(delivery.clone());
                Telling::Deliver(delivery)
            }
        }
    }

    /// A session that an earlier cut-off spared is spared up to that one, and default cut-offs are in whole seconds. Who revokes
    /// the subject again within one, without sparing the session, means it, too: so the new cut-off lies a millisecond behind the one
    /// that is there. An earlier cut-off that is asked for stays where it is: it is not about what began after it.
    fn past_exceptions(
        &self,
        subject: &str,
        except: Option<&str>,
        policy: &IssuerPolicy,
        cut_off: UnixTime,
        now: UnixTime,
    ) -> UnixTime {
        let known = self.around.revocations.at(now);
        let issuer = policy.issuer.as_str();
        let there = match known.find(&Target::subject(issuer, subject)) {
            Some(Reach::UpTo(there)) if there == cut_off && known.has_any(TargetKind::Exception) => there,
            Some(_) | None => return cut_off,
        };
        let is_spared = except.is_some_and(|session| {
            let exception = known.find(&Target::exception(issuer, subject, session));
            exception.is_some_and(|exception| exception >= Reach::UpTo(there))
        });
        if is_spared { cut_off } else { there.plus(Duration::from_millis(1)) }
    }

    fn cut_off(
        &self,
        asked: Option<UnixTime>,
        policy: &IssuerPolicy,
        now: UnixTime,
    ) -> Result<UnixTime, WrongField> {
        match asked {
            None => Ok(plan::default_cut_off(now, self.settings.load().issuer_clock_ahead)),
            Some(time) if time > now.plus(policy.leeway) => Err(WrongField {
                field: "not_before",
                problem: "must not lie further ahead than the issuer's `leeway`",
            }),
            Some(time) => Ok(time),
        }
    }

    /// The rules of the issuer that is named, or of the only one.
    fn policy(&self, issuer: &str) -> Result<Arc<IssuerPolicy>, WrongField> {
        let trust = self.around.validator.trust();
        let found = if issuer.is_empty() { trust.only() } else { trust.with_name(issuer) };
        let missing = WrongField {
            field: "issuer",
            problem: "is needed: there is not exactly one issuer configured here",
        };
        let wrong = if issuer.is_empty() { missing } else { UNKNOWN_ISSUER };
        found.map(|issuer| Arc::clone(issuer.policy())).ok_or(wrong)
    }
}

impl From<Unidentified> for NotRevoked {
    fn from(why: Unidentified) -> Self {
        match why {
            Unidentified::NotAToken => Self::Field(WrongField {
                field: "token",
                problem: "is not a token that a configured issuer has signed for this service",
            }),
            Unidentified::OtherIssuer => {
                Self::Field(WrongField { field: "issuer", problem: "the token is from another issuer" })
            }
            Unidentified::Fault(fault) => Self::Fault(fault),
        }
    }
}
