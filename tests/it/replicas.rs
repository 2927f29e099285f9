//! Several replicas on one Redis: what is revoked on one of them is refused on all.

mod propagation;
mod set;
