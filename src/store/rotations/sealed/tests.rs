use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing::{Dispatch, subscriber::DefaultGuard};

use super::*;
use crate::domain::secret::Secret;

const ID: FamilyId = FamilyId([1; 16]);
const OTHER: FamilyId = FamilyId([9; 16]);
const UNTIL: i64 = 7;

/// What this thread logs.
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
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone()).finish();
        let second = Dispatch::new(tracing_subscriber::registry());
        (tracing::subscriber::set_default(subscriber), second)
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

fn tokens() -> Tokens {
    Tokens {
        access_token: secret("a-secret-access"),
        token_type: "Bearer".to_owned(),
        expires_at: None,
        refresh_token: None,
        id_token: None,
        scopes: Vec::new(),
        session_id: String::new(),
    }
}

fn whom() -> Presented {
    Presented { token: secret("a-secret-refresh"), digest: RefreshDigest([2; 32]) }
}

fn answer(ring: &KeyRing) -> Vec<u8> {
    seal_answer(ring, ID, &whom(), &tokens(), UnixTime::from_millis(UNTIL)).unwrap()
}

#[test]
fn an_answer_opens_only_where_it_belongs_and_until_when_it_was_kept() {
    let ring = KeyRing::generate().unwrap();
    let answer = answer(&ring);
    assert_eq!(end_of(&answer), Some(UnixTime::from_millis(UNTIL)));
    let open =
        |ring, id, to: &Presented, answer: &[u8]| Opener::default().answer(ring, id, to, answer).is_some();
    assert!(open(&ring, ID, &whom(), &answer));
    let longer = [&i64::MAX.to_be_bytes()[..], &answer[8..]].concat();
    assert!(!open(&ring, ID, &whom(), &longer), "somebody gave it a longer life");
    assert!(!open(&ring, OTHER, &whom(), &answer), "another family's");
    let digest = RefreshDigest([9; 32]);
    assert!(!open(&ring, ID, &Presented { digest, ..whom() }, &answer), "another digest's");
    let token = secret("R9");
    assert!(!open(&ring, ID, &Presented { token, ..whom() }, &answer), "another token's");
    assert!(!open(&KeyRing::generate().unwrap(), ID, &whom(), &answer), "without the ring");
}

#[test]
fn held_tokens_open_only_for_their_family() {
    let ring = KeyRing::generate().unwrap();
    let held = seal_held(&ring, ID, &tokens()).unwrap();
    let open = |ring, id| Opener::default().held(ring, id, &held);
    assert_eq!(open(&ring, ID), Some(tokens()));
    assert_eq!(open(&ring, OTHER), None);
    assert_eq!(open(&KeyRing::generate().unwrap(), ID), None);
}

/// Sealed as it should be, by a release to come.
#[test]
fn what_opens_and_is_not_understood_is_as_good_as_none() {
    let ring = KeyRing::generate().unwrap();
    let held = seal::seal_secret(&ring, &[b"held", &ID.0], &secret("\u{2}anything")).unwrap();
    assert_eq!(Opener::default().held(&ring, ID, &held), None);
}

#[test]
fn what_does_not_open_is_said_once_until_something_does_and_nothing_of_it() {
    let (log, ring, opener) = (Log::default(), KeyRing::generate().unwrap(), Opener::default());
    let (answer, held) = (answer(&ring), seal_held(&ring, ID, &tokens()).unwrap());
    let _guards = log.capture();
    for id in [OTHER, OTHER, ID, ID, OTHER] {
        drop(opener.answer(&ring, id, &whom(), &answer));
    }
    for id in [OTHER, OTHER, ID] {
        drop(opener.held(&ring, id, &held));
    }
    let lines = log.lines();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines.iter().all(|line| line.contains("ERROR") && line.contains("the seal does not fit")));
    assert!(lines[1].contains("a kept answer") && lines[2].contains("the tokens held"), "{lines:#?}");
    assert!(!format!("{lines:?} {opener:?}").contains("a-secret"), "{lines:#?}");
}
