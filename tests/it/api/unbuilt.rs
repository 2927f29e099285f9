//! What is documented and not built says so.

use countersign::proto::client::{
    CreateSessionRequest, GetSessionRequest, ListSessionsRequest, RefreshRequest, RevokeSessionRequest,
    RevokeUserSessionsRequest, WatchEventsRequest, refresh_request::Credential,
    session_service_client::SessionServiceClient,
};
use tonic::{Code, Response, Status};

use super::kit::{Setup, TO_ANSWER};
use crate::support::wait::within;

#[track_caller]
fn check<T>(answer: Result<Response<T>, Status>) {
    let Err(status) = answer else { panic!("it is built") };
    assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
}

#[tokio::test]
async fn refresh_and_every_session_rpc_are_unimplemented() {
    let setup = Setup::start().await;
    let mut tokens = setup.service.client().await;
    let mut sessions = SessionServiceClient::new(setup.service.channel().await);
    let credential = Some(Credential::RefreshToken(setup.good()));
    within("the answers", TO_ANSWER, async {
        check(tokens.refresh(RefreshRequest { credential, ..RefreshRequest::default() }).await);
        check(sessions.create_session(CreateSessionRequest::default()).await);
        check(sessions.get_session(GetSessionRequest::default()).await);
        check(sessions.list_sessions(ListSessionsRequest::default()).await);
        check(sessions.revoke_session(RevokeSessionRequest::default()).await);
        check(sessions.revoke_user_sessions(RevokeUserSessionsRequest::default()).await);
        check(sessions.watch_events(WatchEventsRequest::default()).await);
    })
    .await;
}
