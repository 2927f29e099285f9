//! The audit log: one line for each request to revoke, whatever came of it, with who, what and why. Never a token.

use super::{
    Demand, Done,
    demand::{Aim, Named, looks_like_a_token},
};
use crate::domain::revocation::Target;

/// How much of a target's key stands for a token without an id: enough to find it again.
const FINGERPRINT_DIGITS: usize = 12;

/// Who wants what, and why, as the log says it.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    client: String,
    pub(super) target: &'static str,
    issuer: String,
    /// What was named, or what was found out about a token that was shown.
    id: Option<String>,
    reason: String,
}

impl Attempt {
    /// What a demand says of itself.
    pub(super) fn of(demand: &Demand<'_>, client: &str) -> Self {
        Self {
            client: client.to_owned(),
            target: kind(&demand.aim),
            issuer: short(demand.issuer),
            id: demand.aim.id().map(short),
            reason: short(demand.reason),
        }
    }

    /// One that says so little that nobody can tell what it is about.
    pub(super) fn unreadable(client: &str) -> Self {
        let (issuer, reason) = (String::new(), String::new());
        Self { client: client.to_owned(), target: NO_TARGET, issuer, id: None, reason }
    }

    /// Now it is known whose it is.
    pub(super) fn know_issuer(&mut self, issuer: &str) {
        issuer.clone_into(&mut self.issuer);
    }

    /// Now a token that was shown is known: by its id, or by a part of what revocations call it.
    pub(super) fn know_token(&mut self, token_id: &str, target: &Target) {
        self.id = Some(if token_id.is_empty() {
            let digits = format!("{:032x}", u128::from_be_bytes(*target.key()));
            digits.chars().take(FINGERPRINT_DIGITS).collect()
        } else {
            short(token_id)
        });
    }

    /// It was carried out.
    pub(super) fn done(&self, done: &Done) {
        tracing::info!(
            target: "countersign::audit",
            {
                client.address = self.client,
                revocation.target = self.target,
                revocation.issuer = self.issuer,
                revocation.id = self.id,
                revocation.reason = self.reason,
                revocation.revision = %done.revision,
                revocation.sessions = done.sessions,
                revocation.not_before = done.effective_not_before.map(|time| time.to_string()),
            },
            "revoked"
        );
    }

    /// It counts here, but is not stored.
    pub(super) fn unstored(&self) {
        tracing::info!(
            target: "countersign::audit",
            {
                client.address = self.client,
                revocation.target = self.target,
                revocation.issuer = self.issuer,
                revocation.id = self.id,
                revocation.reason = self.reason,
            },
            "revoked on this replica only, until it can be stored"
        );
    }

    /// It was not carried out.
    pub(super) fn refused(&self, why: &'static str, field: Option<&'static str>) {
        tracing::info!(
            target: "countersign::audit",
            {
                client.address = self.client,
                revocation.target = self.target,
                revocation.issuer = self.issuer,
                revocation.id = self.id,
                revocation.reason = self.reason,
                error.type = why,
                request.field = field,
            },
            "not revoked"
        );
    }
}

/// What a request without a target that could be read counts as.
pub(super) const NO_TARGET: &str = "none";

/// As metrics and the log call it.
fn kind(aim: &Aim<'_>) -> &'static str {
    match aim {
        Aim::Token(_) => "token",
        Aim::Named(Named::TokenId(_)) => "token_id",
        Aim::Named(Named::Session(_)) => "session",
        Aim::Named(Named::Subject(_)) => "subject",
        Aim::Named(Named::Client(_)) => "client",
        Aim::Named(Named::AllOfIssuer) => "issuer",
    }
}

/// The beginning of what is far longer than it may be, and nothing of a token that was put into the wrong field (E1). Whatever
/// else stands in a field cannot break a line: both formats of the log escape it.
fn short(text: &str) -> String {
    if looks_like_a_token(text) { "(a token)".to_owned() } else { text.chars().take(1024).collect() }
}
