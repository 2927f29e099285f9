//! What is answered is as durable as configured.

use futures_util::future::join_all;

use super::*;
use crate::store::testing::redis::{Fsync, Options, until};

async fn with_replica() -> (RedisServer, RedisServer, Link) {
    let primary = RedisServer::start().await;
    let replica = RedisServer::with(&Options::default().replica_of(&primary)).await;
    primary.replicas(1).await;
    let settings = RedisSettings { durability: Durability::Replicas(1), ..settings(&[primary.port()]) };
    let link = open(&settings).await;
    (primary, replica, link)
}

#[tokio::test]
async fn a_write_that_too_few_replicas_have_is_not_durable() {
    let (primary, replica, link) = with_replica().await;
    let answers = link.home_durably(&commands(&["SET {cs}:a 1"])).await.unwrap();
    assert_eq!(answers, [Value::Okay], "the confirmation is nobody's answer");
    replica.stop().await;
    let error = link.home_durably(&commands(&["SET {cs}:b 1"])).await.unwrap_err();
    assert!(matches!(trouble(&error), RedisTrouble::NotDurable { .. }), "{error:?}");
    // Reads do not wait behind it.
    assert_eq!(get(&link, "{cs}:b").await, Some(Some("1".to_owned())), "it was done all the same");
    replica.go_on().await;
    primary.replicas(1).await;
    until("writes to be durable again", async || {
        link.home_durably(&commands(&["SET {cs}:b 2"])).await.is_ok()
    })
    .await;
    assert_eq!(replica.run::<String>("GET {cs}:b").await, "2");
}

/// Were `WAIT` sent on another connection than the write, or after a reconnect, it would be about nothing and succeed.
#[tokio::test]
async fn no_write_is_confirmed_that_was_cut_off_from_its_confirmation() {
    let (primary, replica, link) = with_replica().await;
    replica.stop().await;
    let write = commands(&["SET {cs}:a 1"]);
    let writing = link.home_durably(&write);
    let cutting = async {
        until("the write to wait", async || primary.info("blocked_clients").await.as_deref() == Some("1"))
            .await;
        primary.run::<i64>("CLIENT KILL TYPE normal SKIPME yes").await
    };
    let (written, cut) = futures_util::future::join(writing, cutting).await;
    assert!(cut > 0);
    let error = written.unwrap_err();
    assert!(matches!(trouble(&error), RedisTrouble::Lost), "{error:?}");
}

#[tokio::test]
async fn writes_that_come_together_are_confirmed_together_and_answered_apart() {
    let (_primary, replica, link) = with_replica().await;
    let writes: Vec<_> =
        (0..300).map(|number| commands(&["INCRBY {cs}:n 1", &format!("ECHO {number}")])).collect();
    let answers = join_all(writes.iter().map(|write| link.home_durably(write))).await;
    for (number, answer) in answers.into_iter().enumerate() {
        let [_, echoed] = <[Value; 2]>::try_from(answer.unwrap()).unwrap();
        assert_eq!(read::<usize>(echoed), number);
    }
    assert_eq!(replica.run::<u32>("GET {cs}:n").await, 300);
}

#[tokio::test]
async fn an_error_of_one_write_is_nobody_elses() {
    let (_primary, _replica, link) = with_replica().await;
    let (bad, good) = (commands(&["EVALSHA 00 0"]), commands(&["SET {cs}:a 1"]));
    let (bad, good) = futures_util::future::join(link.home_durably(&bad), link.home_durably(&good)).await;
    assert!(matches!(&bad.unwrap()[..], [Value::ServerError(error)] if error.code() == "NOSCRIPT"));
    assert_eq!(good.unwrap(), [Value::Okay]);
}

#[tokio::test]
async fn an_answered_write_survives_the_end_of_a_server_that_syncs_always() {
    let mut server = RedisServer::with(&Options::default().append_only(Fsync::Always)).await;
    let settings = RedisSettings { durability: Durability::Fsync, ..settings(&[server.port()]) };
    let link = open(&settings).await;
    link.home_durably(&commands(&["SET {cs}:a 1"])).await.unwrap();
    server.kill9().await;
    server.restart().await;
    until("it to be there", async || get(&link, "{cs}:a").await == Some(Some("1".to_owned()))).await;
}

#[tokio::test]
async fn a_server_that_came_back_without_its_file_makes_no_write_durable() {
    let mut server = RedisServer::with(&Options::default().append_only(Fsync::Always)).await;
    let settings = RedisSettings { durability: Durability::Fsync, ..settings(&[server.port()]) };
    let link = open(&settings).await;
    server.run::<()>("CONFIG SET appendfsync everysec").await;
    server.run::<()>("CONFIG REWRITE").await;
    server.restart().await;
    until("it to be used again", async || get(&link, "{cs}:a").await.is_some()).await;
    let error = link.home_durably(&commands(&["SET {cs}:a 1"])).await.unwrap_err();
    assert!(matches!(trouble(&error), RedisTrouble::NotDurable { .. }), "{error:?}");
    let unfit = &link.found().unfit;
    assert!(unfit[0].what.contains("everysec"), "{unfit:?}");
    // It is mended without a restart.
    server.run::<()>("CONFIG SET appendfsync always").await;
    until("it to be fit again", async || link.found().unfit.is_empty()).await;
    assert_eq!(link.found().kept, Kept::Disk);
    until("writes to be durable again", async || {
        link.home_durably(&commands(&["SET {cs}:a 1"])).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn r1_a_running_server_that_is_told_to_keep_less_makes_no_write_durable() {
    let server = RedisServer::with(&Options::default().append_only(Fsync::Always)).await;
    let settings = RedisSettings { durability: Durability::Fsync, ..settings(&[server.port()]) };
    let link = open(&settings).await;
    let is_durable = async || link.home_durably(&commands(&["SET {cs}:a 1"])).await.is_ok();
    for [less, mended] in [
        ["appendfsync everysec", "appendfsync always"],
        ["appendonly no", "appendonly yes"],
        ["no-appendfsync-on-rewrite yes", "no-appendfsync-on-rewrite no"],
    ] {
        until("writes to be durable", is_durable).await;
        server.run::<()>(&format!("CONFIG SET {less}")).await;
        until("what it keeps to be known", async || {
            link.found().kept == Kept::Less && !link.found().unfit.is_empty() && !is_durable().await
        })
        .await;
        server.run::<()>(&format!("CONFIG SET {mended}")).await;
        until("it to be fit again", async || {
            link.found().kept == Kept::Disk && link.found().unfit.is_empty()
        })
        .await;
    }
}

#[tokio::test]
async fn a_running_server_that_is_told_to_evict_is_unfit() {
    let server = RedisServer::start().await;
    let link = open(&settings(&[server.port()])).await;
    server.run::<()>("CONFIG SET maxmemory-policy allkeys-lru").await;
    until("it to be known", async || link.found().unfit.iter().any(|it| it.what.contains("allkeys-lru")))
        .await;
}
