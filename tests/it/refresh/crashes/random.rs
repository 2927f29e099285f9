//! Replicas and Redis are killed at moments that a seed decides, while callers on all replicas refresh sessions and give up now
//! and then. `REFRESH_CRASHES` says how many seeds are run, `REFRESH_SEED` which is the first.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use countersign::proto::client::{Reason, TokenSet};
use futures_util::future::{join, join_all};
use tokio::{sync::RwLock, time::timeout};

use super::super::set::{Calling, Came, LONG, Plan, Set};
use crate::{
    revocation::{asked, random::Random},
    support::{service::Service, wait::until},
};

const REPLICAS: u64 = 3;
const SESSIONS: u64 = 6;
/// As many callers present each token.
const CALLERS: u64 = 3;
/// What is killed, one after the other.
const KILLS: u64 = 4;
/// So many refreshes between two kills, at most.
const BETWEEN: u64 = 12;
/// Counted for a session that has ended: more than there are refreshes.
const LOST: u64 = 1 << 32;

/// The deployment, while it is played with.
struct Run {
    seed: u64,
    replicas: Vec<RwLock<Service>>,
    /// Of each session, so far.
    refreshes: Vec<AtomicU64>,
    /// All kills are done: each session ends with its next refresh.
    is_over: AtomicU64,
}

impl Run {
    /// One session's callers: each token is presented by several at the same time, until all have the same successor.
    async fn session(&self, number: u64, first: String) -> Result<String, Reason> {
        let mut random = Random::seeded(self.seed * 1000 + number);
        let mut token = first;
        loop {
            let is_over = self.is_over.load(Ordering::Acquire) > 0;
            let mut callers = Vec::new();
            for _caller in 0..CALLERS {
                callers.push(self.caller(&token, Random::seeded(random.next())));
            }
            let mut successors = Vec::new();
            for came in join_all(callers).await {
                let tokens = came.inspect_err(|_lost| self.counts(number, LOST))?;
                successors.push(tokens.refresh_token);
            }
            assert!(
                successors.iter().all(|successor| *successor == successors[0]),
                "seed {}, session {number}: two successors of one token",
                self.seed
            );
            self.counts(number, 1);
            token = successors.swap_remove(0);
            if is_over {
                return Ok(token);
            }
        }
    }

    /// Asks here and there until there is a last word, and is impatient at times.
    async fn caller(&self, token: &str, mut random: Random) -> Result<TokenSet, Reason> {
        let came = until("a last word", LONG * 3, async || {
            let replica = usize::try_from(random.below(REPLICAS)).unwrap();
            // A call to a replica that is being killed has been taken, and goes on without the lock.
            let call = {
                let replica = self.replicas[replica].try_read().ok()?;
                Calling::start(&replica, token).await
            };
            let is_patient = random.below(4) > 0;
            let patience = if is_patient { LONG } else { Duration::from_millis(random.below(100)) };
            match timeout(patience, call.came()).await.ok()? {
                Came::Fault(_) => None,
                last @ (Came::Tokens(_) | Came::Refused(_)) => Some(last),
            }
        })
        .await;
        match came {
            Came::Tokens(tokens) => Ok(*tokens),
            other @ (Came::Refused(_) | Came::Fault(_)) => Err(other.refused().0),
        }
    }

    /// What was going on has ended, and is in the store.
    async fn all_is_stored(&self) {
        let before = self.so_far();
        until("each session to be refreshed", LONG * 3, async || {
            let now = self.so_far();
            now.iter().zip(&before).all(|(now, before)| now > before || *now >= LOST).then_some(())
        })
        .await;
        for replica in &self.replicas {
            let replica = replica.read().await;
            until("answers to be stored", LONG, async || {
                (replica.metric("countersign_unstored_refreshes").await < 1.0).then_some(())
            })
            .await;
        }
    }

    fn counts(&self, session: u64, refreshes: u64) {
        self.refreshes[usize::try_from(session).unwrap()].fetch_add(refreshes, Ordering::AcqRel);
    }

