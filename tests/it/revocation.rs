//! Revocations that must hold: over crashes, and against what an identity provider goes on issuing.
#![cfg(test)] // tells clippy that helpers may unwrap, too

mod crash;
mod login;
mod random;
mod simulation;
