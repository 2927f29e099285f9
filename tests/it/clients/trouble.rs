//! Answers that this service does not give, services that give none, and what is asked again.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{net::TcpListener, task::JoinSet};
use tonic::Code;

use super::{
    language::LANGUAGES,
    scripted::{Answer, Scripted},
};
use crate::support::{ports, wait::within};

#[tokio::test]
async fn an_answer_without_an_outcome_is_a_refusal() {
    for language in LANGUAGES {
        let server = Scripted::start([Answer::NoOutcome]).await;
        language.ask(&server.address, "a.b.c").await.is("refused: NO_OUTCOME", 1);
    }
}

#[tokio::test]
async fn a_reason_that_nobody_knows_is_a_refusal() {
    for language in LANGUAGES {
        let server = Scripted::start([Answer::Refused(4711), Answer::Refused(0)]).await;
        language.ask(&server.address, "a.b.c").await.is("refused: 4711", 1);
        language.ask(&server.address, "a.b.c").await.is("refused: UNSPECIFIED", 1);
    }
}

#[tokio::test]
async fn an_unavailable_service_is_asked_again_and_three_times_at_most() {
    for language in LANGUAGES {
        let server = Scripted::start([Answer::Trouble(Code::Unavailable), Answer::Good("bob")]).await;
        language.ask(&server.address, "a.b.c").await.is("valid: bob", 0);
        assert_eq!(server.left(), 0);

        let down = [(); 5].map(|()| Answer::Trouble(Code::Unavailable));
        let server = Scripted::start(down).await;
        language.ask(&server.address, "a.b.c").await.is("cannot tell: UNAVAILABLE", 3);
        assert_eq!(server.left(), 2);
    }
}

#[tokio::test]
async fn no_other_status_is_asked_again() {
    for language in LANGUAGES {
        let server = Scripted::start([Answer::Trouble(Code::Internal), Answer::Good("bob")]).await;
        language.ask(&server.address, "a.b.c").await.is("cannot tell: INTERNAL", 3);
        assert_eq!(server.left(), 1);
    }
}

#[tokio::test]
async fn where_nobody_listens_nobody_can_tell() {
    let address = format!("127.0.0.1:{}", ports::reserve());
    for language in LANGUAGES {
        language.ask(&address, "a.b.c").await.is("cannot tell: UNAVAILABLE", 3);
    }
}

/// A server that takes every call and answers none.
async fn silent(servers: &mut JoinSet<()>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    servers.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(async move {
                let mut held = Vec::new();
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok(call)) = connection.accept().await {
                    held.push(call);
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn without_an_answer_the_deadline_ends_the_call_by_itself() {
    /// The clients' default is one second; the rest is for them to start.
    const SOON: Duration = Duration::from_secs(20);
    let mut servers = JoinSet::new();
    let address = silent(&mut servers).await;
    for language in LANGUAGES {
        let said = within("the deadline", SOON, language.run(&address, "a.b.c", "")).await;
        said.is("cannot tell: DEADLINE_EXCEEDED", 3);
    }
}
