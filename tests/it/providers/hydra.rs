//! Ory Hydra with JWT access tokens.

use countersign::domain::reason::Reason;
use serde_json::json;

use super::{
    kit::{Provider, Shape, access, id, info, refused},
    scalekit::logout,
};
use crate::{support::tokens::Signer, table::mint::NOW};

const ISSUER: &str = "https://hydra.acme.example/";
const API: &str = "https://api.acme.example";

pub(super) fn provider() -> Provider {
    let signer = Signer::rs256();
    let user = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "user-1", "aud": [API], "client_id": "web", "jti": "token-1", "nbf": NOW,
            "scp": ["openid", "orders.read"],
            "ext": {"sid": "session-1", "roles": ["admin"], "permissions": ["orders:read"], "org_id": "org-1"},
        }),
    );
    let machine = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "batch", "aud": [API], "client_id": "batch", "jti": "token-2", "nbf": NOW,
            "scp": ["orders.read"], "ext": {},
        }),
    );
    let id_token = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "user-1", "aud": ["web"], "jti": "id-1", "sid": "session-1", "at_hash": "x",
            "nonce": "n", "auth_time": NOW - 60, "rat": NOW - 61, "amr": ["pwd"],
        }),
    );
    let of_user = || {
        info(&[
            ("issuer", ISSUER),
            ("subject", "user-1"),
            ("principal", "user"),
            ("audiences", API),
            ("scopes", "openid orders.read"),
            ("roles", "admin"),
            ("permissions", "orders:read"),
            ("client_id", "web"),
            ("session_id", "session-1"),
            ("token_id", "token-1"),
            ("organization_id", "org-1"),
        ])
    };
    let mirrored = json!({
        "sid": "session-1", "roles": ["admin"], "permissions": ["orders:read"], "org_id": "org-1",
    });
    let rows = vec![
        access("user", user.token(), of_user()),
        access("user, claims at the top level", user.clone().with(mirrored).token(), of_user()),
        access(
            "user, scope_claim: string",
            user.clone().with(json!({"scp": null, "scope": "openid orders.read"})).token(),
            of_user(),
        ),
        access(
            "user, scope_claim: both",
            user.clone().with(json!({"scope": "openid orders.read"})).token(),
            of_user(),
        ),
        access(
            "machine",
            machine.token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "batch"),
                ("principal", "client"),
                ("audiences", API),
                ("scopes", "orders.read"),
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
                ("session_id", "session-1"),
                ("token_id", "id-1"),
            ]),
        ),
        refused("no audience asked for", machine.with(json!({"aud": []})).token(), Reason::AudienceMismatch),
        refused(
            "another API",
            user.clone().with(json!({"aud": ["other"]})).token(),
            Reason::AudienceMismatch,
        ),
        refused("no client", user.clone().with(json!({"client_id": null})).token(), Reason::WrongKind),
        refused(
            "ID token with a client",
            id_token.clone().with(json!({"client_id": "web"})).token(),
            Reason::WrongKind,
        ),
        refused("logout token", logout(&id_token).token(), Reason::WrongKind),
        refused(
            "issuer without the slash",
            user.with(json!({"iss": "https://hydra.acme.example"})).token(),
            Reason::UnknownIssuer,
        ),
        refused("opaque", "ory_at_abc.def".to_owned(), Reason::Malformed),
    ];
    Provider {
        profile: "hydra",
        configuration: format!(
            "issuers: [{{profile: hydra, issuer: '{ISSUER}', audiences: ['{API}', web], jwks_file: jwks.json}}]"
        ),
        keys: vec![signer.jwk()],
        rows,
    }
}
