//! The commands.

pub mod keygen;
