//! TLS.

use std::path::Path;

use super::*;
use crate::store::{
    redis::trouble::UnfitKind,
    settings::RedisTls,
    testing::{
        TempDir,
        redis::{Authority, Options},
    },
};

fn ca(authority: &Authority, at: &Path) -> RedisTls {
    authority.write(at);
    RedisTls { ca: Some(at.to_owned()), client: None }
}

fn with(server: &RedisServer, tls: RedisTls) -> RedisSettings {
    RedisSettings { tls: Some(tls), ..settings(&[server.port()]) }
}

async fn fails(settings: &RedisSettings, advice: &str) {
    let unfit = refused(settings).await;
    assert_eq!(unfit.kind, UnfitKind::Tls, "{unfit}");
    assert!(unfit.advice.contains(advice), "{unfit}");
}

#[tokio::test]
async fn a_server_of_another_authority_or_name_is_not_believed() {
    let (ours, other, dir) = (Authority::new(), Authority::new(), TempDir::new());
    let server = RedisServer::with(&Options::default().tls(&ours)).await;
    let good = with(&server, ca(&ours, &dir.path("ours")));
    open(&good).await;
    fails(&with(&server, ca(&other, &dir.path("other"))), "`store.tls.ca`").await;
    let mut elsewhere = good;
    elsewhere.nodes[0].host = "127.0.0.2".to_owned();
    // Nobody listens there, but nothing but loopback is needed to see that names are compared.
    let wrong_name = RedisServer::with(&Options::default().tls(&ours).line("bind 127.0.0.2 127.0.0.1")).await;
    elsewhere.nodes[0].port = wrong_name.port();
    fails(&elsewhere, "the certificate is for the name").await;
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_is_shown_one() {
    let (authority, dir) = (Authority::new(), TempDir::new());
    let server = RedisServer::with(&Options::default().mutual_tls(&authority)).await;
    let mut tls = ca(&authority, &dir.path("ca"));
    fails(&with(&server, tls.clone()), "our certificate").await;
    tls.client = Some(authority.issue(&dir.path(""), "client"));
    let link = open(&with(&server, tls)).await;
    link.home_durably(&commands(&["SET {cs}:a 1"])).await.unwrap();
    assert_eq!(get(&link, "{cs}:a").await, Some(Some("1".to_owned())));
}

#[tokio::test]
async fn files_that_are_not_what_they_should_be_are_named() {
    let (authority, dir) = (Authority::new(), TempDir::new());
    let server = RedisServer::with(&Options::default().tls(&authority)).await;
    let mut tls = ca(&authority, &dir.path("ca"));
    tls.client = Some((dir.path("ca"), dir.path("missing.key")));
    assert!(refused(&with(&server, tls.clone())).await.what.contains("missing.key"));
    tls.client = None;
    std::fs::write(dir.path("ca"), "nothing").unwrap();
    assert!(refused(&with(&server, tls)).await.what.contains("holds no certificate"));
}

/// It cannot be told from one that hangs, so the process starts, and says what it may be.
#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to() {
    let (authority, dir) = (Authority::new(), TempDir::new());
    let server = RedisServer::start().await;
    let link = open(&with(&server, ca(&authority, &dir.path("ca")))).await;
    let error = link.home(&commands(&["PING"])).await.unwrap_err();
    assert!(trouble(&error).to_string().contains("does this port speak TLS?"), "{error:?}");
}
