//! What was found, for those who count it.

use super::{super::durability::Confirm, facts::Facts};
use crate::store::{redis::trouble::Unfit, settings::Durability};

/// What the last look at the primary found: one for each of its lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Where it is; empty before the first look.
    pub node: String,
    /// The server's life.
    pub run_id: String,
    /// Its version.
    pub version: String,
    /// How durable a write is.
    pub kept: Kept,
    /// Settings that it did not let us read.
    pub unread: Vec<&'static str>,
    /// What is wrong with it. At a start, that is refused; later it is used all the same.
    pub unfit: Vec<Unfit>,
}

/// How durable a write is that is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// Nobody knows.
    #[default]
    Unknown,
    /// In memory.
    Memory,
    /// In so many replicas' memory, too.
    Replicas(u8),
    /// On the primary's disk.
    Disk,
    /// Less than was asked for: such writes are answered with an error.
    Less,
}

impl Found {
    pub(in super::super) fn new(facts: &Facts, durability: Durability, unfit: Vec<Unfit>) -> Self {
        let unread = facts.unread(durability);
        let kept = match (facts.confirm(durability), durability) {
            (Confirm::Impossible(_), _) => Kept::Less,
            (Confirm::Replicas(many), _) => Kept::Replicas(many),
            (Confirm::Answer, Durability::Fsync) if unread.iter().any(|it| it.contains("append")) => {
                Kept::Unknown
            }
            (Confirm::Disk, _) | (Confirm::Answer, Durability::Fsync) => Kept::Disk,
            (Confirm::Answer, Durability::Memory | Durability::Replicas(_)) => Kept::Memory,
        };
        Self {
            node: facts.node.clone(),
            run_id: facts.run_id.clone(),
            version: facts.version.clone(),
            kept,
            unread,
            unfit,
        }
    }

    pub(in super::super) fn is_as_it_should_be(&self) -> bool {
        self.unfit.is_empty() && self.unread.is_empty()
    }

    /// Says so in the log.
    pub(in super::super) fn say(&self) {
        for unfit in &self.unfit {
            tracing::error!(
                server.address = self.node,
                error.type = unfit.kind.word(),
                error.message = %unfit,
                "Redis is not fit to be the store, and used all the same"
            );
        }
        if !self.unread.is_empty() {
            tracing::warn!(
                server.address = self.node,
                redis.unread = self.unread.join(", "),
                "Redis does not say whether it keeps what it is told"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_said_as_it_was_found() {
        let kept = |facts: &Facts, durability| Found::new(facts, durability, vec![]).kept;
        let always = [("appendonly", "yes"), ("appendfsync", "always"), ("no-appendfsync-on-rewrite", "no")];
        let always = Facts::of("7.0.15", &always);
        assert_eq!(kept(&always, Durability::Fsync), Kept::Disk);
        assert_eq!(kept(&always, Durability::Memory), Kept::Memory);
        assert_eq!(kept(&always, Durability::Replicas(2)), Kept::Replicas(2));
        let silent = Facts::of("7.0.15", &[]);
        assert_eq!(kept(&silent, Durability::Fsync), Kept::Unknown);
        let none = Facts::of("7.0.15", &[("appendonly", "no")]);
        assert_eq!(kept(&none, Durability::Fsync), Kept::Less);
    }
}
