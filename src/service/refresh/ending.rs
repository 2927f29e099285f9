//! What follows from a family's end: the session is revoked everywhere, and what only a thief could have is told about.

use super::{Errand, Refresher};
use crate::{
    domain::{
        revocation::{Reach, Revocation},
        rotation::{Ended, Family},
        secret::Secret,
    },
    service::{
        propagate::{Ask, Plan},
        revoke::{Aim, Demand, Named},
    },
    store::Order,
};

/// Who revokes, as the audit log says it.
const HERE: &str = "countersign";

impl Refresher {
    /// The family has ended for this reason. What cannot be done now is done later by those whose work it is (R9): nothing here
    /// is waited for longer than a revocation is.
    pub(super) async fn ended(&self, errand: &Errand, family: &Family, why: Ended) {
        let reason = match why {
            Ended::Refused => "the identity provider does not exchange the session's refresh token any more",
            Ended::OutcomeLost => "the session's refresh token was lost",
            Ended::Reused => "a refresh token of the session was used twice",
            // Whoever revoked it has done the rest.
            Ended::Revoked => return,
        };
        if why == Ended::Reused {
            self.alarm(errand, family);
            self.tell_provider(errand.party.issuer(), &errand.client.id, &errand.presented.token).await;
            self.revoke_access(family).await;
        }
        // Whoever hands over a made-up refresh token beside somebody's access token must not end that one's session by it.
        if why == Ended::Refused && family.generation == 0 {
            return;
        }
        let Some(whose) = family.whose.as_ref().filter(|whose| !whose.session_id.is_empty()) else { return };
        let demand = Demand {
            aim: Aim::Named(Named::Session(&whose.session_id)),
            issuer: errand.party.issuer(),
            not_before: None,
            except_session_id: "",
            reason,
            propagate: false,
        };
        if self.around.revoker.revoke(&demand, HERE).await.is_err() {
            // It is on the record with its reason, and refused here; the revoker stores it when it can.
            tracing::warn!("a session that has ended could not be revoked at once");
        }
    }

    /// Somebody has a token who must not.
    fn alarm(&self, errand: &Errand, family: &Family) {
        self.around.metrics.reused();
        let whose = family.whose.as_ref();
        tracing::warn!(
            target: "countersign::audit",
            {
                client.address = errand.caller,
                refresh.issuer = errand.party.issuer(),
                refresh.client = errand.client.id,
                refresh.subject = whose.map(|whose| whose.subject.as_str()),
                refresh.session = whose.map(|whose| whose.session_id.as_str()),
                refresh.generation = family.generation,
            },
            "a spent refresh token was presented: its session is ended"
        );
    }

    /// The last access token, for where it names no session.
    async fn revoke_access(&self, family: &Family) {
        let (Some(target), Some(end)) = (family.access, family.access_expires_at) else { return };
        let now = self.around.clock.now();
        // The issuer's leeway is bounded by ten minutes.
        let until = end.plus(std::time::Duration::from_mins(10));
        let revocation = Revocation { target, reach: Reach::All, made_at: now, until, kept_until: until };
        self.around
            .revoker
            .refuse_and_record(Order { revocations: vec![revocation], ..Order::default() })
            .await;
    }

    /// The provider is told of a refresh token that nobody may use, as soon as it can be.
    pub(super) async fn tell_provider(&self, issuer: &str, client_id: &str, token: &Secret) {
        let ask = Ask::RefreshToken { issuer, token, client_id };
        let Plan::Deliver(delivery) = self.around.propagator.plan(&ask, self.around.clock.now()) else {
            return;
        };
        let order = Order { deliveries: vec![delivery.clone()], ..Order::default() };
        self.around.revoker.refuse_and_record(order).await;
        self.around.propagator.deliver_later(delivery);
    }
}
