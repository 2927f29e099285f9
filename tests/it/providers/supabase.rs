//! Supabase: signing keys in one project, the legacy secret in another.

use countersign::domain::reason::Reason;
use serde_json::json;

use super::kit::{Provider, SECRET, Shape, access, id, info, refused};
use crate::{support::tokens::Signer, table::mint::NOW};

const ISSUER: &str = "https://abcdefghijkl.supabase.co/auth/v1";
const LEGACY: &str = "https://legacylegacy.supabase.co/auth/v1";

pub(super) fn provider() -> Provider {
    let signer = Signer::es256();
    let secret = Signer::shared("HS256", SECRET.as_bytes());
    let user = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "user-1", "aud": "authenticated", "role": "authenticated", "aal": "aal1",
            "session_id": "session-1", "email": "a@acme.example", "phone": "", "is_anonymous": false,
            "amr": [{"method": "password", "timestamp": NOW}], "app_metadata": {"provider": "email", "roles": ["admin"]},
            "user_metadata": {"roles": ["owner"]},
        }),
    );
    let legacy = user.clone().with(json!({"iss": LEGACY})).signed_by(&secret);
    // To a client of the OAuth server.
    let delegated = user.clone().with(json!({"client_id": "client-1", "scope": "openid email"}));
    let id_token = Shape::new(
        &signer,
        Some("JWT"),
        json!({
            "iss": ISSUER, "sub": "user-1", "aud": "client-1", "client_id": "client-1", "auth_time": NOW - 60, "nonce": "n",
            "email": "a@acme.example", "email_verified": true, "phone_number_verified": false,
        }),
    );
    // From the dashboard: an API key in the form of a token, which lives ten years.
    let api_key = Shape::new(
        &secret,
        Some("JWT"),
        json!({"iss": "supabase", "ref": "abcdefghijkl", "role": "service_role"}),
    )
    .with(json!({"exp": NOW + 10 * 365 * 24 * 3600}));
    let of_user = |issuer, rest: &[(&'static str, &'static str)]| {
        let mut fields = vec![
            ("issuer", issuer),
            ("subject", "user-1"),
            ("principal", "user"),
            ("audiences", "authenticated"),
            ("roles", "authenticated"),
            ("session_id", "session-1"),
        ];
        fields.extend_from_slice(rest);
        info(&fields)
    };
    let delegation = [("client_id", "client-1"), ("scopes", "openid email")];
    let rows = vec![
        access("user", user.token(), of_user(ISSUER, &[])),
        access("user, RS256", user.clone().signed_by(&Signer::rs256()).token(), of_user(ISSUER, &[])),
        access("user, legacy secret", legacy.token(), of_user(LEGACY, &[])),
        access(
            "anonymous user",
            user.clone().with(json!({"is_anonymous": true})).token(),
            of_user(ISSUER, &[]),
        ),
        access("user through a client", delegated.token(), of_user(ISSUER, &delegation)),
        id(
            "ID token",
            id_token.token(),
            info(&[
                ("issuer", ISSUER),
                ("subject", "user-1"),
                ("principal", "user"),
                ("audiences", "client-1"),
                ("client_id", "client-1"),
            ]),
        ),
        refused("API key", api_key.token(), Reason::UnknownIssuer),
        refused("API key of our issuer", api_key.with(json!({"iss": LEGACY})).token(), Reason::WrongKind),
        refused(
            "legacy secret, where there are keys",
            user.clone().signed_by(&secret).token(),
            Reason::AlgorithmNotAllowed,
        ),
        refused(
            "key, where there is a secret",
            legacy.clone().signed_by(&signer).token(),
            Reason::AlgorithmNotAllowed,
        ),
        refused(
            "another secret",
            legacy.signed_by(&Signer::shared("HS256", b"another secret that has 32 bytes")).token(),
            Reason::BadSignature,
        ),
        refused(
            "another project",
            user.clone().with(json!({"iss": "https://other.supabase.co/auth/v1"})).token(),
            Reason::UnknownIssuer,
        ),
        refused(
            "issuer with a slash",
            user.clone().with(json!({"iss": format!("{ISSUER}/")})).token(),
            Reason::UnknownIssuer,
        ),
        refused("no session", user.clone().with(json!({"session_id": null})).token(), Reason::WrongKind),
        refused("no role", user.clone().with(json!({"role": null})).token(), Reason::WrongKind),
        refused("another audience", user.with(json!({"aud": "anon"})).token(), Reason::AudienceMismatch),
    ];
    Provider {
        profile: "supabase",
        configuration: format!(
            "issuers:\n  - {{name: keys, profile: supabase, issuer: '{ISSUER}', audiences: [authenticated, client-1], \
             jwks_file: jwks.json}}\n  - {{name: secret, profile: supabase, issuer: '{LEGACY}', audiences: \
             [authenticated], secret: {{env: LEGACY_SECRET}}}}\n"
        ),
        keys: vec![signer.jwk(), Signer::rs256().jwk()],
        rows,
    }
}
