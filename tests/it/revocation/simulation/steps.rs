//! What can happen.

use proptest::prelude::*;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Time passes, in seconds.
    Advance(i64),
    /// Somebody sets the clock back, by less than an hour.
    StepBack(i64),
    /// The issuer makes a token.
    Mint(Mint),
    /// Somebody shows one of the tokens so far.
    Validate(u8),
    /// Somebody revokes.
    Revoke(Aim),
    /// The process ends as it should, and starts again.
    Restart,
    /// The process is killed, and starts again.
    Crash,
    /// From now on the store fails, or does no more.
    Fault(bool),
    /// The store is swept.
    Sweep,
}

/// What a token says. Ids are small, so that they meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mint {
    pub(super) has_id: bool,
    pub(super) has_issue_time: bool,
    /// A session belongs to one subject: its number modulo two.
    pub(super) session: Option<u8>,
    /// If it has no session.
    pub(super) subject: u8,
    pub(super) client: u8,
    /// How long ago the login was, in seconds, if the token says.
    pub(super) login: Option<i64>,
    /// In seconds.
    pub(super) life: i64,
}

/// Whom somebody revokes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aim {
    /// One of the tokens so far, by showing it.
    Token(u8),
    /// The same by its id.
    TokenId(u8),
    Session(u8),
    /// All of a subject, but a session, up to this long ago.
    Subject {
        subject: u8,
        except: Option<u8>,
        ago: Option<i64>,
    },
    Client {
        client: u8,
        ago: Option<i64>,
    },
    Issuer,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![1..5_i64, 1..300_i64, 1000..8000_i64, 20_000..50_000_i64].prop_map(Step::Advance),
        1 => (1..1800_i64).prop_map(Step::StepBack),
        8 => mint().prop_map(Step::Mint),
        14 => any::<u8>().prop_map(Step::Validate),
        4 => aim().prop_map(Step::Revoke),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
        1 => prop::bool::weighted(0.4).prop_map(Step::Fault),
        1 => Just(Step::Sweep),
    ]
}

fn mint() -> impl Strategy<Value = Mint> {
    (
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.9),
        prop::option::weighted(0.7, 0..4_u8),
        0..2_u8,
        0..2_u8,
        prop::option::weighted(0.3, prop_oneof![0..100_i64, 0..60_000_i64]),
        prop_oneof![60..600_i64, Just(3600)],
    )
        .prop_map(|(has_id, has_issue_time, session, subject, client, login, life)| Mint {
            has_id,
            has_issue_time,
            session,
            subject,
            client,
            login,
            life,
        })
}

fn aim() -> impl Strategy<Value = Aim> {
    let ago = || prop::option::weighted(0.4, -50..4000_i64);
    prop_oneof![
        2 => any::<u8>().prop_map(Aim::Token),
        2 => any::<u8>().prop_map(Aim::TokenId),
        2 => (0..4_u8).prop_map(Aim::Session),
        3 => (0..2_u8, prop::option::weighted(0.4, 0..4_u8), ago())
            .prop_map(|(subject, except, ago)| Aim::Subject { subject, except, ago }),
        1 => (0..2_u8, ago()).prop_map(|(client, ago)| Aim::Client { client, ago }),
        1 => Just(Aim::Issuer),
    ]
}
