//! Refreshing, shared: against a real provider that ends the grant when a refresh token is used twice.

mod crashes;
mod faults;
mod herd;
mod set;
mod theft;
