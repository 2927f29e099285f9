//! What is revoked is refused, from the answer on and for as long as it could pass.

mod audit;
mod bad;
mod command;
mod forms;
mod targets;

use countersign::proto::client::{Reason, Recovery, RevokeRequest, RevokeResponse, revoke_request::Target};
use serde_json::Value;
use tonic::{Response, Status};

use super::kit::{ISSUER, Setup, TO_ANSWER, about, ask, rejection_in, token_in};
use crate::support::wait::within;

/// About the issuer whose keys are known.
fn demand(target: Target) -> RevokeRequest {
    RevokeRequest { target: Some(target), issuer: ISSUER.to_owned(), ..RevokeRequest::default() }
}

impl Setup {
    async fn try_revoke(&self, request: RevokeRequest) -> Result<RevokeResponse, Status> {
        let mut client = self.service.client().await;
        within("an answer", TO_ANSWER, client.revoke(request)).await.map(Response::into_inner)
    }

    async fn revoke(&self, request: RevokeRequest) -> RevokeResponse {
        self.try_revoke(request).await.unwrap()
    }

    #[track_caller]
    fn passes(&self, token: &str) -> impl Future<Output = ()> {
        let (at, token) = (std::panic::Location::caller(), token.to_owned());
        async move {
            let answer = ask(&mut self.service.client().await, about(token)).await.unwrap();
            assert!(answer.outcome.is_some(), "{at}");
            drop(token_in(answer));
        }
    }

    async fn is_revoked(&self, token: &str) {
        let answer = ask(&mut self.service.client().await, about(token)).await.unwrap();
        let rejection = rejection_in(answer);
        assert_eq!((rejection.reason(), rejection.recovery()), (Reason::Revoked, Recovery::Login));
    }

    /// A good token of this subject in this session, for this client.
    fn of(&self, subject: &str, session: &str, client: &str) -> String {
        self.token(|claims| {
            claims["sub"] = subject.into();
            claims["sid"] = session.into();
            claims["client_id"] = client.into();
        })
    }
}

/// Without an id of its own.
fn without_id(claims: &mut Value) {
    claims.as_object_mut().unwrap().remove("jti");
}
