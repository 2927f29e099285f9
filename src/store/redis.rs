//! The store that replicas share: Redis.

#[cfg_attr(not(test), expect(dead_code, reason = "the store on top of it uses it"))]
mod link;
mod trouble;

pub use trouble::{RedisTrouble, Unfit, UnfitKind};
