//! `countersign.v1.SessionService`. `CreateSession` is built; the others answer UNIMPLEMENTED until they are.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{
    caller,
    status::{self, CallError},
    token::{certificate, of_refusal},
};
use crate::api::grpc::times::timestamp;
use crate::{
    proto::server::{
        AuthorizationCode as WrittenCode, CreateSessionRequest, CreateSessionResponse, Device,
        RequestContext, Session, SessionStatus, SessionTokens, create_session_request::Login as Written,
        create_session_response::Outcome, session_service_server::SessionService,
    },
    service::refresh::{AuthorizationCode, Created, Login, NotRefreshed, Proof, Refresher},
};

/// The service over its use cases.
#[derive(Clone, Debug)]
pub struct SessionApi {
    refresher: Arc<Refresher>,
}

impl SessionApi {
    /// Serves these.
    pub fn new(refresher: Arc<Refresher>) -> Self {
        Self { refresher }
    }

    async fn create(
        &self,
        request: &CreateSessionRequest,
        caller: &str,
    ) -> Result<CreateSessionResponse, CallError> {
        let login = read(request, caller)?;
        let outcome = match self.refresher.create_session(&login).await {
            Ok(created) => Outcome::Session(session(created, request.context.as_ref())),
            Err(NotRefreshed::Refused(refusal)) => Outcome::Rejection(of_refusal(&refusal)),
            Err(NotRefreshed::Field(wrong)) => return Err(CallError::field(wrong.field, wrong.problem)),
            Err(NotRefreshed::Trouble(trouble)) => return Err(CallError::NotRefreshed(trouble)),
        };
        Ok(CreateSessionResponse { outcome: Some(outcome), set_cookies: Vec::new() })
    }
}

#[tonic::async_trait]
impl SessionService for SessionApi {
    async fn create_session(
        &self,
        request: Request<CreateSessionRequest>,
    ) -> Result<Response<CreateSessionResponse>, Status> {
        let caller = caller::counted(&request);
        match self.create(request.get_ref(), &caller).await {
            Ok(response) => Ok(Response::new(response)),
            Err(error) => Err(status::of(&error)),
        }
    }
}

fn read<'r>(request: &'r CreateSessionRequest, caller: &'r str) -> Result<Login<'r>, CallError> {
    let certificate = match &request.context {
        Some(context) => certificate(&context.client_certificate_sha256)?,
        None => None,
    };
    let proof = match &request.login {
        Some(Written::Tokens(SessionTokens { access_token, refresh_token, id_token })) => {
            Proof::Tokens { access_token, refresh_token, id_token }
        }
        Some(Written::AuthorizationCode(WrittenCode { code, redirect_uri, code_verifier })) => {
            Proof::Code(AuthorizationCode { code, redirect_uri, code_verifier })
        }
        None => {
            return Err(CallError::field("login", "is needed: tokens, or an authorization code"));
        }
    };
    Ok(Login { issuer: &request.issuer, client_id: &request.client_id, proof, certificate, caller })
}

fn session(created: Created, context: Option<&RequestContext>) -> Session {
    let Created { session_id, issuer, subject, client_id, organization_id, began_at, handed_over_at } =
        created;
    Session {
        session_id,
        issuer,
        subject,
        client_id,
        organization_id,
        status: SessionStatus::Active.into(),
        created_at: Some(timestamp(began_at)),
        last_active_at: Some(timestamp(handed_over_at)),
        device: context.map(|context| Device {
            ip: context.client_ip.clone(),
            user_agent: context.user_agent.clone(),
            device_id: context.device_id.clone(),
        }),
        ..Session::default()
    }
}
