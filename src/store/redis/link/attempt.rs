//! One attempt to connect to a primary.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use redis::{Pipeline, Value};
use tokio_util::sync::CancellationToken;

use super::{
    address::Address,
    checks::{self, Facts, Found},
    conn::{Conn, all_good},
    connect::{Connector, Driver},
    places::Places,
    sentinel::most_telling,
};
use crate::store::{
    redis::trouble::RedisTrouble,
    settings::{Durability, Topology},
};

/// What every connection of a link has in common.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) connector: Connector,
    pub(super) places: Places,
    pub(super) topology: Topology,
    pub(super) durability: Durability,
    pub(super) prefix: String,
    pub(super) home: u16,
    /// Whether a primary was found fit since the process started. Until then one that is unfit is not used; later that is said,
    /// and it is used.
    pub(super) was_fit: AtomicBool,
    pub(super) found: Mutex<Found>,
    /// By node, those that nobody has.
    pub(super) doubts: Mutex<HashMap<Address, CancellationToken>>,
}

/// Whom to connect to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// The home slot's primary, and look at all that it says of itself.
    HomeChecked,
    /// The home slot's primary, for writes that have to be durable.
    HomeDurable,
    /// The home slot's primary.
    Home,
    /// The primary at this address.
    Node(Address),
}

impl Common {
    /// Connects to the first that is a primary and has what is needed.
    pub(super) async fn attempt(&self, target: &Target) -> Result<(Conn, Driver), RedisTrouble> {
        let candidates = match target {
            Target::HomeChecked | Target::HomeDurable | Target::Home => self.places.of(self.home).await?,
            Target::Node(address) => vec![address.clone()],
        };
        let mut troubles = Vec::new();
        for candidate in candidates {
            match self.connect(&candidate, target).await {
                Ok(connected) => return Ok(connected),
                Err(trouble) => troubles.push(trouble),
            }
        }
        Err(most_telling(troubles).unwrap_or(RedisTrouble::Lost))
    }

    async fn connect(&self, to: &Address, target: &Target) -> Result<(Conn, Driver), RedisTrouble> {
        let (mut conn, mut driver) = self.connector.connect(to).await?;
        let checked = async {
            let facts = Facts::read(&conn, &self.connector).await?;
            facts.usable(&self.topology)?;
            if self.is_checked(target) {
                self.check(&conn, &facts).await?;
            }
            Ok(facts)
        };
        let facts = with_driver(&mut driver, checked).await?;
        conn.confirm = facts.confirm(self.durability);
        conn.share(self.doubts_about(to));
        Ok((conn, driver))
    }

    /// Before one was found fit, no connection is any good; after that, one that looks is enough.
    fn is_checked(&self, target: &Target) -> bool {
        match target {
            Target::HomeChecked => true,
            Target::HomeDurable | Target::Home => !self.was_fit.load(Ordering::Relaxed),
            Target::Node(_) => false,
        }
    }

    /// A server is looked at when it is new to us: at the start, and in each of its lives; and at each connection for as long as
    /// there is something about it that is to be mended. What has not changed is not said again.
    async fn check(&self, conn: &Conn, facts: &Facts) -> Result<(), RedisTrouble> {
        if self.change_found(|found| found.run_id == facts.run_id && found.is_as_it_should_be()) {
            return Ok(());
        }
        self.look(conn, facts).await
    }

    /// Looks at all that matters.
    pub(super) async fn look(&self, conn: &Conn, facts: &Facts) -> Result<(), RedisTrouble> {
        let mut unfit = facts.unfit(self.durability);
        unfit.extend(checks::permissions(conn, &self.prefix, facts, &facts.confirm(self.durability)).await?);
        let refused = unfit.first().cloned().filter(|_| !self.was_fit.load(Ordering::Relaxed));
        self.was_fit.fetch_or(unfit.is_empty(), Ordering::Relaxed);
        let found = Found::new(facts, self.durability, unfit);
        let said = found.clone();
        let is_news = self.change_found(|it| std::mem::replace(it, found)) != said;
        if let Some(unfit) = refused {
            return Err(unfit.into());
        }
        if is_news {
            said.say();
        }
        Ok(())
    }

    /// What is cancelled when one of the connections to this node hears that it is no primary.
    fn doubts_about(&self, node: &Address) -> CancellationToken {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.retain(|_, doubt| !doubt.is_cancelled());
        doubts.entry(node.clone()).or_default().clone()
    }

    pub(super) fn change_found<T>(&self, change: impl FnOnce(&mut Found) -> T) -> T {
        change(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Something that needs the connection, which lives as long as its driver runs.
pub(super) async fn with_driver<T>(
    driver: &mut Driver,
    work: impl Future<Output = Result<T, RedisTrouble>>,
) -> Result<T, RedisTrouble> {
    let bounded = tokio::time::timeout(super::BOUND, work);
    tokio::select! {
        biased;
        result = bounded => result.unwrap_or(Err(RedisTrouble::Unanswered { within: super::BOUND })),
        () = driver => Err(RedisTrouble::Lost),
    }
}

/// The answer to a single question.
pub(super) async fn first_answer(conn: &Conn, question: &Pipeline) -> Result<Value, RedisTrouble> {
    let answers = all_good(conn.run(question).await?)?;
    answers.into_iter().next().ok_or(RedisTrouble::Lost)
}

/// Shared by the lines of one link.
pub(super) type SharedCommon = Arc<Common>;
