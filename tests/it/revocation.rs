//! Revocations that must hold: over crashes, and against what an identity provider goes on issuing.
#![cfg(test)] // tells clippy that helpers may unwrap, too

mod crash;
mod login;
pub(crate) mod random;
pub(crate) mod revoking;
mod simulation;
pub(crate) mod victims;

/// How much of something is asked for by a variable (`make torture`), or this much.
pub(crate) fn asked(name: &str, otherwise: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how `make torture` asks for more")]
    let text = std::env::var(name);
    text.map_or(otherwise, |text| text.parse().expect(name))
}
