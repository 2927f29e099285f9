//! Countersign against a real OpenID provider (node-oidc-provider): what it accepts and refuses, and how it lives through
//! key rotation, outages and restarts. K and C are the invariants of the design.

use std::time::Duration;

use countersign::proto::client::{Reason, TokenKind};
use tokio::time::Instant;
use tonic::Code;

use crate::support::{
    load::Load,
    peer::{AUDIENCE, Algorithm, Mode, OidcProvider, PeerKey, WEB_APP},
    service::{Service, validate},
    tokens::{Signer, claims},
    wait::until,
};

const REFRESH_AFTER: Duration = Duration::from_secs(2);
const MIN_REFETCH: Duration = Duration::from_millis(500);
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
/// For a machine that is busy with other things.
const SLACK: Duration = Duration::from_secs(10);

fn config(provider: &OidcProvider) -> String {
    format!(
        "\
issuers:
  - name: peer
    issuer: {issuer}
    audiences: [{AUDIENCE}, {WEB_APP}]
    keys: {{ refresh_after: 2s, max_age: 1h, min_refetch: 500ms, timeout: 2s }}
",
        issuer = provider.issuer(),
    )
}

async fn start() -> (OidcProvider, Service) {
    let provider = OidcProvider::start().await;
    let service = Service::start(&config(&provider)).await;
    (provider, service)
}

async fn mint(provider: &OidcProvider, algorithm: Algorithm, count: usize) -> Vec<String> {
    let mut tokens = Vec::with_capacity(count);
    for _ in 0..count {
        tokens.push(provider.client_credentials_token(algorithm, "read").await);
    }
    tokens
}

#[tokio::test]
async fn jwt_access_tokens_are_accepted_whatever_algorithm_signs_them() {
    let (provider, service) = start().await;
    for algorithm in Algorithm::ALL {
        let token = provider.client_credentials_token(algorithm, "read write").await;
        let info = service.validate(&token).await.good();
        assert_eq!(info.issuer, provider.issuer());
        assert_eq!(info.subject, algorithm.client());
        assert_eq!(info.client_id, algorithm.client());
        assert_eq!(info.audiences, [AUDIENCE]);
        assert_eq!(info.scopes, ["read", "write"]);
        assert_eq!(info.kind(), TokenKind::Access);
        let payload = token.split('.').nth(1).unwrap();
        assert_eq!(crate::support::tokens::encode(&info.claims_json), payload, "byte for byte as signed");
    }
}

