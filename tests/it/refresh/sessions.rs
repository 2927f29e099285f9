//! F13: logins that are handed over, and refreshed by their session's id alone.

use countersign::proto::client::{
    AuthorizationCode, CreateSessionRequest, Reason, Recovery, RefreshRequest, Rejection, RevokeRequest,
    Session, SessionStatus, SessionTokens, TokenSet, create_session_request::Login,
    create_session_response::Outcome, refresh_request::Credential, revoke_request::Target,
    session_service_client::SessionServiceClient,
};
use tonic::Status;
use tonic_types::StatusExt as _;

use super::set::{Came, Plan, Set, came_of, send};
use crate::support::{
    peer::{UserTokens, WEB_APP},
    tokens::unverified,
    wait::until,
};

async fn create(set: &Set, replica: usize, login: Login) -> Result<Result<Session, Rejection>, Status> {
    let request = CreateSessionRequest { login: Some(login), ..CreateSessionRequest::default() };
    let mut client = SessionServiceClient::new(set.replicas[replica].channel().await);
    let response = client.create_session(request).await?.into_inner();
    Ok(match response.outcome.unwrap() {
        Outcome::Session(session) => Ok(session),
        Outcome::Rejection(rejection) => Err(rejection),
    })
}

fn tokens(login: &UserTokens) -> Login {
    Login::Tokens(SessionTokens {
        access_token: login.access_token.clone(),
        refresh_token: login.refresh_token.clone(),
        id_token: login.id_token.clone(),
    })
}

async fn by_session(set: &Set, replica: usize, id: &str) -> Came {
    send(&set.replicas[replica], Credential::SessionId(id.to_owned())).await
}

async fn forced(set: &Set, replica: usize, id: &str) -> Came {
    let credential = Some(Credential::SessionId(id.to_owned()));
    let request = RefreshRequest { credential, force: true, ..RefreshRequest::default() };
    came_of(set.replicas[replica].client().await.refresh(request).await)
}

async fn is_good(set: &Set, set_of: &TokenSet) -> bool {
    set.replicas[0].validate(&set_of.access_token).await.is_good()
}

#[tokio::test]
async fn f13_a_login_that_is_handed_over_is_refreshed_by_its_session_on_every_replica() {
    let set = Set::start(Plan::default()).await;
    let login = set.provider.user_tokens("alice").await;
    let session = create(&set, 0, tokens(&login)).await.unwrap().unwrap();
    let (_, claims) = unverified(&login.access_token);
    assert_eq!(Some(session.session_id.as_str()), claims["sid"].as_str());
    assert_eq!(
        (session.subject.as_str(), session.client_id.as_str(), session.status()),
        ("alice", WEB_APP, SessionStatus::Active)
    );
    let before = set.provider.token_requests().await;

    // What is held is fresh.
    let held = by_session(&set, 1, &session.session_id).await.tokens();
    assert!(held.access_token == login.access_token && held.refresh_token.is_empty());
    assert_eq!(set.provider.token_requests().await, before);

    let first = forced(&set, 2, &session.session_id).await.tokens();
    assert!(first.access_token != login.access_token, "it is rotated");
    assert!(first.refresh_token.is_empty(), "the refresh token is never in the answer");
    assert_eq!(first.session_id, session.session_id);
    assert_eq!(set.provider.token_requests().await, before + 1);
    assert!(is_good(&set, &first).await);
    let held = by_session(&set, 0, &session.session_id).await.tokens();
    assert!(held.access_token == first.access_token, "the new tokens are held");

    let again = forced(&set, 1, &session.session_id).await.tokens();
    assert!(again.access_token != first.access_token);
    assert_eq!(set.provider.token_requests().await, before + 2);

    // A second handing over of what was exchanged is refused, and harms nobody.
    let rejection = create(&set, 1, tokens(&login)).await.unwrap().unwrap_err();
    assert_eq!(rejection.reason(), Reason::RefreshInvalid);
    assert!(is_good(&set, &by_session(&set, 2, &session.session_id).await.tokens()).await);
}

