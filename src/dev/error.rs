//! Errors as OAuth writes them (RFC 6749 section 5.2, RFC 7009 section 2.2.1).

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::DevError;

/// Why a request is refused. Descriptions are constants: nothing that was sent comes back.
#[derive(Debug)]
pub(super) enum OAuthError {
    InvalidRequest(&'static str),
    /// `basic`: the client tried the `Authorization` header, and is told which scheme works.
    InvalidClient {
        basic: bool,
    },
    InvalidGrant(&'static str),
    UnsupportedGrantType,
    InvalidScope(&'static str),
    UnsupportedTokenType,
    Server,
}

impl From<DevError> for OAuthError {
    fn from(error: DevError) -> Self {
        tracing::error!(error.message = %error, "the development issuer cannot answer");
        Self::Server
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let (status, error, description) = match self {
            Self::InvalidRequest(why) => (StatusCode::BAD_REQUEST, "invalid_request", why),
            Self::InvalidClient { .. } => {
                (StatusCode::UNAUTHORIZED, "invalid_client", "unknown client, or not its secret")
            }
            Self::InvalidGrant(why) => (StatusCode::BAD_REQUEST, "invalid_grant", why),
            Self::UnsupportedGrantType => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "this issuer knows client_credentials and refresh_token; log in with POST /dev/login",
            ),
            Self::InvalidScope(why) => (StatusCode::BAD_REQUEST, "invalid_scope", why),
            Self::UnsupportedTokenType => (
                StatusCode::BAD_REQUEST,
                "unsupported_token_type",
                "only refresh tokens can be revoked here; access tokens end by themselves",
            ),
            Self::Server => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", "see the issuer's log"),
        };
        let body = Json(json!({ "error": error, "error_description": description }));
        let mut response = (status, [(header::CACHE_CONTROL, "no-store")], body).into_response();
        if matches!(self, Self::InvalidClient { basic: true }) {
            let challenge = header::HeaderValue::from_static("Basic realm=\"countersign dev\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
