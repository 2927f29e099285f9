//! Connections come back by themselves, and nobody waits for long.

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::store::testing::redis::until;

/// A request's bound, and what a loaded machine adds.
const BOUNDED: Duration = Duration::from_secs(6);

#[tokio::test]
async fn a_server_that_was_started_again_is_used_again() {
    let mut server = RedisServer::start().await;
    let link = open(&settings(&[server.port()])).await;
    let life = link.found().run_id;
    server.restart().await;
    until("all connections", async || {
        let command = redis::cmd("PING");
        get(&link, "{cs}:a").await.is_some()
            && link.home_durably(&commands(&["SET {cs}:a 1"])).await.is_ok()
            && link.blocking(&command, Duration::ZERO).await.is_ok()
    })
    .await;
    assert_ne!(link.found().run_id, life);
}

#[tokio::test]
async fn a_server_that_does_nothing_holds_nobody_up_and_is_used_once_it_goes_on() {
    let server = RedisServer::start().await;
    let link = open(&settings(&[server.port()])).await;
    server.stop().await;
    let begun = Instant::now();
    let error = link.home(&commands(&["PING"])).await.unwrap_err();
    assert!(matches!(trouble(&error), RedisTrouble::Unanswered { .. }), "{error:?}");
    assert!(begun.elapsed() < BOUNDED, "{:?}", begun.elapsed());
    until("callers to hear at once", async || {
        let begun = Instant::now();
        link.home(&commands(&["PING"])).await.is_err() && begun.elapsed() < Duration::from_millis(100)
    })
    .await;
    server.go_on().await;
    until("it to be used again", async || get(&link, "{cs}:a").await.is_some()).await;
}

#[tokio::test]
async fn waiting_for_news_holds_up_nobody_else_and_can_be_given_up() {
    let server = RedisServer::start().await;
    let link = open(&settings(&[server.port()])).await;
    let news = redis::cmd("BLPOP").arg("{cs}:news").arg(0).clone();
    let long = Duration::from_mins(10);
    {
        let mut waiting = Box::pin(link.blocking(&news, long));
        until("the server to wait", async || {
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
            server.info("blocked_clients").await.as_deref() == Some("1")
        })
        .await;
        assert!(get(&link, "{cs}:a").await.is_some());
    }
    until("nobody to wait", async || server.info("blocked_clients").await.as_deref() == Some("0")).await;
    server.run::<i64>("RPUSH {cs}:news first").await;
    let heard = link.blocking(&news, long).await.unwrap();
    assert_eq!(read::<Vec<String>>(heard), ["{cs}:news", "first"]);
}

#[tokio::test]
async fn a_server_that_became_a_replica_is_not_used() {
    let primary = RedisServer::start().await;
    let server = RedisServer::start().await;
    let link = open(&settings(&[server.port(), primary.port()])).await;
    server.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", primary.port())).await;
    until("writes to go to the primary", async || {
        let answers = link.home(&commands(&["SET {cs}:a 1"])).await;
        answers.is_ok_and(|answers| answers == [Value::Okay])
    })
    .await;
    assert_eq!(primary.run::<String>("GET {cs}:a").await, "1");
}

#[tokio::test]
async fn what_one_connection_hears_of_a_server_that_became_a_replica_counts_for_all() {
    let primary = RedisServer::start().await;
    let server = RedisServer::start().await;
    let link = open(&settings(&[server.port(), primary.port()])).await;
    let connections = async || {
        let list: String = server.run("CLIENT LIST TYPE normal").await;
        list.lines().filter(|line| line.contains(" addr=127.0.0.1:")).count()
    };
    until("all three connections", async || connections().await == 3).await;
    server.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", primary.port())).await;
    // The feed's is used by nobody, and hears nothing itself.
    drop(link.home(&commands(&["SET {cs}:a 1"])).await);
    until("all to be given up", async || connections().await == 0).await;
    until("all to lead to the primary", async || {
        let news = link.blocking(&redis::cmd("PING"), Duration::ZERO).await;
        news.is_ok() && link.home_durably(&commands(&["SET {cs}:a 1"])).await.is_ok()
    })
    .await;
}