#[tokio::test]
async fn a_login_is_handed_over_as_an_authorization_code() {
    let set = Set::start(Plan { replicas: 1, ..Plan::default() }).await;
    let code = set.provider.authorization_code("bob").await;
    let login = Login::AuthorizationCode(AuthorizationCode {
        code: code.code.clone(),
        redirect_uri: code.redirect_uri.clone(),
        code_verifier: code.code_verifier.clone(),
    });
    let session = create(&set, 0, login.clone()).await.unwrap().unwrap();
    assert_eq!(session.subject, "bob");
    let held = by_session(&set, 0, &session.session_id).await.tokens();
    assert!(is_good(&set, &held).await);
    assert!(is_good(&set, &forced(&set, 0, &session.session_id).await.tokens()).await);
    let again = create(&set, 0, login).await.unwrap().unwrap_err();
    assert_eq!(again.recovery(), Recovery::Login, "a code is good for one exchange");
}

/// S6: without a session claim the session gets a name from here, which no token can name.
#[tokio::test]
async fn a_login_whose_tokens_name_no_session_gets_a_name_from_here() {
    let set = Set::start(Plan { replicas: 1, session_claims: &[], ..Plan::default() }).await;
    let mut login = set.provider.user_tokens("carol").await;
    login.id_token.clear();
    let session = create(&set, 0, tokens(&login)).await.unwrap().unwrap();
    assert!(session.session_id.starts_with("countersign."), "{}", session.session_id);
    let same = create(&set, 0, tokens(&login)).await.unwrap().unwrap();
    assert_eq!(same.session_id, session.session_id, "handing over twice begins one session");
    let first = forced(&set, 0, &session.session_id).await.tokens();
    assert_eq!(first.session_id, session.session_id);
}

#[tokio::test]
async fn f11_a_session_that_was_revoked_is_not_refreshed() {
    let set = Set::start(Plan { replicas: 2, ..Plan::default() }).await;
    let login = set.provider.user_tokens("alice").await;
    let session = create(&set, 0, tokens(&login)).await.unwrap().unwrap();
    let target = Some(Target::SessionId(session.session_id.clone()));
    let request = RevokeRequest { target, ..RevokeRequest::default() };
    set.replicas[1].client().await.revoke(request).await.unwrap();
    let before = set.provider.token_requests().await;
    for replica in [0, 1] {
        until("the revocation to be known", super::set::LONG, async || {
            let came = forced(&set, replica, &session.session_id).await;
            matches!(came, Came::Refused(_)).then_some(())
        })
        .await;
        let came = forced(&set, replica, &session.session_id).await;
        assert_eq!(came.refused(), (Reason::Revoked, Recovery::Login));
    }
    assert_eq!(set.provider.token_requests().await, before, "nothing is sent");
    let rejection = create(&set, 0, tokens(&login)).await.unwrap().unwrap_err();
    assert_eq!(rejection.reason(), Reason::Revoked, "S4: it does not come back");
}

#[tokio::test]
async fn sessions_without_tokens_here_are_told_apart() {
    let set = Set::start(Plan { replicas: 1, ..Plan::default() }).await;
    assert_eq!(by_session(&set, 0, "nobody").await.fault().0, "SESSION_UNKNOWN");
    let mut login = set.provider.user_tokens("alice").await;
    login.refresh_token.clear();
    let session = create(&set, 0, tokens(&login)).await.unwrap().unwrap();
    assert_eq!(by_session(&set, 0, &session.session_id).await.fault().0, "TOKENS_NOT_HELD");
}

