//! Against real servers.

mod anywhere;
mod checks;
mod durable;
mod failover;
mod recovery;
mod tls;

use redis::{FromRedisValue, Pipeline, Value};

use super::{Kept, Link};
use crate::{
    domain::secret::Secret,
    store::{
        StoreError,
        redis::{
            tests::reached_at,
            trouble::{RedisTrouble, Unfit},
        },
        settings::{Durability, RedisSettings, Topology},
        testing::redis::RedisServer,
    },
};

/// A server at these ports that lets everybody in and has to keep nothing.
fn settings(ports: &[u16]) -> RedisSettings {
    RedisSettings { prefix: "cs".to_owned(), ..reached_at(ports) }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

async fn open(settings: &RedisSettings) -> Link {
    Link::open(settings).await.unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

/// Why a start is refused.
async fn refused(settings: &RedisSettings) -> Unfit {
    match Link::open(settings).await {
        Err(StoreError::Unfit(unfit)) => unfit,
        other => panic!("not refused: {other:?}"),
    }
}

/// What is behind an error.
fn trouble(error: &StoreError) -> &RedisTrouble {
    let StoreError::Redis { source, .. } = error else { panic!("{error:?}") };
    source.downcast_ref().unwrap()
}

/// Words of a command line.
fn commands(lines: &[&str]) -> Pipeline {
    let mut pipeline = Pipeline::new();
    for line in lines {
        let mut words = line.split(' ');
        let command = pipeline.cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
    }
    pipeline
}

fn read<T: FromRedisValue>(value: Value) -> T {
    T::from_redis_value(value).unwrap()
}

/// A value that only a store that lost nothing has.
async fn get(link: &Link, key: &str) -> Option<Option<String>> {
    let answers = link.home(&commands(&[&format!("GET {key}")])).await.ok()?;
    answers.into_iter().next().map(read)
}

#[tokio::test]
async fn commands_run_in_their_order_and_each_has_its_answer() {
    let server = RedisServer::start().await;
    let link = open(&settings(&[server.port()])).await;
    let answers = link
        .home(&commands(&["SET {cs}:a 1", "LPUSH {cs}:a 2", "GET {cs}:a", "EVALSHA 00 0"]))
        .await
        .unwrap();
    let [set, wrong_type, get, no_script] = <[Value; 4]>::try_from(answers).unwrap();
    assert_eq!(set, Value::Okay);
    assert!(matches!(wrong_type, Value::ServerError(error) if error.code() == "WRONGTYPE"));
    assert_eq!(read::<String>(get), "1");
    assert!(matches!(no_script, Value::ServerError(error) if error.code() == "NOSCRIPT"));
    assert_eq!(link.prefix(), "cs");
}

#[tokio::test]
async fn whoever_gives_up_confuses_nobody_else() {
    let server = RedisServer::start().await;
    let link = open(&settings(&[server.port()])).await;
    for number in 0..200 {
        let abandoned = commands(&["SET {cs}:a abandoned", "GET {cs}:a", "TIME"]);
        // Dropped where its first wait is: behind the sending, before the answer.
        let mut abandoned = Box::pin(link.home(&abandoned));
        assert!(futures_util::poll!(abandoned.as_mut()).is_pending());
        drop(abandoned);
        let echoed = link.home(&commands(&[&format!("ECHO {number}")])).await.unwrap();
        assert_eq!(read::<Vec<i64>>(Value::Array(echoed)), [number]);
    }
}

#[tokio::test]
async fn a_scan_finds_every_key_that_matches_once() {
    let server = RedisServer::start().await;
    for number in 0..2500 {
        server.run::<()>(&format!("SET cs:key:{number} 1")).await;
    }
    server.run::<()>("SET other:key 1").await;
    let link = open(&settings(&[server.port()])).await;
    assert_eq!(link.scan("cs:*").await.unwrap().len(), 2500);
}

#[tokio::test]
async fn nothing_shows_a_password() {
    let server = RedisServer::start().await;
    let settings = RedisSettings {
        username: Some("kit".to_owned()),
        password: Some(secret("hunter2")),
        ..settings(&[server.port()])
    };
    let error = Link::open(&settings).await.unwrap_err();
    let good = RedisSettings { password: Some(secret("kit-of-the-tests")), ..settings.clone() };
    let link = open(&good).await;
    let shown = format!("{error} {error:?} {link:?} {:?} {:?}", link.common, link.found());
    for hidden in ["hunter2", "kit-of-the-tests"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    let refused =
        RedisTrouble::refused("ERR", Some("unknown command 'X', with args beginning with: 'hunter2' "));
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
}
