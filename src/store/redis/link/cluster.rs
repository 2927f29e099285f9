//! Who has which slots of a cluster.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use redis::{Pipeline, Value};

use super::{
    address::Address,
    attempt::{first_answer, with_driver},
    connect::Connector,
    sentinel::most_telling,
};
use crate::store::redis::trouble::{RedisTrouble, Unfit, UnfitKind};

/// The nodes of a cluster, and what they said last.
#[derive(Debug)]
pub(super) struct Slots {
    nodes: Vec<Address>,
    connector: Connector,
    known: Mutex<Option<Arc<SlotsOf>>>,
    asking: tokio::sync::Mutex<()>,
    /// Whom to ask first: not always the same, because one that was cut off knows nothing new.
    turn: AtomicUsize,
}

/// Ranges of slots, with their primaries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SlotsOf(Vec<(u16, u16, Address)>);

impl SlotsOf {
    pub(super) fn find(&self, slot: u16) -> Option<&Address> {
        let range = self.0.iter().find(|(first, last, _)| (*first..=*last).contains(&slot));
        range.map(|(_, _, owner)| owner)
    }

    /// Every primary, once.
    pub(super) fn owners(&self) -> Vec<Address> {
        let mut owners: Vec<Address> = Vec::new();
        for (_, _, owner) in &self.0 {
            if !owners.contains(owner) {
                owners.push(owner.clone());
            }
        }
        owners
    }
}

impl Slots {
    pub(super) fn new(nodes: Vec<Address>, connector: Connector) -> Self {
        Self {
            nodes,
            connector,
            known: Mutex::default(),
            asking: tokio::sync::Mutex::new(()),
            turn: AtomicUsize::new(0),
        }
    }

    /// What was said last, or is now.
    pub(super) async fn known(&self) -> Result<Arc<SlotsOf>, RedisTrouble> {
        // Those who come while one asks hear what it heard.
        let _asking = self.asking.lock().await;
        let known = self.change(|known| known.clone());
        match known {
            Some(known) => Ok(known),
            None => self.read().await,
        }
    }

    /// What was said is not true any more.
    pub(super) fn forget(&self) {
        self.change(|known| *known = None);
    }

    /// Asks one node after the other until one says.
    pub(super) async fn read(&self) -> Result<Arc<SlotsOf>, RedisTrouble> {
        let mut troubles = Vec::new();
        for node in self.whom() {
            match self.ask(&node).await {
                Ok(slots) => {
                    let slots = Arc::new(slots);
                    self.change(|known| *known = Some(Arc::clone(&slots)));
                    return Ok(slots);
                }
                Err(trouble) => troubles.push(trouble),
            }
        }
        Err(most_telling(troubles).unwrap_or(RedisTrouble::Lost))
    }

    /// The configured nodes and those that were found.
    fn whom(&self) -> Vec<Address> {
        let mut whom = self.nodes.clone();
        for owner in self.change(|known| known.clone()).iter().flat_map(|known| known.owners()) {
            if !whom.contains(&owner) {
                whom.push(owner);
            }
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % whom.len().max(1);
        whom.rotate_left(turn);
        whom
    }

    async fn ask(&self, node: &Address) -> Result<SlotsOf, RedisTrouble> {
        let (conn, mut driver) = self.connector.connect(node).await?;
        let mut question = Pipeline::new();
        question.cmd("CLUSTER").arg("SLOTS");
        let answer = with_driver(&mut driver, first_answer(&conn, &question)).await;
        let unfit = |kind, what: &str, advice: &str| {
            let (what, advice) = (what.to_owned(), advice.to_owned());
            RedisTrouble::from(Unfit { node: node.to_string(), kind, what, advice })
        };
        match answer {
            Ok(answer) => Ok(SlotsOf(ranges(&answer, node))),
            Err(trouble) => Err(match trouble.code() {
                Some("NOAUTH") => self.connector.login_refused(node, "it does not let us in"),
                Some("NOPERM") => unfit(
                    UnfitKind::Permission,
                    "the user may not ask for the slots",
                    "permit `cluster|slots`",
                ),
                Some("ERR") => unfit(
                    UnfitKind::Topology,
                    "it is no node of a cluster",
                    "leave out `store.cluster`, or name nodes of the cluster",
                ),
                _ => trouble,
            }),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Option<Arc<SlotsOf>>) -> T) -> T {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The answer to `CLUSTER SLOTS`: first, last, then the primary's address, of each range. A node that does not know its own
/// address is where it was asked.
fn ranges(answer: &Value, asked: &Address) -> Vec<(u16, u16, Address)> {
    let Value::Array(ranges) = answer else { return Vec::new() };
    ranges.iter().filter_map(|it| range(it, asked)).collect()
}

fn range(value: &Value, asked: &Address) -> Option<(u16, u16, Address)> {
    let Value::Array(parts) = value else { return None };
    let [first, last, Value::Array(primary), ..] = parts.as_slice() else { return None };
    let [host, port, ..] = primary.as_slice() else { return None };
    let named = if let Value::BulkString(bytes) = host {
        String::from_utf8(bytes.clone()).ok()?
    } else {
        String::new()
    };
    let host = if named.is_empty() { asked.host.clone() } else { named };
    Some((number(first)?, number(last)?, Address { host, port: number(port)? }))
}

fn number(value: &Value) -> Option<u16> {
    if let Value::Int(number) = value { u16::try_from(*number).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_an_address_is_where_it_was_asked() {
        let asked = Address { host: "redis.example.test".to_owned(), port: 1 };
        let node = |host: &[u8]| Value::Array(vec![Value::BulkString(host.to_vec()), Value::Int(7000)]);
        let range = |first, last, host| Value::Array(vec![Value::Int(first), Value::Int(last), node(host)]);
        let answer = Value::Array(vec![range(0, 99, b""), range(100, 16_383, b"10.0.0.2"), Value::Nil]);
        let slots = SlotsOf(ranges(&answer, &asked));
        assert_eq!(slots.find(99).unwrap().to_string(), "redis.example.test:7000");
        assert_eq!(slots.find(100).unwrap().to_string(), "10.0.0.2:7000");
        assert_eq!(slots.find(16_384), None);
        assert_eq!(slots.owners().len(), 2);
    }
}
