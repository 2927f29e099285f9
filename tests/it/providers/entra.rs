//! Microsoft Entra ID: two versions of one tenant's tokens, from the key set that all tenants share.

use countersign::domain::reason::Reason;
use serde_json::{Value, json};

use super::kit::{Expected, Provider, Row, Shape, access, id, info, refused};
use crate::{support::tokens::Signer, table::mint::NOW};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const V2: &str = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0";
const V1: &str = "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/";
const OTHER_TENANT: &str = "11111111-2222-3333-4444-555555555555";
const API: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";
const API_URI: &str = "api://6e74172b-be56-4843-9ff4-e66a39bb12e3";
const WEB: &str = "00000003-aaaa-bbbb-cccc-000000000001";
const BATCH: &str = "00000003-aaaa-bbbb-cccc-000000000002";
/// Tokens are dated five minutes back.
const BEGIN: i64 = NOW - 300;

pub(super) fn provider() -> Provider {
    // As the common endpoint publishes them: some keys sign for every tenant, some for one.
    let (all, all_v1) = (Signer::rs256().named("all"), Signer::rs256().named("all-v1"));
    let other = Signer::fresh("RS256").named("other");
    let mut keys = [all.jwk(), all_v1.jwk(), other.jwk()];
    for (key, issuer) in keys.iter_mut().zip([
        "https://login.microsoftonline.com/{tenantid}/v2.0".to_owned(),
        "https://sts.windows.net/{tenantid}/".to_owned(),
        format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"),
    ]) {
        key["issuer"] = json!(issuer);
    }
    let mut rows = good(&all, &all_v1);
    rows.extend(bad(&all, &all_v1, &other));
    let shared = "profile: entra, jwks_file: jwks.json";
    Provider {
        profile: "entra",
        configuration: format!(
            "issuers:\n  - {{name: v2, {shared}, issuer: '{V2}', audiences: [{API}, {WEB}]}}\n  - {{name: v1, {shared}, \
             issuer: '{V1}', audiences: ['{API_URI}', {WEB}]}}\n"
        ),
        keys: keys.to_vec(),
        rows,
    }
}

/// What both kinds and both versions have.
fn token(signer: &Signer, issuer: &str, claims: Value) -> Shape {
    let base = json!({
        "iss": issuer, "iat": BEGIN, "nbf": BEGIN, "tid": TENANT, "uti": "uti-1", "oid": "object-1", "sub": "pairwise-1",
        "rh": "0.A",
    });
    Shape::new(signer, Some("JWT"), base).with(claims)
}

fn user_v2(signer: &Signer) -> Shape {
    token(
        signer,
        V2,
        json!({
            "aud": API, "azp": WEB, "azpacr": "1", "scp": "orders.read orders.write", "roles": ["Admin"], "ver": "2.0",
            "name": "Alice", "preferred_username": "a@acme.example",
        }),
    )
}

fn user_v1(signer: &Signer) -> Shape {
    token(
        signer,
        V1,
        json!({
            "aud": API_URI, "appid": WEB, "appidacr": "1", "scp": "user_impersonation", "ver": "1.0", "amr": ["pwd"],
            "unique_name": "a@acme.example", "ipaddr": "10.0.0.1",
        }),
    )
}

/// Its subject is the service principal.
fn machine_v2(signer: &Signer) -> Shape {
    token(
        signer,
        V2,
        json!({
            "aud": API, "azp": BATCH, "azpacr": "1", "oid": "principal-1", "sub": "principal-1", "roles": ["Orders.Read"],
            "ver": "2.0",
        }),
    )
}

fn id_v2(signer: &Signer) -> Shape {
    token(
        signer,
        V2,
        json!({
            "aud": WEB, "ver": "2.0", "nonce": "n", "name": "Alice", "preferred_username": "a@acme.example",
            "roles": ["Admin"], "sid": "session-1",
        }),
    )
}

