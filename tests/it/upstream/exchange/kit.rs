//! A token endpoint to exchange at, and how that went in a word.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use countersign::{
    domain::secret::Secret,
    issuer::{Exchanged, Grant, TokenEndpoint},
};
use tokio::{io::AsyncReadExt, net::TcpListener};
use url::Url;

use super::super::kit::{SECRET, WELL_KNOWN, http, metadata, now, secret, settings};
use crate::support::{
    idp::{DEADLINE, Hit, Idp, Reply},
    wait::within,
};

pub(super) const TIMEOUT: Duration = Duration::from_secs(1);
pub(super) const SCOPES: [&str; 2] = ["read", "write"];
const CLIENT: &str = "clients: [{ id: app, auth: client_secret_post, secret: { env: CLIENT_SECRET } }]";

pub(super) fn refresh<'g>(token: &'g Secret, scopes: &'g [String]) -> Grant<'g> {
    Grant::Refresh { token, scopes }
}

pub(super) fn endpoint(issuer: &str, secret: &str, lines: &[&str]) -> TokenEndpoint {
    TokenEndpoint::new(&settings(issuer, secret, lines), http())
}

/// A provider whose token endpoint answers so, as its only client, unless the lines have others.
pub(super) async fn rig(
    behaviour: impl Fn(&Hit) -> Reply + Send + Sync + 'static,
    lines: &[&str],
) -> (TokenEndpoint, Idp) {
    let idp = Idp::start(move |hit| match hit.path.as_str() {
        WELL_KNOWN => metadata(hit, None),
        "/token" => behaviour(hit),
        _ => Reply::status("404 Not Found"),
    })
    .await;
    let has_clients = lines.iter().any(|line| line.starts_with("clients"));
    let lines: Vec<&str> = lines.iter().copied().chain((!has_clients).then_some(CLIENT)).collect();
    (endpoint(&idp.url(""), SECRET, &lines), idp)
}

/// The same that gives these answers, one after the other.
pub(super) async fn rig_in_turn(replies: Vec<Reply>, lines: &[&str]) -> (TokenEndpoint, Idp) {
    let replies = Mutex::new(VecDeque::from(replies));
    rig(move |_| replies.lock().unwrap().pop_front().unwrap(), lines).await
}

pub(super) async fn outcome(behaviour: impl Fn(&Hit) -> Reply + Send + Sync + 'static) -> (String, Idp) {
    let (rig, idp) = rig(behaviour, &[]).await;
    let at = rig.locate().await.unwrap();
    (exchange(&rig, &at, refresh(&secret("hunter2-token"), &[])).await, idp)
}

pub(super) async fn outcomes(replies: Vec<Reply>) -> (String, Idp) {
    let (rig, idp) = rig_in_turn(replies, &[]).await;
    let at = rig.locate().await.unwrap();
    (exchange(&rig, &at, refresh(&secret("hunter2-token"), &[])).await, idp)
}

pub(super) async fn exchanged(rig: &TokenEndpoint, at: &Url, grant: Grant<'_>) -> Exchanged {
    let client = rig.client("").unwrap();
    within("an answer", DEADLINE, rig.exchange(at, client, grant, TIMEOUT, now())).await
}

pub(super) async fn exchange(rig: &TokenEndpoint, at: &Url, grant: Grant<'_>) -> String {
    at_timeout(rig, at, grant, TIMEOUT).await
}

/// What came of it. Nothing that is shown about it has a secret in it.
pub(super) async fn at_timeout(rig: &TokenEndpoint, at: &Url, grant: Grant<'_>, timeout: Duration) -> String {
    let client = rig.client("").unwrap();
    let got = within("an answer", DEADLINE, rig.exchange(at, client, grant, timeout, now())).await;
    let shown = format!("{got:?} {rig:?} {grant:?} {client:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    said(got)
}

pub(super) fn said(got: Exchanged) -> String {
    let wait = |retry_after: Option<Duration>| {
        retry_after.map_or_else(|| "-".to_owned(), |wait| wait.as_secs().to_string())
    };
    let (word, trouble) = match got {
        Exchanged::Granted(_) => return "granted".to_owned(),
        Exchanged::NotProcessed { trouble, retry_after } => {
            return format!("not processed: {} {}", trouble.kind(), wait(retry_after));
        }
        Exchanged::Unknown { trouble, retry_after } => {
            return format!("unknown: {} {}", trouble.kind(), wait(retry_after));
        }
        Exchanged::InvalidGrant(trouble) => ("invalid grant", trouble),
        Exchanged::ClientRejected(trouble) => ("client rejected", trouble),
        Exchanged::ScopeRefused(trouble) => ("scope refused", trouble),
        Exchanged::Refused(trouble) => ("refused", trouble),
    };
    assert!(!trouble.to_string().contains("hunter2"), "{trouble}");
    format!("{word}: {}", trouble.kind())
}

/// What comes of it that the server reads the request and resets the connection, and how many requests it read.
pub(super) async fn reset() -> (String, u32) {
    let (rig, _idp) = rig(|_| Reply::Endless, &[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}/token", listener.local_addr().unwrap()).parse().unwrap();
    let seen = AtomicU32::new(0);
    let resetting = async {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut some = [0; 16];
            assert!(socket.read(&mut some).await.unwrap() > 0);
            seen.fetch_add(1, Ordering::Relaxed);
            // Closed with the rest unread, which the kernel answers with a reset.
            drop(socket);
        }
    };
    let token = secret("hunter2-token");
    let said = tokio::select! {
        said = exchange(&rig, &at, refresh(&token, &[])) => said,
        () = resetting => unreachable!("it goes on for ever"),
    };
    (said, seen.load(Ordering::Relaxed))
}

/// Where nobody listens any more.
pub(super) async fn nobody() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/token", listener.local_addr().unwrap()).parse().unwrap()
}