    fn so_far(&self) -> Vec<u64> {
        self.refreshes.iter().map(|refreshes| refreshes.load(Ordering::Acquire)).collect()
    }

    async fn more(&self, refreshes: u64) {
        let enough = self.so_far().iter().sum::<u64>() + refreshes;
        until("refreshes to go on", LONG * 3, async || {
            let now = self.so_far();
            let all_are_lost = now.iter().all(|refreshes| *refreshes >= LOST);
            (all_are_lost || now.iter().sum::<u64>() >= enough).then_some(())
        })
        .await;
    }
}

fn seeds() -> std::ops::Range<u64> {
    let (first, seeds) = (asked("REFRESH_SEED", 1), asked("REFRESH_CRASHES", 1));
    first..first + seeds
}

/// Plays one seed, and returns what became of each session.
async fn play(seed: u64, mut set: Set) -> (Set, Vec<Result<String, Reason>>) {
    let mut random = Random::seeded(seed);
    let mut tokens = Vec::new();
    for session in 0..SESSIONS {
        tokens.push(set.provider.user_tokens(&format!("user {session}")).await.refresh_token);
    }
    let run = Run {
        seed,
        replicas: std::mem::take(&mut set.replicas).into_iter().map(RwLock::new).collect(),
        refreshes: (0..SESSIONS).map(|_session| AtomicU64::new(0)).collect(),
        is_over: AtomicU64::new(0),
    };
    let sessions = tokens.into_iter().zip(0..).map(|(token, number)| run.session(number, token));
    let killing = async {
        for _kill in 0..KILLS {
            run.more(1 + random.below(BETWEEN)).await;
            let victim = usize::try_from(random.below(REPLICAS + 1)).unwrap();
            if let Some(replica) = run.replicas.get(victim) {
                let mut replica = replica.write().await;
                replica.kill9().await;
                replica.restart().await;
            } else {
                set.redis().kill9().await;
                set.redis().restart().await;
                // What only a replica's memory holds would go with it, though callers have it.
                run.all_is_stored().await;
            }
        }
        run.is_over.store(1, Ordering::Release);
    };
    let (ends, ()) = join(join_all(sessions), killing).await;
    set.replicas = run.replicas.into_iter().map(RwLock::into_inner).collect();
    (set, ends)
}

fn plan(rotation: &'static str, grace: Duration) -> Plan {
    Plan {
        rotation,
        grace,
        refresh: "upstream_timeout: 1s, lease: 3s, limit: { burst: 1000, per: 1s }, \
                  caller_limit: { burst: 1000, per: 1s }",
        // A strict provider's lost answers are found out when the access token has ended.
        lifetime: Duration::from_secs(8),
        is_durable: true,
        ..Plan::default()
    }
}

#[tokio::test]
async fn f1_to_f6_with_a_graceful_provider_no_session_is_lost_whoever_is_killed() {
    for seed in seeds() {
        let set = Set::start(plan("rotation: graceful, grace: 1m", Duration::from_mins(1))).await;
        let (set, ends) = play(seed, set).await;
        for end in ends {
            let token = end.unwrap_or_else(|reason| panic!("seed {seed}: {reason:?}"));
            set.refresh(0, &token).await.tokens();
        }
    }
}

#[tokio::test]
async fn f1_to_f6_with_a_strict_provider_only_answers_that_died_with_a_replica_are_lost() {
    for seed in seeds() {
        let set = Set::start(plan("rotation: strict", Duration::ZERO)).await;
        let (set, ends) = play(seed, set).await;
        let lost = ends.iter().filter(|end| end.is_err()).count();
        println!("seed {seed}: {lost} of {SESSIONS} sessions lost");
        for end in ends {
            match end {
                Ok(token) => drop(set.refresh(0, &token).await.tokens()),
                Err(reason) => assert_eq!(reason, Reason::RefreshOutcomeLost, "seed {seed}"),
            }
        }
        for replica in [0, 1, 2] {
            assert_eq!(set.alarms(replica).await, 0, "seed {seed}");
        }
    }
}
