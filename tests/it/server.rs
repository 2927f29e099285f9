//! The server around the token service: limits, deadlines, sockets, drain.

mod admin;
mod connection;
mod drain;
mod limits;
mod raw;
mod sockets;
mod support;
