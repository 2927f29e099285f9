//! Keycloak: the payload's `typ` decides, a service account is not a user, and lightweight tokens are too light.

use countersign::domain::reason::Reason;
use serde_json::json;

use super::{
    kit::{Provider, Shape, access, id, info, refused},
    scalekit::logout,
};
use crate::support::tokens::Signer;

const ISSUER: &str = "https://login.acme.example/realms/acme";
const API: &str = "https://api.acme.example";

pub(super) fn provider() -> Provider {
    let signer = Signer::rs256();
    let user = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "jti": "onrtac:1", "typ": "Bearer", "aud": [API, "account"], "sub": "user-1", "azp": "web",
            "sid": "session-1", "acr": "1", "scope": "openid profile", "allowed-origins": ["https://acme.example"],
            "realm_access": {"roles": ["offline_access", "admin"]}, "preferred_username": "alice",
            "resource_access": {"payroll": {"roles": ["payer"]}, "account": {"roles": ["view-profile"]}},
            "organization": ["acme"],
        }),
    );
    let machine = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "jti": "trrtcc:1", "typ": "Bearer", "aud": API, "sub": "account-1", "azp": "batch",
            "client_id": "batch", "clientHost": "10.0.0.1", "clientAddress": "10.0.0.1", "scope": "profile",
            "preferred_username": "service-account-batch", "realm_access": {"roles": ["auditor"]},
        }),
    );
    let id_token = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "jti": "id-1", "typ": "ID", "aud": "web", "sub": "user-1", "azp": "web", "sid": "session-1",
            "at_hash": "x", "nonce": "n", "auth_time": 1_795_170_000, "preferred_username": "alice",
        }),
    );
    // Of the realm alone, signed with a secret of Keycloak's.
    let refresh = user.clone().with(json!({"typ": "Refresh", "aud": ISSUER}));
    let of_user = || {
        info(&[
            ("issuer", ISSUER),
            ("subject", "user-1"),
            ("principal", "user"),
            ("audiences", "https://api.acme.example account"),
            ("scopes", "openid profile"),
            ("roles", "offline_access admin"),
            ("permissions", "payer"),
            ("client_id", "web"),
            ("session_id", "session-1"),
            ("token_id", "onrtac:1"),
        ])
    };
    let of_machine = || {
        info(&[
            ("issuer", ISSUER),
            ("subject", "account-1"),
            ("principal", "client"),
            ("audiences", API),
            ("scopes", "profile"),
            ("roles", "auditor"),
            ("client_id", "batch"),
            ("token_id", "trrtcc:1"),
        ])
    };
    // Only what the mappers add that are marked for lightweight tokens.
    let nothing = json!({
        "aud": null, "sub": null, "realm_access": null, "resource_access": null, "preferred_username": null,
        "allowed-origins": null, "organization": null,
    });
    let lightweight = user.clone().with(nothing);
    let rows = vec![
        access("user", user.token(), of_user()),
        access("user, typed at+jwt", user.clone().typed("at+jwt").token(), of_user()),
        access(
            "user, older name of the session",
            user.clone().with(json!({"sid": null, "session_state": "session-1"})).token(),
            of_user(),
        ),
        access("service account", machine.token(), of_machine()),
        access(
            "service account before version 22",
            machine.clone().with(json!({"client_id": null, "clientId": "batch"})).token(),
            of_machine(),
        ),
        access(
            "lightweight with mappers",
            lightweight.clone().with(json!({"sub": "user-1", "aud": API})).token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "user-1"),
                ("principal", "user"),
                ("audiences", API),
                ("scopes", "openid profile"),
                ("client_id", "web"),
                ("session_id", "session-1"),
                ("token_id", "onrtac:1"),
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
                ("client_id", "web"),
                ("session_id", "session-1"),
                ("token_id", "id-1"),
            ]),
        ),
        refused("lightweight", lightweight.token(), Reason::ClaimInvalid),
        refused(
            "refresh token",
            refresh.clone().signed_by(&Signer::of("HS512")).token(),
            Reason::AlgorithmNotAllowed,
        ),
        refused("refresh token, were it signed so", refresh.token(), Reason::WrongKind),
        refused("offline token", refresh.with(json!({"typ": "Offline"})).token(), Reason::WrongKind),
        refused(
            "ID token for the API",
            id_token.clone().with(json!({"aud": API})).token(),
            Reason::WrongKind,
        ),
        refused("ID token, typed at+jwt", id_token.clone().typed("at+jwt").token(), Reason::WrongKind),
        refused("logout token", logout(&id_token).with(json!({"typ": "Logout"})).token(), Reason::WrongKind),
        refused(
            "login cookie",
            user.clone().with(json!({"typ": "Serialized-ID"})).token(),
            Reason::WrongKind,
        ),
        refused("action token", user.clone().with(json!({"typ": "verify-email"})).token(), Reason::WrongKind),
        refused("nothing stated", user.clone().with(json!({"typ": null})).token(), Reason::WrongKind),
        refused(
            "for account only",
            user.clone().with(json!({"aud": "account"})).token(),
            Reason::AudienceMismatch,
        ),
        refused(
            "another realm",
            user.with(json!({"iss": ISSUER.replace("acme.example/realms/acme", "acme.example/realms/x")}))
                .token(),
            Reason::UnknownIssuer,
        ),
    ];
    Provider {
        profile: "keycloak",
        configuration: format!(
            "issuers: [{{profile: keycloak, issuer: '{ISSUER}', audiences: ['{API}', web], jwks_file: jwks.json, claims: \
             {{permissions: [/resource_access/payroll/roles]}}}}]"
        ),
        keys: vec![signer.jwk()],
        rows,
    }
}
