//! Whether a server is what a store can rest on.

mod facts;
mod found;
mod permissions;

pub use self::found::{Found, Kept};
pub(super) use self::{facts::Facts, permissions::permissions};
