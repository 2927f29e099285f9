//! Whether a server is what a store can rest on.

mod facts;
mod found;
mod permissions;

pub(super) use self::{facts::Facts, found::Found, permissions::permissions};
