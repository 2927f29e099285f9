//! Sequences that found a bug once.

use super::{
    run,
    steps::{
        Aim, Mint,
        Step::{self, Advance, Restart, Revoke, SetBack, Validate},
    },
};

const PLAIN: Mint =
    Mint { has_id: true, has_issue_time: true, session: None, subject: 0, client: 0, login: None, life: 600 };

async fn check(steps: &[Step]) {
    run(steps).await.unwrap();
}

fn mint(mint: Mint) -> Step {
    Step::Mint(mint)
}

fn subject(subject: u8) -> Step {
    Revoke(Aim::Subject { subject, except: None, ago: None })
}

/// What was over at the restart counted again afterwards, and was no longer known.
#[tokio::test]
async fn a_clock_that_is_set_back_after_a_restart_brings_no_revoked_token_back() {
    let token = mint(Mint { has_issue_time: false, life: 3600, ..PLAIN });
    check(&[token, subject(0), Advance(3922), SetBack(1), Restart, SetBack(262), Validate(0)]).await;
}

/// Revoking what had just expired did nothing.
#[tokio::test]
async fn a_token_that_is_revoked_a_moment_after_its_end_stays_so_when_the_clock_is_set_back() {
    let token = mint(Mint { life: 102, ..PLAIN });
    check(&[token, Advance(162), Revoke(Aim::Token(0)), SetBack(1), Validate(0)]).await;
}

/// What a client's cut-off had ended was ended for all who share the session.
#[tokio::test]
async fn a_clients_cut_off_spares_the_other_clients_of_its_sessions() {
    let of = |client, login| mint(Mint { session: Some(1), client, login, ..PLAIN });
    let cut_off = Revoke(Aim::Client { client: 1, ago: Some(1000) });
    check(&[
        of(1, Some(5000)),
        cut_off,
        Advance(4000),
        of(1, Some(9000)),
        of(0, None),
        Validate(1),
        Validate(2),
    ])
    .await;
}

/// Another client's token came before the session was in the store.
#[tokio::test]
async fn what_one_clients_token_shows_of_a_session_counts_for_anothers_at_once() {
    let of = |client| mint(Mint { session: Some(2), client, ..PLAIN });
    check(&[of(0), Validate(0), Revoke(Aim::Issuer), Advance(4300), of(1), Validate(1)]).await;
}

/// The session was judged by its first token, and not again by an older one.
#[tokio::test]
async fn a_token_that_shows_an_earlier_beginning_has_its_session_judged_anew() {
    let first = mint(Mint { session: Some(1), has_issue_time: false, life: 60, ..PLAIN });
    let older = mint(Mint { session: Some(1), login: Some(3660), life: 60, ..PLAIN });
    check(&[subject(1), Advance(3662), first, older, Validate(0), Validate(1)]).await;
}
