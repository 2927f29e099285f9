//! Amazon Cognito: `token_use`, no `aud` in access tokens, no `typ` in headers.

use countersign::domain::{kind::TokenKind, reason::Reason};
use serde_json::json;

use super::kit::{Expected, Provider, Row, Shape, access, id, info, refused};
use crate::support::tokens::Signer;

const ISSUER: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI";

pub(super) fn provider() -> Provider {
    // ID tokens and access tokens are signed by different keys of one set.
    let (for_access, for_id) = (Signer::rs256().named("access"), Signer::fresh("RS256").named("id"));
    let user = Shape::new(
        &for_access,
        None,
        json!({
            "iss": ISSUER, "sub": "user-1", "client_id": "web", "origin_jti": "login-1", "event_id": "event-1",
            "token_use": "access", "scope": "openid orders/read", "auth_time": 1_795_170_000, "jti": "token-1",
            "username": "alice", "version": 2, "cognito:groups": ["admins", "payers"],
        }),
    );
    let machine = Shape::new(
        &for_access,
        None,
        json!({
            "iss": ISSUER, "sub": "batch", "client_id": "batch", "token_use": "access", "scope": "orders/read",
            "auth_time": 1_795_170_000, "jti": "token-2", "version": 2,
        }),
    );
    let id_token = Shape::new(
        &for_id,
        None,
        json!({
            "iss": ISSUER, "sub": "user-1", "aud": "web", "origin_jti": "login-1", "event_id": "event-1",
            "token_use": "id", "auth_time": 1_795_170_000, "jti": "id-1", "at_hash": "x", "cognito:groups": ["admins"],
            "cognito:username": "alice", "cognito:roles": ["arn:aws:iam::1:role/x"], "email": "a@acme.example",
        }),
    );
    let of_user = |audiences| {
        info(&[
            ("issuer", ISSUER),
            ("subject", "user-1"),
            ("principal", "user"),
            ("audiences", audiences),
            ("scopes", "openid orders/read"),
            ("roles", "admins payers"),
            ("client_id", "web"),
            ("session_id", "login-1"),
            ("token_id", "token-1"),
        ])
    };
    let rows = vec![
        access("user", user.token(), of_user("")),
        access(
            "user, with resource binding",
            user.clone().with(json!({"aud": "https://api.acme.example"})).token(),
            of_user("https://api.acme.example"),
        ),
        access(
            "machine",
            machine.token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "batch"),
                ("principal", "client"),
                ("scopes", "orders/read"),
                ("client_id", "batch"),
                ("token_id", "token-2"),
            ]),
        ),
        id(
            "ID token",
            id_token.token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "user-1"),
                ("principal", "user"),
                ("audiences", "web"),
                ("roles", "admins"),
                ("client_id", "web"),
                ("session_id", "login-1"),
                ("token_id", "id-1"),
            ]),
        ),
        refused("no client", user.clone().with(json!({"client_id": null})).token(), Reason::WrongKind),
        refused(
            "no client, but an audience",
            user.clone().with(json!({"client_id": null, "aud": "web"})).token(),
            Reason::WrongKind,
        ),
        refused(
            "another app client",
            user.clone().with(json!({"client_id": "other"})).token(),
            Reason::AudienceMismatch,
        ),
        refused(
            "with resource binding to another API",
            user.clone().with(json!({"aud": "https://other.acme.example"})).token(),
            Reason::AudienceMismatch,
        ),
        refused(
            "another app client, our audience",
            user.clone().with(json!({"client_id": "other", "aud": "web"})).token(),
            Reason::AudienceMismatch,
        ),
        refused(
            "ID token with a client",
            id_token.clone().with(json!({"client_id": "web"})).token(),
            Reason::WrongKind,
        ),
        refused("nothing stated", user.clone().with(json!({"token_use": null})).token(), Reason::WrongKind),
        refused("another use", user.clone().with(json!({"token_use": "refresh"})).token(), Reason::WrongKind),
        refused(
            "another pool",
            user.with(json!({"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other"})).token(),
            Reason::UnknownIssuer,
        ),
        Row {
            name: "ID token for another app client",
            token: id_token.with(json!({"aud": "other"})).token(),
            kind: TokenKind::Id,
            expected: Expected::Refused(Reason::AudienceMismatch),
        },
        // JWE, of the user pool alone.
        refused("refresh token", "e30.a.b.c.d".to_owned(), Reason::Malformed),
    ];
    Provider {
        profile: "cognito",
        configuration: format!(
            "issuers: [{{profile: cognito, issuer: '{ISSUER}', audiences: [web, batch, 'https://api.acme.example'], jwks_file: jwks.json}}]"
        ),
        keys: vec![for_access.jwk(), for_id.jwk()],
        rows,
    }
}
