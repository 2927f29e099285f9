//! Several replicas on one Redis: what is revoked on one of them is refused on all.

mod crash;
mod failover;
mod faults;
mod propagation;
mod refused;
mod set;
mod starting;
