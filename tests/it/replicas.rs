//! Several replicas on one Redis: what is revoked on one of them is refused on all.
#![cfg(test)] // tells clippy that helpers may unwrap, too

mod crash;
mod failover;
pub(crate) mod faults;
mod propagation;
mod refused;
mod set;
mod starting;