fn good(all: &Signer, all_v1: &Signer) -> Vec<Row> {
    let both = |issuer, fields: &[(&'static str, &'static str)]| -> Expected {
        let mut all_fields = vec![("issuer", issuer), ("token_id", "uti-1"), ("organization_id", TENANT)];
        all_fields.extend_from_slice(fields);
        info(&all_fields)
    };
    let of_user = |session: &'static str| {
        let fields = [
            ("subject", "pairwise-1"),
            ("principal", "user"),
            ("audiences", API),
            ("scopes", "orders.read orders.write"),
            ("roles", "Admin"),
            ("client_id", WEB),
            ("session_id", session),
        ];
        both(V2, &fields)
    };
    let of_machine = || {
        let fields = [
            ("subject", "principal-1"),
            ("principal", "client"),
            ("audiences", API),
            ("roles", "Orders.Read"),
            ("client_id", BATCH),
        ];
        both(V2, &fields)
    };
    let with_idtyp = machine_v2(all).with(json!({"idtyp": "app"}));
    // Longer than a day, since it begins five minutes early.
    let managed = machine_v2(all).with(json!({"exp": NOW + 24 * 3600}));
    vec![
        access("user, version 2", user_v2(all).token(), of_user("")),
        access(
            "user, with sid",
            user_v2(all).with(json!({"sid": "session-1"})).token(),
            of_user("session-1"),
        ),
        access(
            "user, version 1",
            user_v1(all_v1).token(),
            both(
                V1,
                &[
                    ("subject", "pairwise-1"),
                    ("principal", "user"),
                    ("audiences", API_URI),
                    ("scopes", "user_impersonation"),
                    ("client_id", WEB),
                ],
            ),
        ),
        access("machine, version 2", machine_v2(all).token(), of_machine()),
        access("machine, with idtyp", with_idtyp.token(), of_machine()),
        access(
            "machine, version 1",
            user_v1(all_v1).with(json!({"appid": BATCH, "scp": null, "unique_name": null})).token(),
            both(
                V1,
                &[
                    ("subject", "pairwise-1"),
                    ("principal", "client"),
                    ("audiences", API_URI),
                    ("client_id", BATCH),
                ],
            ),
        ),
        id(
            "ID token, version 2",
            id_v2(all).token(),
            both(
                V2,
                &[
                    ("subject", "pairwise-1"),
                    ("principal", "user"),
                    ("audiences", WEB),
                    ("roles", "Admin"),
                    ("session_id", "session-1"),
                ],
            ),
        ),
        id(
            "ID token, version 1",
            id_v2(all_v1).with(json!({"iss": V1, "ver": "1.0", "roles": null, "sid": null})).token(),
            both(V1, &[("subject", "pairwise-1"), ("principal", "user"), ("audiences", WEB)]),
        ),
        access("managed identity, which lives a day", managed.token(), of_machine()),
    ]
}

fn bad(all: &Signer, all_v1: &Signer, other: &Signer) -> Vec<Row> {
    let tenant = |issuer: &str| issuer.replace(TENANT, OTHER_TENANT);
    vec![
        refused(
            "another tenant",
            user_v2(all).with(json!({"iss": tenant(V2), "tid": OTHER_TENANT})).token(),
            Reason::UnknownIssuer,
        ),
        refused("another tenant's key", user_v2(other).token(), Reason::UnknownKey),
        refused("the other version's key", user_v2(all_v1).token(), Reason::UnknownKey),
        refused(
            "common",
            user_v2(all).with(json!({"iss": V2.replace(TENANT, "common")})).token(),
            Reason::UnknownIssuer,
        ),
        refused(
            "a template",
            user_v2(all).with(json!({"iss": V2.replace(TENANT, "{tenantid}")})).token(),
            Reason::UnknownIssuer,
        ),
        refused(
            "version 1 without the slash",
            user_v1(all_v1).with(json!({"iss": V1.trim_end_matches('/')})).token(),
            Reason::UnknownIssuer,
        ),
        refused(
            "the App ID URI in version 2",
            user_v2(all).with(json!({"aud": API_URI})).token(),
            Reason::AudienceMismatch,
        ),
        refused(
            "the application id in version 1",
            user_v1(all_v1).with(json!({"aud": API})).token(),
            Reason::AudienceMismatch,
        ),
        refused(
            "Microsoft Graph",
            user_v1(all_v1).with(json!({"aud": "https://graph.microsoft.com"})).token(),
            Reason::AudienceMismatch,
        ),
        refused("no client", user_v2(all).with(json!({"azp": null})).token(), Reason::WrongKind),
        refused("ID token for the API", id_v2(all).with(json!({"aud": API})).token(), Reason::WrongKind),
        refused(
            "ID token with a hash and a client",
            id_v2(all).with(json!({"azp": WEB, "at_hash": "x"})).token(),
            Reason::WrongKind,
        ),
        refused(
            "tenant of the wrong type",
            user_v2(all).with(json!({"tid": 5})).token(),
            Reason::ClaimInvalid,
        ),
        refused("30 hours", user_v2(all).with(json!({"exp": NOW + 30 * 3600})).token(), Reason::ClaimInvalid),
    ]
}
