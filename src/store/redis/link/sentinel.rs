//! Sentinels, which know the primary.

use std::{cmp::Reverse, time::Duration};

use futures_util::future::join_all;
use redis::{FromRedisValue, Pipeline};
use tokio::time::timeout;

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

/// The sentinels of one primary.
#[derive(Debug)]
pub(super) struct Sentinels {
    nodes: Vec<Address>,
    master: String,
    connector: Connector,
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
        Self { nodes, master, connector }
    }

    /// Where the primary may be: what most sentinels say first, since one that was cut off may still name the last one.
    pub(super) async fn primary(&self) -> Result<Vec<Address>, RedisTrouble> {
        let answers = join_all(self.nodes.iter().map(|node| self.ask(node))).await;
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
        if votes.is_empty() {
            return Err(most_telling(troubles).unwrap_or(RedisTrouble::Lost));
        }
        votes.sort_by_key(|(_, votes)| Reverse(*votes));
        Ok(votes.into_iter().map(|(address, _)| address).collect())
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

/// What waiting does not mend says more than that somebody is not there.
pub(super) fn most_telling(troubles: Vec<RedisTrouble>) -> Option<RedisTrouble> {
    let mut told = None;
    for trouble in troubles {
        if told.is_none() || trouble.is_lasting() {
            told = Some(trouble);
        }
    }
    told
}
