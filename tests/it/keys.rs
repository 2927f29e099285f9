//! An issuer's keys against key servers that do what they should not.
#![cfg(test)]

mod client;
mod hostile;
mod sources;
