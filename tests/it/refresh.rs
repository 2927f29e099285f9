//! Refreshing, shared: against a real provider that ends the grant when a refresh token is used twice.

mod bad_input;
mod crashes;
mod faults;
mod graceful;
mod herd;
mod limits;
mod races;
mod sessions;
mod set;
mod theft;
