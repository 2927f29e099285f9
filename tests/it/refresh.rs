//! Refreshing, shared: against a real provider that ends the grant when a refresh token is used twice.

mod faults;
mod herd;
mod sessions;
mod set;
mod theft;
