//! Sentinels, which know the primary.

use std::time::Duration;

use futures_util::future::join_all;
use redis::{FromRedisValue, Pipeline};
use tokio::time::{Instant, timeout};

use super::{
    address::Address,
    attempt::{first_answer, with_driver},
    connect::{Connector, Login, unreachable},
};
use crate::{
    domain::secret::Secret,
    store::redis::trouble::{RedisTrouble, Unfit, UnfitKind},
};

/// All are asked at once, and one that is gone holds nobody up for long.
const BOUND: Duration = Duration::from_secs(1);
/// An answer that old does for another connection, too.
const FRESH: Duration = Duration::from_secs(1);

/// The sentinels of one primary.
#[derive(Debug)]
pub(super) struct Sentinels {
    nodes: Vec<Address>,
    master: String,
    connector: Connector,
    /// What was said last, and when it was asked for.
    said: tokio::sync::Mutex<Option<(Instant, Address)>>,
}

impl Sentinels {
    pub(super) fn new(
        nodes: Vec<Address>,
        master: String,
        connector: &Connector,
        username: Option<String>,
        password: Option<Secret>,
    ) -> Self {
        let connector = Connector {
            tls: connector.tls.clone(),
            login_is: "user and password in `store.sentinel`",
            login: Login { username, password, database: 0 },
        };
        Self { nodes, master, connector, said: tokio::sync::Mutex::default() }
    }

    /// Where the primary is: what a majority of the sentinels says. A few that are cut off with an earlier one name that.
    pub(super) async fn primary(&self) -> Result<Address, RedisTrouble> {
        elected(join_all(self.nodes.iter().map(|node| self.ask(node))).await)
    }

    /// Whether a majority still says so. That one answer was late is no reason to leave a primary: they are asked twice.
    pub(super) async fn still(&self, primary: &Address) -> Result<(), RedisTrouble> {
        let mut said = self.said.lock().await;
        let now = match &*said {
            Some((at, address)) if at.elapsed() < FRESH => address.clone(),
            Some(_) | None => {
                let at = Instant::now();
                let address = match self.primary().await {
                    Ok(address) => address,
                    Err(_maybe_late) => self.primary().await?,
                };
                *said = Some((at, address.clone()));
                address
            }
        };
        if now == *primary { Ok(()) } else { Err(RedisTrouble::Lost) }
    }

    async fn ask(&self, node: &Address) -> Result<Address, RedisTrouble> {
        match timeout(BOUND, self.try_ask(node)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(unreachable(node, elapsed)),
        }
    }

    async fn try_ask(&self, node: &Address) -> Result<Address, RedisTrouble> {
        let (conn, mut driver) = self.connector.connect(node).await?;
        let mut question = Pipeline::new();
        question.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let answer = with_driver(&mut driver, first_answer(&conn, &question)).await;
        let answer = answer.map_err(|trouble| self.unfit(node, trouble))?;
        match Option::<(String, u16)>::from_redis_value(answer) {
            Ok(Some((host, port))) => Ok(Address { host, port }),
            Ok(None) | Err(_) => Err(topology(
                node,
                format!("this sentinel knows no primary called `{}`", self.master),
                "check `store.sentinel.master`",
            )),
        }
    }

    fn unfit(&self, node: &Address, trouble: RedisTrouble) -> RedisTrouble {
        match trouble.code() {
            Some("NOAUTH") => self.connector.login_refused(node, "this sentinel does not let us in"),
            Some("ERR") => topology(
                node,
                "it is no sentinel".to_owned(),
                "name the sentinels, or leave out `store.sentinel`",
            ),
            _ => trouble,
        }
    }
}

fn topology(node: &Address, what: String, advice: &str) -> RedisTrouble {
    Unfit { node: node.to_string(), kind: UnfitKind::Topology, what, advice: advice.to_owned() }.into()
}

/// Whom a majority of all names; where nobody names anybody, why.
fn elected(answers: Vec<Result<Address, RedisTrouble>>) -> Result<Address, RedisTrouble> {
    let of = answers.len();
    let mut votes: Vec<(Address, usize)> = Vec::new();
    let mut troubles = Vec::new();
    for answer in answers {
        match answer {
            Ok(address) => match votes.iter_mut().find(|(known, _)| *known == address) {
                Some((_, votes)) => *votes += 1,
                None => votes.push((address, 1)),
            },
            Err(trouble) => troubles.push(trouble),
        }
    }
    match votes.into_iter().max_by_key(|(_, votes)| *votes) {
        Some((address, votes)) if votes > of / 2 => Ok(address),
        Some((_, named)) => Err(RedisTrouble::NoMajority { named, of }),
        None => Err(most_telling(troubles).unwrap_or(RedisTrouble::Lost)),
    }
}

/// What waiting does not mend says more than that somebody is not there. But where somebody is not, that may be the primary of a
/// read replica that is.
pub(super) fn most_telling(troubles: Vec<RedisTrouble>) -> Option<RedisTrouble> {
    let some_may_come = troubles.iter().any(|it| !it.is_lasting());
    let mut told: Option<RedisTrouble> = None;
    for trouble in troubles {
        let tells = trouble.is_lasting() && !(some_may_come && trouble.is_replica());
        if told.as_ref().is_none_or(|told| tells || told.is_replica()) {
            told = Some(trouble);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said when these sentinels name a port each, or nothing.
    fn said<const N: usize>(named: [Option<u16>; N]) -> Result<u16, RedisTrouble> {
        let address = |port| Address { host: "redis.example.test".to_owned(), port };
        let answers = named.map(|port| port.map(address).ok_or(RedisTrouble::Lost));
        elected(answers.into()).map(|address| address.port)
    }

    #[test]
    fn r7_a_primary_is_what_a_majority_of_all_sentinels_names() {
        assert_eq!(said([Some(1)]).unwrap(), 1);
        assert_eq!(said([Some(1), Some(2), Some(2)]).unwrap(), 2);
        assert_eq!(said([Some(1), None, Some(1)]).unwrap(), 1);
        let is_minority = |said, by, all| matches!(said, Err(RedisTrouble::NoMajority { named, of }) if (named, of) == (by, all));
        assert!(is_minority(said([Some(1), None, None]), 1, 3));
        assert!(is_minority(said([Some(1), Some(2)]), 1, 2));
        assert!(is_minority(said([Some(1), Some(2), None, Some(1)]), 2, 4));
        assert!(matches!(said([None, None]), Err(RedisTrouble::Lost)));
    }
}
