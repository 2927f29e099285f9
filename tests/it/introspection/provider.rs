//! Against a real provider (node-oidc-provider), through the built binary.

use countersign::proto::client::{
    Principal, Reason, RevokeRequest, TokenKind, Upstream, revoke_request::Target,
};
use serde_json::Value;
use tonic::Code;

use crate::support::{
    peer::{Algorithm, Mode, OPAQUE, OidcProvider, WEB_APP},
    service::{Service, validate},
};

async fn service(provider: &OidcProvider, secret: &str, more: &str) -> Service {
    let yaml = format!(
        "\
issuers:
  - name: peer
    issuer: {issuer}
    audiences: [{OPAQUE}]
    clients: [{{ id: {WEB_APP}, auth: client_secret_post, secret: {{ file: client-secret }} }}]
    introspection: {{ cache: 1s }}
    keys: {{ timeout: 2s }}
{more}",
        issuer = provider.issuer(),
    );
    Service::start_with_files(&yaml, &[("client-secret", secret.as_bytes())]).await
}

const SECRET: &str = "web-app-secret";

#[tokio::test]
async fn a_users_opaque_token_is_accepted_with_what_the_provider_says_of_it() {
    let provider = OidcProvider::start().await;
    let service = service(&provider, SECRET, "").await;
    let tokens = provider.user_tokens_for("alice", OPAQUE).await;
    assert!(!tokens.access_token.contains('.'), "opaque");
    let info = service.validate(&tokens.access_token).await.good();
    assert_eq!((info.issuer.as_str(), info.subject.as_str()), (provider.issuer(), "alice"));
    assert_eq!((info.client_id.as_str(), info.principal()), (WEB_APP, Principal::User));
    assert_eq!((info.audiences.as_slice(), info.kind()), (&[OPAQUE.to_owned()][..], TokenKind::Access));
    assert_eq!(info.scopes, ["read"]);
    assert!(info.expires_at.unwrap().seconds > info.issued_at.unwrap().seconds);
    let claims: Value = serde_json::from_slice(&info.claims_json).unwrap();
    assert_eq!(claims["active"], true);
    let hit = service.validate(&tokens.access_token).await.good();
    assert!(hit == info, "from the cache");

    // The same provider's other tokens.
    let refresh = service.validate(&tokens.refresh_token).await;
    assert_eq!(refresh.refused(), Reason::WrongKind, "it is called active");
    let as_id = validate(&mut service.client().await, &tokens.access_token, TokenKind::Id).await;
    assert_eq!(as_id.refused(), Reason::WrongKind);
    assert_eq!(service.validate("nobody-ever-issued-this").await.refused(), Reason::Inactive);
    let jwt = provider.token_for("https://other.example.test", Algorithm::Es256, "read").await;
    let questions = introspections(&provider).await;
    assert_eq!(service.validate(&jwt).await.refused(), Reason::AudienceMismatch);
    assert_eq!(introspections(&provider).await, questions, "a JWT is never sent");
}

async fn introspections(provider: &OidcProvider) -> u64 {
    provider.counts().await.get("/token/introspection").copied().unwrap_or(0)
}

#[tokio::test]
async fn a_clients_own_token_has_no_subject_here_and_passes_where_none_is_required() {
    let provider = OidcProvider::start().await;
    let token = provider.token_for(OPAQUE, Algorithm::Es256, "read").await;
    let strict = service(&provider, SECRET, "").await;
    assert_eq!(strict.validate(&token).await.refused(), Reason::ClaimInvalid);
    let service = service(&provider, SECRET, "    required_claims: []\n").await;
    let info = service.validate(&token).await.good();
    assert_eq!((info.client_id.as_str(), info.principal()), ("machine-es256", Principal::Client));
}

#[tokio::test]
async fn an_outage_and_wrong_credentials_are_told_apart_from_a_bad_token() {
    let provider = OidcProvider::start().await;
    let right = service(&provider, SECRET, "").await;
    let tokens = provider.user_tokens_for("alice", OPAQUE).await;
    for mode in [Mode::Fails, Mode::Hangs] {
        provider.set_mode("/token/introspection", mode).await;
        let status = right.validate(&tokens.access_token).await.cannot_tell();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(String::from_utf8_lossy(status.details()).contains("UPSTREAM_UNAVAILABLE"), "{status:?}");
        assert!(String::from_utf8_lossy(status.details()).contains("RetryInfo"), "{status:?}");
    }
    provider.set_mode("/token/introspection", Mode::Works).await;
    assert!(right.validate(&tokens.access_token).await.is_good());

    let wrong = service(&provider, "hunter2-wrong", "").await;
    let status = wrong.validate(&tokens.access_token).await.cannot_tell();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(String::from_utf8_lossy(status.details()).contains("CLIENT_REJECTED"), "{status:?}");
    for service in [&right, &wrong] {
        let log = service.output();
        for secret in [tokens.access_token.as_str(), tokens.refresh_token.as_str(), SECRET, "hunter2"] {
            assert!(!log.contains(secret), "{log}");
        }
    }
    assert!(right.output().contains("the issuer answers about opaque tokens again"), "{}", right.output());
}

#[tokio::test]
async fn an_opaque_token_is_revoked_by_its_bytes_while_its_issuer_is_away_and_told_when_it_is_back() {
    let mut provider = OidcProvider::start().await;
    let service = service(&provider, SECRET, "").await;
    let revoked = provider.user_tokens_for("alice", OPAQUE).await.access_token;
    let told = provider.user_tokens_for("bob", OPAQUE).await.access_token;
    for token in [&revoked, &told] {
        assert!(service.validate(token).await.is_good());
    }
    let mut client = service.client().await;
    let propagated = client.revoke(demand(&told, true)).await.unwrap().into_inner();
    assert!(matches!(propagated.upstream(), Upstream::Done | Upstream::Queued), "{propagated:?}");
    provider.kill().await;
    client.revoke(demand(&revoked, false)).await.unwrap();
    client.revoke(demand("never-seen-here", false)).await.unwrap();
    for token in [revoked.as_str(), told.as_str(), "never-seen-here"] {
        assert_eq!(service.validate(token).await.refused(), Reason::Revoked);
    }
    let other = service.validate("another").await.cannot_tell();
    assert_eq!(other.code(), Code::Unavailable);
    assert!(!service.output().contains(&revoked), "{}", service.output());
}

fn demand(token: &str, propagate: bool) -> RevokeRequest {
    RevokeRequest { target: Some(Target::Token(token.to_owned())), propagate, ..RevokeRequest::default() }
}
