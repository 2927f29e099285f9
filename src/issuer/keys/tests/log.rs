//! The log has a line for each change of state, none for each attempt, and nothing from a token.

use std::{
    io::{self, Write},
    sync::Mutex,
};

use tracing::{Dispatch, level_filters::LevelFilter, subscriber::DefaultGuard};

use super::*;
use crate::issuer::testing::encode;

/// What this thread logs from `info` up.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The second dispatcher makes `tracing` ask all of them which events are wanted. With one it asks the thread that
    /// logs first, which may be another test's, and remembers its "none".
    fn capture(&self) -> (DefaultGuard, Dispatch) {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(LevelFilter::INFO)
            .with_writer(move || log.clone())
            .finish();
        let second = Dispatch::new(tracing_subscriber::registry());
        (tracing::subscriber::set_default(subscriber), second)
    }

    /// The lines since the last call, and that they hold nothing secret.
    fn take(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        assert!(!text.contains("from-a-token"), "{text}");
        text.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn expect(&self, expected: &[&str]) {
        let lines = self.take();
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(expected.split('|').all(|part| line.contains(part)), "{line} has not {expected}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_tells_changes_once_and_nothing_from_tokens() {
    let (log, a) = (Log::default(), ec_jwk("key-a"));
    let _guards = log.capture();
    let mut room = Room::open();
    room.call().await.fail();
    room.call().await.fail();
    settle().await;
    log.expect(&[
        "WARN|fetching keys failed|error.type=\"timeout\"|could not be fetched: no complete answer",
        "ERROR|cannot be checked|token.issuer=\"idp\"",
    ]);
    for _ in 0..3 {
        room.call().await.fail();
        assert!(is_unavailable(&{
            let lookup = room.start_lookup("from-a-token");
            if let Ok(call) = timeout(SECOND / 4, room.call()).await {
                call.fail();
            }
            end(lookup).await
        }));
    }
    log.expect(&[]);
    room.call().await.keys(&[&a]);
    settle().await;
    log.expect(&["INFO|key set changed|key-a", "INFO|fetched again", "INFO|checked again"]);
    room.call().await.keys(&[&a]);
    settle().await;
    log.expect(&[]);
    room.call().await.keys(&[]);
    settle().await;
    log.expect(&["INFO|key set changed|key_set.keys=0", "ERROR|no usable key|withdrawn"]);
    room.call().await.keys(&[&a]);
    settle().await;
    log.expect(&["INFO|key set changed|key-a", "INFO|checked again"]);
}

#[tokio::test(start_paused = true)]
async fn k2_an_empty_set_after_an_outage_is_not_called_recovery() {
    let (log, a) = (Log::default(), ec_jwk("key-a"));
    let _guards = log.capture();
    let mut room = Room::open();
    room.call().await.fail();
    settle().await;
    log.expect(&["WARN|fetching keys failed", "ERROR|cannot be checked"]);
    room.call().await.keys(&[]);
    settle().await;
    log.expect(&[
        "INFO|key set changed|key_set.keys=0",
        "INFO|fetched again",
        "ERROR|no usable key|is refused",
    ]);
    room.call().await.fail();
    settle().await;
    log.expect(&["WARN|fetching keys failed", "ERROR|cannot be checked"]);
    room.call().await.keys(&[&a]);
    settle().await;
    log.expect(&["INFO|key set changed|key-a", "INFO|fetched again", "INFO|checked again"]);
}

#[tokio::test(start_paused = true)]
async fn unusable_keys_are_named_once_and_published_secrets_alarm() {
    let (log, a) = (Log::default(), ec_jwk("key-a"));
    let odd = serde_json::json!({"kty": "LMS", "kid": "key-odd"});
    let leaked = serde_json::json!({"kty": "oct", "kid": "key-leaked", "k": encode(b"very secret")});
    let _guards = log.capture();
    let mut room = Room::open();
    for _ in 0..3 {
        room.call().await.keys(&[&a, &odd]);
    }
    settle().await;
    log.expect(&["INFO|key set changed", "WARN|are not used|key-odd"]);
    for _ in 0..3 {
        room.call().await.keys(&[&a, &leaked]);
    }
    settle().await;
    let lines = log.take();
    assert!(matches!(&*lines, [line] if line.contains("ERROR") && line.contains("key-leaked")), "{lines:#?}");
    assert!(!lines[0].contains(&encode(b"very secret")));
    room.call().await.keys(&[&a]);
    settle().await;
    log.expect(&["INFO|usable again"]);
}
