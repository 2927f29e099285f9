//! Is a session still wanted? For refresh tokens, which say nothing themselves: by what is known of their family (F11, R3, R4).

use crate::{
    domain::{
        reason::{Reason, Refusal},
        revocation::{Reach, Target, TargetKind, check::Known},
        rotation::Whose,
    },
    store::Sight,
};

/// Whose tokens they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) whose: &'a Whose,
}

impl About<'_> {
    pub(super) fn session(&self) -> Option<Target> {
        let id = self.whose.session_id.as_str();
        (!id.is_empty()).then(|| Target::session(self.issuer, id))
    }

    /// What it can be revoked by.
    pub(super) fn targets(&self) -> Vec<Target> {
        let subject = Target::subject(self.issuer, &self.whose.subject);
        let mut targets =
            vec![subject, Target::client(self.issuer, self.client_id), Target::issuer(self.issuer)];
        if let Some(session) = self.session() {
            targets.push(session);
            targets.push(self.exception());
        }
        targets
    }

    fn exception(&self) -> Target {
        Target::exception(self.issuer, &self.whose.subject, &self.whose.session_id)
    }
}

/// What the store keeps, second lives included, and what is known here, which the store may not have taken yet (R9).
pub(super) fn check(about: &About<'_>, sight: &Sight, here: &impl Known) -> Result<(), Refusal> {
    if sight.session.as_ref().is_some_and(|session| session.ended_at.is_some()) {
        return Err(revoked("the session has ended"));
    }
    let find = |target: &Target| -> Option<Reach> {
        let kept = sight.revocations.iter().filter(|one| one.target == *target).map(|one| one.reach);
        kept.chain(here.find(target)).max()
    };
    if about.session().is_some_and(|session| find(&session).is_some()) {
        return Err(revoked("the session was revoked"));
    }
    let known = sight.session.as_ref().map(|session| session.began_at);
    let began_at = known.map_or(about.whose.began_at, |known| known.min(about.whose.began_at));
    for target in about.targets() {
        let is_cut_off =
            matches!(target.kind(), TargetKind::Subject | TargetKind::Client | TargetKind::Issuer);
        let Some(reach) = find(&target).filter(|reach| is_cut_off && reach.reaches(Some(began_at))) else {
            continue;
        };
        let is_spared = target.kind() == TargetKind::Subject
            && find(&about.exception()).is_some_and(|spared| spared >= reach);
        if !is_spared {
            return Err(revoked("everything that the session belongs to was revoked up to some time"));
        }
    }
    Ok(())
}

fn revoked(message: &'static str) -> Refusal {
    Refusal::new(Reason::Revoked, message)
}
