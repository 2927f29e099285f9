//! Scalekit: users', machines' and ID tokens, all typed `JWT`.

use countersign::domain::reason::Reason;
use serde_json::json;

use super::kit::{Provider, Shape, access, id, info, refused};
use crate::{support::tokens::Signer, table::mint::NOW};

const ISSUER: &str = "https://acme.scalekit.dev";
const API: &str = "https://api.acme.example";

pub(super) fn provider() -> Provider {
    let signer = Signer::rs256().named("snk_1");
    let user = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "usr_1", "aud": ["skc_1"], "client_id": "skc_1", "nbf": NOW,
            "jti": "tkn_1", "sid": "ses_1", "oid": "org_1", "roles": ["admin"], "permissions": ["invoices:pay"],
            "scope": "openid profile", "xoid": "ext_1",
        }),
    );
    let machine = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "m2morg_1", "client_id": "m2morg_1", "aud": [API], "nbf": NOW,
            "jti": "tkn_2", "oid": "org_1", "scopes": ["invoices:read", "invoices:pay"],
        }),
    );
    let id_token = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "usr_1", "aud": ["skc_1"], "client_id": "skc_1", "azp": "skc_1", "sid": "ses_1",
            "oid": "org_1", "at_hash": "x", "c_hash": "y", "amr": ["conn_1"], "email": "a@acme.example",
        }),
    );
    let rows = vec![
        access(
            "user",
            user.token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "usr_1"),
                ("principal", "user"),
                ("audiences", "skc_1"),
                ("scopes", "openid profile"),
                ("roles", "admin"),
                ("permissions", "invoices:pay"),
                ("client_id", "skc_1"),
                ("session_id", "ses_1"),
                ("token_id", "tkn_1"),
                ("organization_id", "org_1"),
            ]),
        ),
        access(
            "user of modular SSO",
            user.clone()
                .with(json!({"sub": "conn_1;a@acme.example", "sid": null, "oid": null, "scope": null}))
                .token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "conn_1;a@acme.example"),
                ("principal", "user"),
                ("audiences", "skc_1"),
                ("roles", "admin"),
                ("permissions", "invoices:pay"),
                ("client_id", "skc_1"),
                ("token_id", "tkn_1"),
            ]),
        ),
        access(
            "machine with a registered audience",
            machine.token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "m2morg_1"),
                ("principal", "client"),
                ("audiences", API),
                ("scopes", "invoices:read invoices:pay"),
                ("client_id", "m2morg_1"),
                ("token_id", "tkn_2"),
                ("organization_id", "org_1"),
            ]),
        ),
        id(
            "ID token",
            id_token.token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "usr_1"),
                ("principal", "user"),
                ("audiences", "skc_1"),
                ("client_id", "skc_1"),
                ("session_id", "ses_1"),
                ("organization_id", "org_1"),
            ]),
        ),
        refused(
            "machine without an audience",
            machine.clone().with(json!({"aud": null})).token(),
            Reason::AudienceMismatch,
        ),
        refused(
            "another application",
            user.clone().with(json!({"aud": ["skc_12"]})).token(),
            Reason::AudienceMismatch,
        ),
        refused(
            "issuer with a slash",
            user.clone().with(json!({"iss": format!("{ISSUER}/")})).token(),
            Reason::UnknownIssuer,
        ),
        refused(
            "ID token with a jti",
            id_token.clone().with(json!({"jti": "tkn_3"})).token(),
            Reason::WrongKind,
        ),
        refused(
            "access token without a client",
            user.clone().with(json!({"client_id": null})).token(),
            Reason::WrongKind,
        ),
        refused("logout token", logout(&id_token).token(), Reason::WrongKind),
        refused("logout token by its type", user.clone().typed("logout+jwt").token(), Reason::WrongKind),
        refused(
            "elliptic curve",
            user.clone().signed_by(&Signer::es256()).token(),
            Reason::AlgorithmNotAllowed,
        ),
    ];
    Provider {
        profile: "scalekit",
        configuration: format!(
            "issuers: [{{profile: scalekit, issuer: '{ISSUER}', audiences: [skc_1, '{API}'], jwks_file: jwks.json}}]"
        ),
        keys: vec![signer.jwk()],
        rows,
    }
}

/// OpenID Connect Back-Channel Logout 1.0 section 2.4, without the recommended type.
pub(super) fn logout(id_token: &Shape) -> Shape {
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    id_token.clone().with(json!({"jti": "logout-1", "events": event, "nonce": null}))
}
