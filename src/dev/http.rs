//! The endpoints.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    Shared,
    error::OAuthError,
    form::Form,
    grants::Rotation,
    guard,
    keys::{Generation, SigningAlgorithm, Withdraw},
    tokens::{self, LIFETIME, Login, Minted},
};

type Answer = Result<Response, OAuthError>;

/// Token requests are a few hundred bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(jwks))
        .route("/token", post(token))
        .route("/revoke", post(revoke))
        .route("/dev/login", post(login))
        .route("/dev/rotate", post(rotate))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::local_only))
        .with_state(shared)
}

/// OpenID Connect Discovery section 3. There is no authorization endpoint: `/dev/login` stands in for it.
async fn discovery(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let issuer = &shared.issuer;
    let client_authentication = ["client_secret_basic", "client_secret_post"];
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks"),
        "token_endpoint": format!("{issuer}/token"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "grant_types_supported": ["client_credentials", "refresh_token"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": SigningAlgorithm::ALL.map(SigningAlgorithm::as_str),
        "token_endpoint_auth_methods_supported": client_authentication,
        "revocation_endpoint_auth_methods_supported": client_authentication,
    }))
}

async fn jwks(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let document = shared.state().keys.jwks().to_string();
    let digest = digest::digest(&digest::SHA256, document.as_bytes());
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let unchanged = known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
    let caching = [(header::ETAG, tag), (header::CACHE_CONTROL, "public, max-age=60".to_owned())];
    if unchanged {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, "application/jwk-set+json")], document).into_response()
}

/// RFC 6749 sections 4.4 and 6.
async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let form = Form::parse(&headers, &body)?;
    shared.client.authenticate(&headers, &form)?;
    match form.require("grant_type", "`grant_type` is missing")? {
        "client_credentials" => {
            let scopes = form.scopes()?.unwrap_or_else(|| vec!["notes.read".to_owned()]);
            let minted = tokens::for_client(&shared.state().keys, &shared.issuer, &scopes, shared.now())?;
            Ok(token_response(minted, None))
        }
        "refresh_token" => refresh(&shared, &form),
        _ => Err(OAuthError::UnsupportedGrantType),
    }
}

fn refresh(shared: &Shared, form: &Form) -> Answer {
    let presented = form.require("refresh_token", "`refresh_token` is missing")?;
    let scopes = form.scopes()?;
    let now = shared.now();
    let mut state = shared.state();
    let (session, refresh_token) = match state.grants.rotate(presented, scopes.as_deref())? {
        Rotation::Rotated { session, refresh_token } => (session, refresh_token),
        Rotation::Reused => {
            tracing::warn!("a spent refresh token came back; its family is revoked");
            return Err(OAuthError::InvalidGrant(
                "this refresh token was used before, so its whole family is revoked now",
            ));
        }
        Rotation::Revoked => return Err(OAuthError::InvalidGrant("this refresh token's family is revoked")),
        Rotation::Unknown => return Err(OAuthError::InvalidGrant("this refresh token was not issued here")),
        Rotation::ScopeTooWide => {
            return Err(OAuthError::InvalidScope("more is asked for than was granted"));
        }
    };
    let scopes = scopes.as_deref().unwrap_or(&session.scopes);
    let minted = tokens::for_session(&state.keys, &shared.issuer, &session, scopes, now)?;
    Ok(token_response(minted, Some(refresh_token)))
}

/// RFC 7009. What was never issued needs no revoking, which is fine.
async fn revoke(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let form = Form::parse(&headers, &body)?;
    shared.client.authenticate(&headers, &form)?;
    let token = form.require("token", "`token` is missing")?;
    // Only JWTs have dots here. Answering 200 would promise what this issuer cannot do.
    if token.contains('.') {
        return Err(OAuthError::UnsupportedTokenType);
    }
    shared.state().grants.revoke(token);
    Ok(StatusCode::OK.into_response())
}

/// Logs anybody in. All parameters may be left out: `subject`, `scope`, `algorithm`.
async fn login(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let form = Form::parse(&headers, &body)?;
    let mut login = Login::default();
    if let Some(subject) = form.get("subject") {
        subject.clone_into(&mut login.subject);
    }
    if let Some(scopes) = form.scopes()? {
        login.scopes = scopes;
    }
    if let Some(name) = form.get("algorithm") {
        login.algorithm = SigningAlgorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or(OAuthError::InvalidRequest("`algorithm` is RS256, ES256 or EdDSA"))?;
    }
    let (minted, refresh_token) = shared.state().log_in(&shared.issuer, login, shared.now())?;
    Ok(token_response(minted, Some(refresh_token)))
}

/// Signs with new keys from now on, and says what is published: `POST /dev/rotate`, or `?withdraw=now`.
async fn rotate(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let withdraw = match query.as_deref() {
        None | Some("") => Withdraw::Later,
        Some("withdraw=now") => Withdraw::Now,
        Some(_) => return Err(OAuthError::InvalidRequest("the only query is `withdraw=now`")),
    };
    let new = Generation::generate_off_thread().await?;
    let mut state = shared.state();
    state.keys.rotate(new, withdraw);
    Ok(Json(state.keys.jwks()).into_response())
}

/// RFC 6749 section 5.1.
fn token_response(minted: Minted, refresh_token: Option<String>) -> Response {
    let Minted { access_token, id_token, scope } = minted;
    let mut body = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": LIFETIME.as_secs(),
        "scope": scope,
    });
    if let Value::Object(members) = &mut body {
        members.extend(refresh_token.map(|token| ("refresh_token".to_owned(), token.into())));
        members.extend(id_token.map(|token| ("id_token".to_owned(), token.into())));
    }
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
