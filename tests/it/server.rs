//! The server around the token service: limits, deadlines, sockets, drain.
