//! What goes on at the same time as a refresh: a store that stops (F4), revocations (F11), an owner that wakes up late (F5), and
//! a provider that mixes up its users (F12).

mod foreign;
mod late;
mod revoked;
mod unstored;
