//! `countersign doctor`, the real binary: what it says about providers that lie, and about real ones.
#![cfg(test)]

mod clients;
mod clock;
mod discovery;
mod keys;
mod kit;
mod peers;
mod run;
