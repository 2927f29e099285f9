//! The other primaries of a cluster.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use redis::{FromRedisValue, Pipeline, Value};

use super::{
    BOUND,
    address::Address,
    attempt::{SharedCommon, Target},
    conn::all_good,
    line::{Line, MOVES, has_moved},
};
use crate::store::redis::trouble::RedisTrouble;

/// How many keys a node looks at in one go.
const STEP: u32 = 1000;

/// Connections to the primaries that have other slots than the home slot, made when they are first needed.
#[derive(Debug)]
pub(super) struct Nodes {
    common: SharedCommon,
    lines: Mutex<HashMap<Address, Arc<Line>>>,
}

impl Nodes {
    pub(super) fn new(common: SharedCommon) -> Self {
        Self { common, lines: Mutex::default() }
    }

    /// The line to the primary that has a slot; `None`: the one to the home slot's.
    async fn line(&self, slot: u16) -> Result<Option<Arc<Line>>, RedisTrouble> {
        let Some(slots) = self.common.places.slots() else { return Ok(None) };
        let slots = slots.known().await?;
        let owner = slots.owner(slot)?;
        if slots.owner(self.common.home).is_ok_and(|home| home == owner) {
            return Ok(None);
        }
        self.forget_all_but(&slots.owners());
        Ok(Some(self.to(owner)))
    }

    /// Lines to all primaries; none: there is only the home slot's.
    pub(super) async fn all(&self) -> Result<Vec<Arc<Line>>, RedisTrouble> {
        let Some(slots) = self.common.places.slots() else { return Ok(Vec::new()) };
        let owners = slots.read().await?.owners();
        Ok(owners.iter().map(|owner| self.to(owner)).collect())
    }

    /// Runs commands where a slot is, and where it has moved; `home` has the home slot.
    pub(super) async fn run(
        &self,
        home: &Line,
        slot: u16,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, RedisTrouble> {
        let mut moves = 0;
        loop {
            let answers = match self.line(slot).await? {
                None => home.run(commands, BOUND).await,
                Some(line) => line.run(commands, BOUND).await,
            };
            let is_elsewhere = answers.as_ref().is_ok_and(|answers| has_moved(answers));
            if is_elsewhere || answers.is_err() {
                self.forget();
            }
            moves += 1;
            if !is_elsewhere || moves > MOVES {
                return answers;
            }
        }
    }

    /// What is known of the slots may be out of date.
    fn forget(&self) {
        if let Some(slots) = self.common.places.slots() {
            slots.forget();
        }
    }

    fn to(&self, owner: &Address) -> Arc<Line> {
        self.change(|lines| {
            let open = || Arc::new(Line::open(Arc::clone(&self.common), Target::Node(owner.clone())));
            Arc::clone(lines.entry(owner.clone()).or_insert_with(open))
        })
    }

    fn forget_all_but(&self, owners: &[Address]) {
        self.change(|lines| lines.retain(|owner, _| owners.contains(owner)));
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<Address, Arc<Line>>) -> T) -> T {
        change(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Adds a node's keys that match.
pub(super) async fn scan(line: &Line, pattern: &str, keys: &mut Vec<Vec<u8>>) -> Result<(), RedisTrouble> {
    let mut cursor = 0_u64;
    loop {
        let mut step = Pipeline::new();
        step.cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP);
        let answers = all_good(line.run(&step, BOUND).await?)?;
        let answer = answers.into_iter().next().ok_or(RedisTrouble::Lost)?;
        let (next, found) = <(u64, Vec<Vec<u8>>)>::from_redis_value(answer)
            .map_err(|_not_understood| RedisTrouble::refused("SCAN", Some("its answer is not understood")))?;
        keys.extend(found);
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}
