//! R4: whoever is revoked cannot refresh past it at the identity provider, and can log in again.

use std::time::Duration;

use countersign::{
    domain::time::Clock as _,
    ops::clock::SystemClock,
    proto::client::{Reason, RevokeRequest, RevokeResponse, revoke_request::Target},
};

use crate::support::{
    peer::{AUDIENCE, OidcProvider, UserTokens, WEB_APP},
    service::Service,
    tokens::unverified,
    wait::{until, within},
};

const TO_ANSWER: Duration = Duration::from_secs(20);

struct Setup {
    provider: OidcProvider,
    service: Service,
}

impl Setup {
    async fn start(session_claims: &[&str]) -> Self {
        let provider = OidcProvider::start_with_session_claims(session_claims).await;
        let yaml = format!(
            "issuers:\n  - {{ name: peer, issuer: '{}', audiences: [{AUDIENCE}, {WEB_APP}] }}\n",
            provider.issuer(),
        );
        let service = Service::start(&yaml).await;
        Self { provider, service }
    }

    async fn revoke(&self, target: Target, except_session_id: &str) -> RevokeResponse {
        let request = RevokeRequest {
            target: Some(target),
            except_session_id: except_session_id.to_owned(),
            reason: "a lost laptop".to_owned(),
            ..RevokeRequest::default()
        };
        let mut client = self.service.client().await;
        within("an answer", TO_ANSWER, client.revoke(request)).await.unwrap().into_inner()
    }

    #[track_caller]
    fn is_refused(&self, tokens: &UserTokens) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let said = self.service.validate(&tokens.access_token).await;
            assert_eq!(said.refused(), Reason::Revoked, "{at}");
        }
    }

    #[track_caller]
    fn is_good(&self, tokens: &UserTokens) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let said = self.service.validate(&tokens.access_token).await;
            assert!(said.is_good(), "{at}: {said:?}");
        }
    }

    /// Refreshes once the clock is past the cut-off, so that `iat` alone would not refuse the new token.
    async fn refresh_after(&self, cut_off: i64, tokens: &UserTokens) -> UserTokens {
        past(cut_off).await;
        let fresh = self.provider.refresh(tokens).await;
        let (_, claims) = unverified(&fresh.access_token);
        assert!(claims["iat"].as_i64().unwrap() > cut_off, "the test has to ask about a fresh `iat`");
        fresh
    }
}

fn cut_off(response: &RevokeResponse) -> i64 {
    response.effective_not_before.as_ref().unwrap().seconds
}

async fn past(second: i64) {
    until("the clock to pass the cut-off", TO_ANSWER, async || {
        (SystemClock.now().as_secs() > second).then_some(())
    })
    .await;
}

#[tokio::test]
async fn r4_a_revoked_users_refreshed_token_is_refused_and_a_new_login_is_good() {
    for session_claims in [&["sid", "auth_time"][..], &["sid"], &["auth_time"]] {
        let setup = Setup::start(session_claims).await;
        let (alice, bob) =
            (setup.provider.user_tokens("alice").await, setup.provider.user_tokens("bob").await);
        setup.is_good(&alice).await;
        setup.is_good(&bob).await;

        let revoked = setup.revoke(Target::Subject("alice".to_owned()), "").await;
        let known = u32::from(session_claims.contains(&"sid"));
        assert_eq!(revoked.revoked_sessions, known, "{session_claims:?}");
        setup.is_refused(&alice).await;

        // The provider does not know, and goes on refreshing.
        let fresh = setup.refresh_after(cut_off(&revoked), &alice).await;
        setup.is_refused(&fresh).await;
        let again = setup.provider.refresh(&fresh).await;
        setup.is_refused(&again).await;

        let login = setup.provider.user_tokens("alice").await;
        setup.is_good(&login).await;
        setup.is_good(&setup.provider.refresh(&login).await).await;
        setup.is_good(&setup.provider.refresh(&bob).await).await;
        setup.is_refused(&fresh).await;
    }
}

/// The session was seen before the restart only, and its tokens do not say when it began.
#[tokio::test]
async fn r4_when_a_session_began_is_remembered_over_a_restart() {
    let mut setup = Setup::start(&["sid"]).await;
    let alice = setup.provider.user_tokens("alice").await;
    setup.is_good(&alice).await;
    // What is remembered is written in the background; a drain waits for it.
    setup.service.sigterm().await;
    assert!(setup.service.wait_exit().await.success());
    setup.service.restart().await;

    let revoked = setup.revoke(Target::Subject("alice".to_owned()), "").await;
    assert_eq!(revoked.revoked_sessions, 1);
    let fresh = setup.refresh_after(cut_off(&revoked), &alice).await;
    setup.is_refused(&fresh).await;
}

#[tokio::test]
async fn r11_an_excepted_session_goes_on_until_it_is_revoked_itself() {
    let setup = Setup::start(&["sid"]).await;
    let (here, elsewhere) =
        (setup.provider.user_tokens("alice").await, setup.provider.user_tokens("alice").await);
    setup.is_good(&here).await;
    setup.is_good(&elsewhere).await;
    let (_, claims) = unverified(&here.access_token);
    let session = claims["sid"].as_str().unwrap().to_owned();

    let revoked = setup.revoke(Target::Subject("alice".to_owned()), &session).await;
    assert_eq!(revoked.revoked_sessions, 1);
    setup.is_good(&here).await;
    setup.is_refused(&elsewhere).await;
    let here = setup.refresh_after(cut_off(&revoked), &here).await;
    setup.is_good(&here).await;
    setup.is_refused(&setup.provider.refresh(&elsewhere).await).await;

    assert_eq!(setup.revoke(Target::SessionId(session), "").await.revoked_sessions, 1);
    setup.is_refused(&here).await;
    setup.is_refused(&setup.provider.refresh(&here).await).await;
}