#[tokio::test]
async fn a_login_that_does_not_fit_together_is_refused() {
    let set = Set::start(Plan { replicas: 1, ..Plan::default() }).await;
    let (alice, bob) = (set.provider.user_tokens("alice").await, set.provider.user_tokens("bob").await);
    let mixed = UserTokens { id_token: bob.id_token, ..alice.clone() };
    let rejection = create(&set, 0, tokens(&mixed)).await.unwrap().unwrap_err();
    assert_eq!(rejection.reason(), Reason::ClaimInvalid);
    let forged = UserTokens { access_token: format!("{}x", alice.access_token), ..alice };
    assert!(create(&set, 0, tokens(&forged)).await.unwrap().is_err());
    let request = CreateSessionRequest::default();
    let mut client = SessionServiceClient::new(set.replicas[0].channel().await);
    let status = client.create_session(request).await.map(|_| ()).unwrap_err();
    assert_eq!(status.get_error_details().bad_request().unwrap().field_violations[0].field, "login");
}

/// Whoever sees an access token of a session, and there are many, must not get hold of the session by it.
#[tokio::test]
async fn f12_a_made_up_refresh_token_beside_somebodys_access_token_neither_takes_nor_ends_the_session() {
    let set = Set::start(Plan { replicas: 1, ..Plan::default() }).await;
    let login = set.provider.user_tokens("alice").await;
    let session = create(&set, 0, tokens(&login)).await.unwrap().unwrap();
    let mixed = UserTokens { refresh_token: "made-up".to_owned(), ..login.clone() };
    let rejection = create(&set, 0, tokens(&mixed)).await.unwrap().unwrap_err();
    assert_eq!(rejection.reason(), Reason::RefreshInvalid);
    let bobs = UserTokens { refresh_token: set.provider.user_tokens("bob").await.refresh_token, ..login };
    assert_eq!(
        create(&set, 0, tokens(&bobs)).await.unwrap_err().get_error_details().error_info().unwrap().reason,
        "UPSTREAM_INVALID"
    );
    let held = forced(&set, 0, &session.session_id).await.tokens();
    assert!(is_good(&set, &held).await, "it goes on as if nothing had been");
}

/// Of a session that nobody holds, a made-up token may be handed over, and does no harm to whoever has it.
#[tokio::test]
async fn f6_a_made_up_refresh_token_ends_no_session_that_it_was_never_one_of() {
    let set = Set::start(Plan { replicas: 1, ..Plan::default() }).await;
    let login = set.provider.user_tokens("alice").await;
    let mixed = UserTokens { refresh_token: "made-up".to_owned(), ..login.clone() };
    let session = create(&set, 0, tokens(&mixed)).await.unwrap().unwrap();
    let came = forced(&set, 0, &session.session_id).await;
    assert_eq!(came.refused().0, Reason::RefreshInvalid);
    assert!(set.replicas[0].validate(&login.access_token).await.is_good(), "her session is as it was");
    let real = create(&set, 0, tokens(&login)).await.unwrap().unwrap();
    assert_eq!(real.session_id, session.session_id);
    assert!(is_good(&set, &forced(&set, 0, &real.session_id).await.tokens()).await);
}

#[tokio::test]
async fn what_goes_with_a_refresh_token_only_is_refused_by_session() {
    let set = Set::start(Plan { replicas: 1, ..Plan::default() }).await;
    let login = set.provider.user_tokens("alice").await;
    let session = create(&set, 0, tokens(&login)).await.unwrap().unwrap();
    let credential = || Some(Credential::SessionId(session.session_id.clone()));
    let scopes = vec!["read".to_owned()];
    let request = RefreshRequest { credential: credential(), scopes, ..RefreshRequest::default() };
    let came = came_of(set.replicas[0].client().await.refresh(request).await);
    assert_eq!(came.fault().0, "INVALID_FIELD");
    let client_id = "another-client".to_owned();
    let request = RefreshRequest { credential: credential(), client_id, ..RefreshRequest::default() };
    let came = came_of(set.replicas[0].client().await.refresh(request).await);
    assert_eq!(came.fault().0, "TOKENS_NOT_HELD", "they are another client's");
}
