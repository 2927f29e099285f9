//! Auth0: both token profiles, RBAC, and an issuer that ends in a slash.

use countersign::domain::reason::Reason;
use serde_json::json;

use super::{
    kit::{Provider, Shape, access, id, info, refused},
    scalekit::logout,
};
use crate::support::tokens::Signer;

const ISSUER: &str = "https://acme.eu.auth0.com/";
const API: &str = "https://api.acme.example";
const USERINFO: &str = "https://acme.eu.auth0.com/userinfo";

pub(super) fn provider() -> Provider {
    let signer = Signer::rs256();
    let user = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "auth0|123456", "aud": [API, USERINFO], "azp": "web", "scope": "openid read:orders",
            "permissions": ["orders:read"], "org_id": "org_1", "https://acme.example/roles": ["admin"],
        }),
    );
    let rfc9068 =
        user.clone().typed("at+jwt").with(json!({"azp": null, "client_id": "web", "jti": "token-1"}));
    let machine = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "batch@clients", "aud": API, "azp": "batch", "gty": "client-credentials",
            "scope": "read:orders", "permissions": ["read:orders"],
        }),
    );
    let id_token = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "auth0|123456", "aud": "web", "sid": "session-1", "nonce": "n", "org_id": "org_1",
            "nickname": "a", "email": "a@acme.example", "email_verified": true,
        }),
    );
    let of_user = |client_and_token: &[(&'static str, &'static str)]| {
        let mut fields = vec![
            ("issuer", ISSUER),
            ("subject", "auth0|123456"),
            ("principal", "user"),
            ("audiences", "https://api.acme.example https://acme.eu.auth0.com/userinfo"),
            ("scopes", "openid read:orders"),
            ("roles", "admin"),
            ("permissions", "orders:read"),
            ("client_id", "web"),
            ("organization_id", "org_1"),
        ];
        fields.extend_from_slice(client_and_token);
        info(&fields)
    };
    let of_machine = || {
        info(&[
            ("issuer", ISSUER),
            ("subject", "batch@clients"),
            ("principal", "client"),
            ("audiences", API),
            ("scopes", "read:orders"),
            ("permissions", "read:orders"),
            ("client_id", "batch"),
        ])
    };
    let rows = vec![
        access("user, Auth0's token profile", user.token(), of_user(&[])),
        access("user, RFC 9068 token profile", rfc9068.token(), of_user(&[("token_id", "token-1")])),
        access("machine", machine.token(), of_machine()),
        access("machine, without gty", machine.clone().with(json!({"gty": null})).token(), of_machine()),
        access("machine, PS256", machine.clone().signed_by(&Signer::ps256()).token(), of_machine()),
        id(
            "ID token",
            id_token.token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "auth0|123456"),
                ("principal", "user"),
                ("audiences", "web"),
                ("session_id", "session-1"),
                ("organization_id", "org_1"),
            ]),
        ),
        refused(
            "issuer without the slash",
            user.clone().with(json!({"iss": "https://acme.eu.auth0.com"})).token(),
            Reason::UnknownIssuer,
        ),
        refused(
            "userinfo alone",
            user.clone().with(json!({"aud": USERINFO})).token(),
            Reason::AudienceMismatch,
        ),
        refused(
            "another API",
            machine.clone().with(json!({"aud": "https://api.acme.example/v2"})).token(),
            Reason::AudienceMismatch,
        ),
        refused(
            "neither azp nor client_id",
            user.clone().with(json!({"azp": null})).token(),
            Reason::WrongKind,
        ),
        refused(
            "ID token that names its client",
            id_token.clone().with(json!({"azp": "web"})).token(),
            Reason::WrongKind,
        ),
        refused("logout token", logout(&id_token).token(), Reason::WrongKind),
        refused("HS256", user.clone().signed_by(&Signer::hs256()).token(), Reason::AlgorithmNotAllowed),
        refused(
            "permissions of the wrong type",
            user.with(json!({"permissions": {"orders": "read"}})).token(),
            Reason::ClaimInvalid,
        ),
        // What a client that asks for no audience gets: encrypted for Auth0, with five parts.
        refused("JWE", "e30.a.b.c.d".to_owned(), Reason::Malformed),
    ];
    Provider {
        profile: "auth0",
        configuration: format!(
            "issuers: [{{profile: auth0, issuer: '{ISSUER}', audiences: ['{API}', web], jwks_file: jwks.json, claims: \
             {{roles: ['https://acme.example/roles']}}}}]"
        ),
        keys: vec![signer.jwk(), Signer::ps256().jwk()],
        rows,
    }
}
