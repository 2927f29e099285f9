//! What the tests share: a configured issuer to tell, and how it went in a word.

use std::{path::Path, time::Duration};

use countersign::{
    config::{Config, Environment},
    domain::{secret::Secret, time::UnixTime},
    issuer::{HttpClient, IssuerSettings, NotTold, Revocable, Revoker, TokenType},
};
use serde_json::json;

use crate::support::{
    idp::{DEADLINE, Hit, Reply},
    wait::within,
};

pub(super) const WELL_KNOWN: &str = "/.well-known/openid-configuration";
/// The client's, and never in anything that is shown.
pub(super) const SECRET: &str = "hunter2-secret";
/// The same for tokens.
pub(super) const TOKEN: &str = "hunter2-token";
/// What all tests say it is: 2026-11-20T10:00:00Z.
pub(super) const NOW: i64 = 1_795_168_800;

pub(super) fn now() -> UnixTime {
    UnixTime::from_secs(NOW)
}

/// One issuer as the configuration describes it; `lines` are more of its members.
pub(super) fn settings(issuer: &str, secret: &str, lines: &[&str]) -> IssuerSettings {
    let mut yaml = format!(
        "issuers:\n  - name: idp\n    issuer: {issuer}\n    audiences: [api]\n    \
         keys: {{ timeout: 1s, max_bytes: 16KiB }}\n"
    );
    for line in lines {
        yaml = format!("{yaml}    {line}\n");
    }
    let environment = Environment::from_iter([("CLIENT_SECRET", secret)]);
    let loaded = Config::parse(&yaml, &environment, Path::new("/")).unwrap();
    loaded.config.issuers.into_iter().next().unwrap()
}

pub(super) fn http() -> HttpClient {
    // Whoever comes second finds the provider installed; it is the same one.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    HttpClient::new().unwrap()
}

pub(super) fn revoker(issuer: &str, secret: &str, lines: &[&str]) -> Revoker {
    Revoker::new(settings(issuer, secret, lines), http())
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

/// Tells that a token is revoked, and says how that went.
pub(super) async fn revoke(
    revoker: &Revoker,
    token: &str,
    token_type: TokenType,
    client_id: Option<&str>,
) -> String {
    let token = secret(token);
    tell(revoker, &Revocable::Token { token: &token, token_type, client_id }).await
}

/// `done`, or what kind of trouble there was. Nothing that is shown about it has a secret in it.
pub(super) async fn tell(revoker: &Revoker, what: &Revocable<'_>) -> String {
    let told = within("an answer", DEADLINE, revoker.tell(what, now())).await;
    let shown = format!("{told:?} {revoker:?} {what:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    match told {
        Ok(()) => "done".to_owned(),
        Err(why) => {
            assert!(!why.to_string().contains("hunter2"), "{why}");
            let kind = match why {
                NotTold::Unsupported(_) => "unsupported",
                NotTold::Refused(_) => "refused",
                NotTold::Misconfigured(_) => "misconfigured",
                NotTold::Unavailable { retry_after, .. } => {
                    return format!("unavailable: {} {}", why.trouble().kind(), shown_wait(retry_after));
                }
            };
            format!("{kind}: {}", why.trouble().kind())
        }
    }
}

fn shown_wait(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(|| "-".to_owned(), |wait| wait.as_secs().to_string())
}

/// The metadata of the provider that was asked, with this endpoint.
pub(super) fn metadata(hit: &Hit, revocation_endpoint: Option<&str>) -> Reply {
    let issuer = format!("http://{}", host(hit));
    let mut document = json!({
        "issuer": issuer, "jwks_uri": format!("{issuer}/keys"), "token_endpoint": format!("{issuer}/token"),
    });
    if let Some(path) = revocation_endpoint {
        document["revocation_endpoint"] = format!("{issuer}{path}").into();
    }
    Reply::ok(document.to_string().into_bytes())
}

/// Where a request was sent.
pub(super) fn host(hit: &Hit) -> &str {
    hit.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap()
}

/// A JSON answer.
pub(super) fn json_reply(status: &'static str, body: &serde_json::Value) -> Reply {
    Reply::Whole { status, headers: vec![], body: body.to_string().into_bytes() }
}
