//! Writes that have to be durable, wherever their slot is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use redis::{Pipeline, Value};

use super::{
    address::Address,
    attempt::{SharedCommon, Target},
    line::{Line, MOVES, has_moved},
    writes::Writes,
};
use crate::store::redis::trouble::RedisTrouble;

/// The queues of a cluster's primaries, each on a connection of its own, made when they are first needed.
///
/// The home slot's primary gets one more: a batch on the home slot's connection goes again when its first command has moved, and
/// slots move one by one.
#[derive(Debug)]
pub(super) struct NodeWrites {
    common: SharedCommon,
    nodes: Mutex<HashMap<Address, Arc<Writes>>>,
}

impl NodeWrites {
    pub(super) fn new(common: SharedCommon) -> Self {
        Self { common, nodes: Mutex::default() }
    }

    /// Runs commands where a slot is, and where it has moved, and answers once what they wrote is durable; `home` has all slots
    /// where there is no cluster.
    pub(super) async fn run(
        &self,
        home: &Writes,
        slot: u16,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, RedisTrouble> {
        let Some(slots) = self.common.places.slots() else { return home.run(commands).await };
        let mut moves = 0;
        loop {
            let known = slots.known().await?;
            let answers = self.to(known.owner(slot)?, &known.owners()).run(commands).await;
            let is_elsewhere = answers.as_ref().is_ok_and(|answers| has_moved(answers));
            if is_elsewhere || answers.as_ref().is_err_and(is_about_the_node) {
                slots.forget();
            }
            moves += 1;
            if !is_elsewhere || moves > MOVES {
                return answers;
            }
        }
    }

    /// The queue of one of these; those of others are let go.
    fn to(&self, owner: &Address, owners: &[Address]) -> Arc<Writes> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|node, _writes| owners.contains(node));
        let open = || {
            let line = Line::open(Arc::clone(&self.common), Target::Node(owner.clone()));
            Arc::new(Writes::over(line))
        };
        Arc::clone(nodes.entry(owner.clone()).or_insert_with(open))
    }
}

/// A node whose replicas are slow has its slots all the same.
fn is_about_the_node(trouble: &RedisTrouble) -> bool {
    !matches!(trouble, RedisTrouble::NotDurable { .. })
}
