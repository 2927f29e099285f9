//! The server around the token service: limits, deadlines, sockets, drain.
#![cfg(test)] // tells clippy that helpers may unwrap, too

mod admin;
mod cli;
mod connection;
mod drain;
mod limits;
mod raw;
mod sockets;
mod support;
