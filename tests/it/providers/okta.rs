//! Okta: a custom authorization server's tokens, and why those of the org do not pass.

use countersign::domain::reason::Reason;
use serde_json::json;

use super::{
    kit::{Provider, Shape, access, id, info, refused},
    scalekit::logout,
};
use crate::support::tokens::Signer;

const ISSUER: &str = "https://acme.okta.com/oauth2/default";

pub(super) fn provider() -> Provider {
    let signer = Signer::rs256();
    let user = Shape::new(
        &signer,
        None,
        json!({
            "ver": 1, "jti": "AT.1", "iss": ISSUER, "aud": "api://default", "sub": "a@acme.example", "cid": "0oa1",
            "uid": "00u1", "scp": ["openid", "orders.read"], "auth_time": 1_795_170_000, "groups": ["Everyone", "admins"],
        }),
    );
    let machine = Shape::new(
        &signer,
        None,
        json!({
            "ver": 1, "jti": "AT.2", "iss": ISSUER, "aud": "api://default", "sub": "0oa2", "cid": "0oa2",
            "scp": ["orders.read"],
        }),
    );
    let id_token = Shape::new(
        &signer,
        None,
        json!({
            "ver": 1, "jti": "ID.1", "iss": ISSUER, "aud": "0oa1", "sub": "00u1", "amr": ["pwd"], "idp": "00o1",
            "auth_time": 1_795_170_000, "at_hash": "x", "preferred_username": "a@acme.example", "groups": ["admins"],
        }),
    );
    let of_user = |roles| {
        info(&[
            ("issuer", ISSUER),
            ("subject", "a@acme.example"),
            ("principal", "user"),
            ("audiences", "api://default"),
            ("scopes", "openid orders.read"),
            ("roles", roles),
            ("client_id", "0oa1"),
            ("token_id", "AT.1"),
        ])
    };
    let rows = vec![
        access("user", user.token(), of_user("Everyone admins")),
        access(
            "user with a claim for roles",
            user.clone().with(json!({"roles": ["payer"]})).token(),
            of_user("payer"),
        ),
        access(
            "machine",
            machine.token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "0oa2"),
                ("principal", "client"),
                ("audiences", "api://default"),
                ("scopes", "orders.read"),
                ("client_id", "0oa2"),
                ("token_id", "AT.2"),
            ]),
        ),
        id(
            "ID token",
            id_token.token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "00u1"),
                ("principal", "user"),
                ("audiences", "0oa1"),
                ("roles", "admins"),
                ("token_id", "ID.1"),
            ]),
        ),
        refused(
            "the org's own issuer",
            user.clone()
                .with(json!({"iss": "https://acme.okta.com", "aud": "https://acme.okta.com"}))
                .token(),
            Reason::UnknownIssuer,
        ),
        refused(
            "the org's own type",
            user.clone().typed("application/okta-internal-at+jwt").token(),
            Reason::WrongKind,
        ),
        refused(
            "another authorization server",
            user.clone().with(json!({"iss": "https://acme.okta.com/oauth2/aus1"})).token(),
            Reason::UnknownIssuer,
        ),
        refused(
            "another API",
            user.clone().with(json!({"aud": "api://other"})).token(),
            Reason::AudienceMismatch,
        ),
        refused("no scopes", user.clone().with(json!({"scp": null})).token(), Reason::WrongKind),
        refused("no client", user.clone().with(json!({"cid": null})).token(), Reason::WrongKind),
        refused("scopes that are no strings", user.with(json!({"scp": [1]})).token(), Reason::ClaimInvalid),
        refused("logout token", logout(&id_token).token(), Reason::WrongKind),
    ];
    Provider {
        profile: "okta",
        configuration: format!(
            "issuers: [{{profile: okta, issuer: '{ISSUER}', audiences: ['api://default', 0oa1], jwks_file: jwks.json}}]"
        ),
        keys: vec![signer.jwk()],
        rows,
    }
}
