//! What crash tests revoke, and what has to be so of it afterwards.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock},
    time::Duration,
};

use countersign::proto::client::{
    BatchValidateRequest, Reason, ValidateRequest, batch_validate_item, revoke_request::Target,
    validate_response::Outcome,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::random::Random;
use crate::support::{
    service::Service,
    tokens::{Signer, claims},
    wait::{until, within},
};

pub(crate) const ISSUER: &str = "https://idp.example.test";
pub(crate) const AUDIENCE: &str = "https://api.example.test";
/// A batch holds up to a thousand tokens.
const BATCH: usize = 500;
pub(crate) const TO_ANSWER: Duration = Duration::from_secs(30);

/// What is revoked: the number makes every id its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Victim {
    Token(u64),
    TokenId(u64),
    Session(u64),
    Subject(u64),
}

impl Victim {
    pub(crate) fn draw(random: &mut Random, number: u64) -> Self {
        match random.below(4) {
            0 => Self::Token(number),
            1 => Self::TokenId(number),
            2 => Self::Session(number),
            _ => Self::Subject(number),
        }
    }

    pub(crate) fn number(self) -> u64 {
        let (Self::Token(number) | Self::TokenId(number) | Self::Session(number) | Self::Subject(number)) =
            self;
        number
    }

    /// A token that its revocation refuses, and nothing else does.
    pub(crate) fn token(self, signer: &Signer) -> String {
        // The times of one moment: a token without an id is another one a second later.
        static CLAIMS: OnceLock<Value> = OnceLock::new();
        let mut claims = CLAIMS.get_or_init(|| claims(ISSUER, AUDIENCE)).clone();
        let mut put = |name: &str, value: Value| claims[name] = value;
        let number = self.number();
        put("jti", json!(format!("token-{number}")));
        put("sid", json!(format!("session-{number}")));
        put("sub", json!(format!("subject-{number}")));
        if let Self::Token(_) = self {
            // Known by its signing input alone.
            claims.as_object_mut().unwrap().remove("jti");
        }
        signer.access_token(&claims)
    }

    pub(crate) fn target(self, signer: &Signer) -> Target {
        match self {
            // The same bytes again: an ES256 signature differs each time, its signing input does not.
            Self::Token(_) => Target::Token(self.token(signer)),
            Self::TokenId(number) => Target::TokenId(format!("token-{number}")),
            Self::Session(number) => Target::SessionId(format!("session-{number}")),
            Self::Subject(number) => Target::Subject(format!("subject-{number}")),
        }
    }
}

/// Everything that was answered: what was revoked, and the revision that Revoke said.
#[derive(Debug)]
pub(crate) struct Answered {
    revisions: Mutex<HashMap<u64, (Victim, String)>>,
    many: watch::Sender<usize>,
}

/// What a check expects of a replica that has not heard of everything yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Each revision that was answered can be asked for, at once and for ever.
    YourWrites,
    /// The store may have forgotten; then a replica says so, and refuses it soon.
    Soon,
}

/// What is wrong at the moment.
#[derive(Debug)]
enum Doubt {
    Passes(Victim),
    CannotTell,
}

impl Default for Answered {
    fn default() -> Self {
        Self { revisions: Mutex::default(), many: watch::Sender::new(0) }
    }
}

impl Answered {
    pub(crate) fn add(&self, victim: Victim, revision: String) {
        let mut revisions = self.revisions.lock().unwrap();
        revisions.insert(victim.number(), (victim, revision));
        self.many.send_replace(revisions.len());
    }

    pub(crate) fn many(&self) -> usize {
        *self.many.borrow()
    }

    /// Waits until there are so many.
    pub(crate) async fn reach(&self, enough: usize) {
        let mut many = self.many.subscribe();
        let reached = many.wait_for(|many| *many >= enough);
        within("revocations to be answered", TO_ANSWER, reached).await.unwrap();
    }

    /// Fails the test unless each of them is refused there.
    pub(crate) async fn all_refused(&self, service: &Service, signer: &Signer, reads: Reads, context: &str) {
        let mut victims: Vec<_> = self.revisions.lock().unwrap().values().cloned().collect();
        victims.sort_by_key(|(victim, _)| victim.number());
        for some in victims.chunks(BATCH) {
            until(context, TO_ANSWER, async || match refused(service, signer, reads, some).await {
                Ok(()) => Some(()),
                Err(Doubt::Passes(victim)) if reads == Reads::YourWrites => {
                    panic!("{context}: {victim:?} was answered OK and passes")
                }
                Err(Doubt::Passes(_) | Doubt::CannotTell) => None,
            })
            .await;
        }
    }
}

/// Asks once about all of these.
async fn refused(
    service: &Service,
    signer: &Signer,
    reads: Reads,
    victims: &[(Victim, String)],
) -> Result<(), Doubt> {
    let question = |(victim, revision): &(Victim, String)| ValidateRequest {
        token: victim.token(signer),
        min_revision: if reads == Reads::YourWrites { revision.clone() } else { String::new() },
        ..ValidateRequest::default()
    };
    let requests = victims.iter().map(question).collect();
    let mut client = service.client().await;
    let request = BatchValidateRequest { requests, include_claims: false };
    let answer = within("an answer", TO_ANSWER, client.batch_validate(request)).await;
    let items = answer.map_err(|_status| Doubt::CannotTell)?.into_inner().items;
    for ((victim, _), item) in victims.iter().zip(items) {
        let Some(batch_validate_item::Result::Response(response)) = item.result else {
            return Err(Doubt::CannotTell);
        };
        let Some(Outcome::Rejection(rejection)) = response.outcome else {
            return Err(Doubt::Passes(*victim));
        };
        assert_eq!(rejection.reason(), Reason::Revoked, "{victim:?}");
    }
    Ok(())
}
