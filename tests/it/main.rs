//! Tests over real sockets.

mod server;