#[tokio::test]
async fn a_users_tokens_are_each_accepted_as_what_they_are_and_as_nothing_else() {
    let (provider, service) = start().await;
    let tokens = provider.user_tokens("alice").await;
    let mut client = service.client().await;

    let access = validate(&mut client, &tokens.access_token, TokenKind::Access).await.good();
    assert_eq!((access.subject.as_str(), access.client_id.as_str()), ("alice", WEB_APP));
    let id = validate(&mut client, &tokens.id_token, TokenKind::Id).await.good();
    assert_eq!((id.subject.as_str(), id.audiences.as_slice()), ("alice", &[WEB_APP.to_owned()][..]));

    let id_as_access = validate(&mut client, &tokens.id_token, TokenKind::Access).await;
    assert_eq!(id_as_access.refused(), Reason::WrongKind);
    let unspecified = validate(&mut client, &tokens.id_token, TokenKind::Unspecified).await;
    assert_eq!(unspecified.refused(), Reason::WrongKind, "unspecified means access");
    let access_as_id = validate(&mut client, &tokens.access_token, TokenKind::Id).await;
    assert_eq!(access_as_id.refused(), Reason::WrongKind);
    let refresh = validate(&mut client, &tokens.refresh_token, TokenKind::Access).await;
    assert_eq!(refresh.refused(), Reason::Malformed, "an opaque token");
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused() {
    let (provider, service) = start().await;
    let token = provider.token_for("https://other.example.test", Algorithm::Es256, "read").await;
    assert_eq!(service.validate(&token).await.refused(), Reason::AudienceMismatch);
}

#[tokio::test]
async fn k2_a_rotation_announced_min_refetch_ahead_refuses_no_valid_token_under_load() {
    let (mut provider, service) = start().await;
    let old_tokens = mint(&provider, Algorithm::Rs256, 20).await;
    let load = Load::start(&service, old_tokens.clone()).await;

    let next = provider.generate(Algorithm::Rs256, "next").await;
    let both = [provider.keys(), std::slice::from_ref(&next)].concat();
    provider.rotate_keys(both.clone(), &[]).await;
    let announced = Instant::now();
    until("min_refetch to pass", SLACK, async || (announced.elapsed() >= MIN_REFETCH).then_some(())).await;

    provider.rotate_keys(both, &[&next]).await;
    let new_tokens = mint(&provider, Algorithm::Rs256, 20).await;
    load.set_tokens([old_tokens.clone(), new_tokens.clone()].concat());
    load.rounds(3).await;

    // The old key is withdrawn: its tokens may be refused from now on, and have to be soon.
    load.set_tokens(new_tokens);
    load.rounds(1).await;
    let remaining = [provider.keys_but(Algorithm::Rs256), vec![next]].concat();
    provider.rotate_keys(remaining, &[]).await;
    for token in &old_tokens {
        until("the withdrawn key to be refused", REFRESH_AFTER + FETCH_TIMEOUT + SLACK, async || {
            let said = service.validate(token).await;
            if said.is_good() {
                return None;
            }
            assert_eq!(said.refused(), Reason::UnknownKey);
            Some(())
        })
        .await;
    }
    load.rounds(3).await;
    load.stop().await;
}

#[tokio::test]
async fn k12_a_rotation_without_notice_is_unknown_key_at_worst_and_heals_by_itself() {
    let (mut provider, service) = start().await;
    let before = mint(&provider, Algorithm::Es256, 1).await;
    assert!(service.validate(&before[0]).await.is_good());
    for name in ["second", "third", "fourth"] {
        replace_without_notice(&mut provider, name).await;
        let token = provider.client_credentials_token(Algorithm::Es256, "read").await;
        until("the new key to be known", REFRESH_AFTER + FETCH_TIMEOUT + SLACK, async || {
            let said = service.validate(&token).await;
            if said.is_good() {
                return Some(());
            }
            assert_eq!(said.refused(), Reason::UnknownKey, "an answer, since every fetch succeeds");
            None
        })
        .await;
    }
    assert_eq!(service.validate(&before[0]).await.refused(), Reason::UnknownKey, "C3: cached, and withdrawn");
}

async fn replace_without_notice(provider: &mut OidcProvider, name: &str) -> PeerKey {
    let next = provider.generate(Algorithm::Es256, name).await;
    let keys = [provider.keys_but(Algorithm::Es256), vec![next.clone()]].concat();
    provider.rotate_keys(keys, &[]).await;
    next
}

#[tokio::test]
async fn k3_unknown_kids_do_not_turn_into_requests_to_the_provider() {
    let (provider, service) = start().await;
    let mut client = service.client().await;
    let began = Instant::now();
    let fetched = provider.key_fetches().await;
    let stranger = Signer::es256();
    for number in 0..300 {
        let stranger = stranger.clone().named(&format!("kid-{number}"));
        let token = stranger.access_token(&claims(provider.issuer(), AUDIENCE));
        let said = validate(&mut client, &token, TokenKind::Access).await;
        assert_eq!(said.refused(), Reason::UnknownKey);
    }
    let more = provider.key_fetches().await - fetched;
    let periods = |period: Duration| began.elapsed().div_duration_f64(period).ceil();
    let allowed = periods(MIN_REFETCH) + periods(REFRESH_AFTER) + 1.0;
    assert!(f64::from(u32::try_from(more).unwrap()) <= allowed, "{more} fetches, {allowed} allowed");
}

#[tokio::test]
async fn k1_tokens_stay_good_while_the_provider_is_down() {
    let (mut provider, service) = start().await;
    let seen = mint(&provider, Algorithm::Rs256, 10).await;
    let unseen = mint(&provider, Algorithm::EdDsa, 10).await;
    let load = Load::start(&service, seen).await;
    load.rounds(1).await;
    provider.kill().await;
    let down = Instant::now();
    until("two refreshes to fail", 2 * REFRESH_AFTER + SLACK, async || {
        (down.elapsed() >= 2 * REFRESH_AFTER).then_some(())
    })
    .await;
    load.set_tokens(unseen);
    load.rounds(3).await;
    let stranger = Signer::es256().access_token(&claims(provider.issuer(), AUDIENCE));
    let status = service.validate(&stranger).await.cannot_tell();
    assert_eq!(status.code(), Code::Unavailable, "K12: the last fetch failed");

    provider.restart_on_same_port().await;
    until("the provider to be asked again", REFRESH_AFTER + FETCH_TIMEOUT + SLACK, async || {
        (provider.key_fetches().await > 0).then_some(())
    })
    .await;
    let fresh = mint(&provider, Algorithm::Rs256, 5).await;
    load.set_tokens(fresh);
    load.rounds(1).await;
    load.stop().await;
}

#[tokio::test]
async fn k1_a_failing_or_hanging_key_set_endpoint_takes_no_keys_away() {
    let (provider, service) = start().await;
    let load = Load::start(&service, mint(&provider, Algorithm::Es256, 10).await).await;
    for mode in [Mode::Fails, Mode::Hangs] {
        provider.set_mode("/jwks", mode).await;
        let asked = provider.key_fetches().await;
        until("two more fetches to fail", 3 * (REFRESH_AFTER + FETCH_TIMEOUT) + SLACK, async || {
            (provider.key_fetches().await >= asked + 2).then_some(())
        })
        .await;
        load.set_tokens(mint(&provider, Algorithm::Es256, 10).await);
        load.rounds(2).await;
    }
    load.stop().await;
}

#[tokio::test]
async fn k13_a_restart_while_the_provider_is_down_loses_no_keys() {
    let (mut provider, mut service) = start().await;
    let seen = mint(&provider, Algorithm::Rs256, 1).await;
    let unseen = mint(&provider, Algorithm::Rs256, 2).await;
    assert!(service.validate(&seen[0]).await.is_good());
    provider.kill().await;

    service.sigterm().await;
    assert!(service.wait_exit().await.success(), "{}", service.output());
    service.restart().await;
    service.validate(&seen[0]).await.good();
    service.validate(&unseen[0]).await.good();

    // A crash leaves the socket's file and the store as they were.
    service.kill9().await;
    service.restart().await;
    service.validate(&unseen[1]).await.good();

    provider.restart_on_same_port().await;
    replace_without_notice(&mut provider, "after").await;
    let token = provider.client_credentials_token(Algorithm::Es256, "read").await;
    until("the stored keys to give way to fetched ones", REFRESH_AFTER + FETCH_TIMEOUT + SLACK, async || {
        service.validate(&token).await.is_good().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_first_start_without_the_provider_cannot_tell_and_becomes_ready_once_it_is_there() {
    let mut provider = OidcProvider::start().await;
    let token = provider.client_credentials_token(Algorithm::Rs256, "read").await;
    provider.kill().await;
    let mut service = Service::start_unready(&config(&provider));
    until("the admin port to answer", SLACK, async || {
        service.try_admin_get("/livez").await.filter(|answer| answer.status == 200)
    })
    .await;
    assert_ne!(service.admin_get("/readyz").await.status, 200);
    assert_eq!(service.validate(&token).await.cannot_tell().code(), Code::Unavailable);
    provider.restart_on_same_port().await;
    service.ready().await;
    service.validate(&token).await.good();
}
