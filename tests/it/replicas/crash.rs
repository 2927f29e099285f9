//! R1 with Redis: what was answered OK is refused on every replica, whoever is killed, at each level of durability.
//!
//! Three replicas take 500 revocations a second among them; Redis and replicas are killed at random moments under that load, which
//! goes on. Then every revocation that was answered is looked for on every replica. `REVOCATION_CRASHES` says how many seeds are
//! run, `REVOCATION_SEED` which is the first.

use std::sync::Arc;

use super::set::{Replicas, Settings};
use crate::{
    revocation::{
        asked,
        random::Random,
        revoking::Revoking,
        victims::{Answered, Reads, Victim},
    },
    support::redis::{Fsync, MASTER, Options, RedisSentinels, RedisServer, until},
};

const REPLICAS: u64 = 3;

/// One seed's run.
struct Run {
    seed: u64,
    random: Random,
    replicas: Replicas,
    answered: Arc<Answered>,
    /// The next victim's number.
    next: u64,
    reads: Reads,
}

impl Run {
    async fn start(seed: u64, settings: &Settings, reads: Reads) -> Self {
        let settings = vec![settings.clone(); usize::try_from(REPLICAS).unwrap()];
        let replicas = Replicas::start(&settings).await;
        Self { seed, random: Random::seeded(seed), replicas, answered: Arc::default(), next: 0, reads }
    }

    /// Starts the load, and returns at the moment that is drawn for the crash.
    async fn until_the_crash(&mut self) -> Revoking {
        let services: Vec<_> = self.replicas.all.iter().collect();
        let signer = &self.replicas.signer;
        let load = Revoking::start(&services, signer, &mut self.random, self.next, &self.answered).await;
        let enough = 1 + self.random.below(200);
        self.more(enough).await;
        load
    }

    /// Waits until so many more revocations were answered.
    async fn more(&self, many: u64) {
        self.answered.reach(self.answered.many() + usize::try_from(many).unwrap()).await;
    }

    fn drawn(&mut self) -> usize {
        usize::try_from(self.random.below(REPLICAS)).unwrap()
    }

    /// Everything works again: ends the load a bit later, and looks for what was answered.
    async fn all_refused(&mut self, load: Revoking, after: &str) {
        self.more(20).await;
        self.next = load.stop().await;
        for (number, replica) in self.replicas.all.iter().enumerate() {
            let context = format!("seed {}, after {after}: all is refused on replica {number}", self.seed);
            self.answered.all_refused(replica, &self.replicas.signer, self.reads, &context).await;
            let other = Victim::TokenId(u64::MAX).token(&self.replicas.signer);
            assert!(replica.validate(&other).await.is_good(), "{context}: and nothing else");
        }
        println!(
            "seed {}, {after}: {} of {} revocations answered, all refused on all replicas",
            self.seed,
            self.answered.many(),
            self.next
        );
    }

    /// Kills a replica under load; it comes back.
    async fn lose_a_replica(&mut self) {
        let load = self.until_the_crash().await;
        let lost = self.drawn();
        self.replicas.all[lost].kill9().await;
        self.more(20).await;
        self.replicas.all[lost].restart().await;
        self.all_refused(load, "the crash of a replica").await;
    }
}

fn seeds() -> std::ops::Range<u64> {
    let (first, seeds) = (asked("REVOCATION_SEED", 1), asked("REVOCATION_CRASHES", 1));
    first..first + seeds
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_fsync_what_was_answered_is_refused_after_kills_of_redis_and_of_replicas() {
    for seed in seeds() {
        let mut redis = RedisServer::with(&Options::default().append_only(Fsync::Always)).await;
        let settings = Settings {
            url: format!("redis://{}", redis.address()),
            store: "durability: fsync".to_owned(),
            revocation: String::new(),
        };
        let mut run = Run::start(seed, &settings, Reads::YourWrites).await;
        run.lose_a_replica().await;
        let load = run.until_the_crash().await;
        redis.kill9().await;
        redis.restart().await;
        run.all_refused(load, "the crash of Redis").await;
        // Nobody who was told is left but Redis' disk.
        let load = run.until_the_crash().await;
        let kill = run.replicas.all.iter_mut().map(crate::support::service::Service::kill9);
        futures_util::future::join(redis.kill9(), futures_util::future::join_all(kill)).await;
        redis.restart().await;
        let restart = run.replicas.all.iter_mut().map(crate::support::service::Service::restart);
        futures_util::future::join_all(restart).await;
        run.all_refused(load, "the crash of all").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_one_replica_what_was_answered_is_refused_after_a_failover_and_kills_of_replicas() {
    for seed in seeds() {
        let mut redis = RedisSentinels::start(1, &Options::default(), "").await;
        let sentinels: Vec<_> = redis.ports().iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let settings = Settings {
            url: format!("redis://{}", sentinels.join(",")),
            store: format!("durability: {{ replicas: 1 }}, sentinel: {{ master: {MASTER} }}"),
            revocation: String::new(),
        };
        let mut run = Run::start(seed, &settings, Reads::YourWrites).await;
        run.lose_a_replica().await;
        let load = run.until_the_crash().await;
        redis.servers[0].kill9().await;
        until("a failover", async || redis.primary().await == Some(1)).await;
        // The sentinels would do it, too, within some ten seconds.
        redis.servers[0].restart().await;
        let port = redis.servers[1].port();
        redis.servers[0].run::<String>(&format!("REPLICAOF 127.0.0.1 {port}")).await;
        redis.servers[1].replicas(1).await;
        run.all_refused(load, "a failover").await;
        // Only the new primary can tell whoever starts now.
        run.lose_a_replica().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_memory_what_was_answered_is_refused_after_redis_forgot_it_and_after_kills_of_replicas() {
    for seed in seeds() {
        let mut redis = RedisServer::start().await;
        let settings = Settings::memory(format!("redis://{}", redis.address()));
        let mut run = Run::start(seed, &settings, Reads::Soon).await;
        let load = run.until_the_crash().await;
        redis.kill9().await;
        redis.restart_empty().await;
        run.all_refused(load, "Redis forgot all").await;
        // Whoever starts now knows what the others have given back.
        run.lose_a_replica().await;
    }
}
