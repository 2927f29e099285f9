//! What is documented and not built says so.

use countersign::proto::client::{
    GetSessionRequest, ListSessionsRequest, RevokeSessionRequest, RevokeUserSessionsRequest,
    WatchEventsRequest, session_service_client::SessionServiceClient,
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
async fn the_session_rpcs_but_create_session_are_unimplemented() {
    let setup = Setup::start().await;
    let mut sessions = SessionServiceClient::new(setup.service.channel().await);
    within("the answers", TO_ANSWER, async {
        check(sessions.get_session(GetSessionRequest::default()).await);
        check(sessions.list_sessions(ListSessionsRequest::default()).await);
        check(sessions.revoke_session(RevokeSessionRequest::default()).await);
        check(sessions.revoke_user_sessions(RevokeUserSessionsRequest::default()).await);
        check(sessions.watch_events(WatchEventsRequest::default()).await);
    })
    .await;
}
