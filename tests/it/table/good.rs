//! Tokens that must pass.

use countersign::domain::{decide::Scheme, kind::TokenKind};
use serde_json::json;

use super::{
    Expected, Row,
    mint::{AUDIENCE, Asked, ISSUER, Mint, NOW, World},
};
use crate::support::tokens::other_s;

fn good(name: &'static str, mint: &Mint<'_>) -> Row {
    with(name, mint, Asked::default())
}

fn with(name: &'static str, mint: &Mint<'_>, asked: Asked) -> Row {
    Row { name, token: mint.make(), asked, expected: Expected::Good }
}

pub(crate) fn rows(world: &World) -> Vec<Row> {
    let mut rows = Vec::new();
    for signer in &world.signers {
        let name: &'static str = Box::leak(format!("good {}", signer.algorithm()).into_boxed_str());
        rows.push(good(name, &world.signed_by(signer)));
    }
    for alg in ["HS256", "HS384", "HS512"] {
        let name: &'static str = Box::leak(format!("good {alg}").into_boxed_str());
        rows.push(good(name, &world.shared(alg)));
    }
    let token = || world.token();
    rows.extend([
        good("an access token of a pool, bound to its client", &world.pool()),
        good("a token of a pool with an aud, ours", &world.pool().claim("aud", json!(["x", "m2m-1"]))),
        good(
            "a machine of a pool",
            &world.pool().claim("client_id", json!("m2m-1")).claim("sub", json!("m2m-1")),
        ),
        good("several keys without alg, no kid, signed by the first", &world.pool().no_header("kid")),
        good("a key without alg, PS256", &{
            let mut mint = world.pool();
            mint.signer = world.signer("PS256");
            mint.header("alg", json!("PS256"))
        }),
        good("the payload says Bearer, as Keycloak does", &token().claim("typ", json!("Bearer"))),
        good("sid null is none", &token().claim("sid", json!(null))),
        good(
            "client_id null, azp speaks",
            &token().claim("client_id", json!(null)).claim("azp", json!("web")),
        ),
        good("expired half a second within leeway", &token().claim("exp", json!(1_795_175_940.5))),
        Row {
            name: "an ECDSA signature in its high-S form",
            token: other_s(&world.signed_by(world.signer("ES256")).make()),
            asked: Asked::default(),
            expected: Expected::Good,
        },
        good(
            "Ed25519, the fully specified name",
            &world.signed_by(world.signer("EdDSA")).header("alg", json!("Ed25519")),
        ),
        good("typ with application/", &token().header("typ", json!("application/at+jwt"))),
        good("typ in capitals", &token().header("typ", json!("AT+JWT"))),
        good(
            "no kid: the only key of that algorithm",
            &world.signed_by(world.signer("ES256")).no_header("kid"),
        ),
        good("no kid, several RSA keys", &token().no_header("kid")),
        good("a shared secret ignores kid", &world.shared("HS256").header("kid", json!("whatever"))),
        good("unknown header parameters are ignored", &token().header("x-custom", json!({"a": 1}))),
        good(
            "jku, jwk, x5u and x5c are never read",
            &token()
                .header("jku", json!("https://evil.example/jwks"))
                .header("jwk", json!({"kty": "oct", "k": "AA"}))
                .header("x5u", json!("https://evil.example/x5u"))
                .header("x5c", json!(["AA"])),
        ),
        good("aud as an array", &token().claim("aud", json!(["https://other.test", AUDIENCE]))),
        good("the other configured audience", &token().claim("aud", json!("web"))),
        good(
            "fractional times",
            &token().claim("exp", json!(1_795_176_300.5)).claim("iat", json!(1_795_175_999.75)),
        ),
        Row {
            name: "times in exponent notation",
            token: token().raw(
                &token().header_text(),
                &token()
                    .claims_text()
                    .replace(&format!("\"exp\":{}", NOW + 300), &format!("\"exp\":{}e0", NOW + 300)),
            ),
            asked: Asked::default(),
            expected: Expected::Good,
        },
        good("expired, within leeway", &token().claim("exp", json!(NOW - 59))),
        good("nbf ahead, within leeway", &token().claim("nbf", json!(NOW + 60))),
        good("iat ahead, within leeway", &token().claim("iat", json!(NOW + 60))),
        good("no iat and no nbf", &token().no_claim("iat")),
        good("exactly the longest life", &token().claim("iat", json!(NOW)).claim("exp", json!(NOW + 86_400))),
        good("no jti", &token().no_claim("jti")),
        good("a subject with semicolon and at", &token().claim("sub", json!("conn_1;a@b.test"))),
        good("scopes as an array", &token().no_claim("scope").claim("scp", json!(["a", "b"]))),
        good("a claim of one's own, nested", &token().claim("x", json!({"y": [1, {"z": null}]}))),
        good("unicode and escapes", &token().claim("name", json!("J\u{f6}rg \u{1f600} \"q\" \\"))),
        good("Scalekit access token", &world.scalekit()),
        good("Scalekit access token of modular SSO", &world.scalekit().no_claim("sid").no_claim("oid")),
        with(
            "scopes, roles and permissions as asked",
            &token(),
            Asked {
                scopes: vec!["orders:read".into(), "orders:write".into()],
                roles: vec!["admin".into()],
                permissions: vec!["invoices:pay".into()],
                ..Asked::default()
            },
        ),
        with("issuer as pinned", &token(), Asked { issuer: ISSUER.into(), ..Asked::default() }),
        with(
            "audience as narrowed",
            &token(),
            Asked { audiences: vec![AUDIENCE.into()], ..Asked::default() },
        ),
        with(
            "an ID token, asked for as one",
            &id_token(world),
            Asked { kind: TokenKind::Id, ..Asked::default() },
        ),
        with(
            "bound to the certificate that was shown",
            &bound(world),
            Asked { certificate: Some([7; 32]), scheme: Scheme::Bearer, ..Asked::default() },
        ),
        with(
            "younger than max_token_age",
            &world.shared("HS256").claim("iat", json!(NOW - 3599)),
            Asked::default(),
        ),
    ]);
    rows
}

pub(crate) fn id_token(world: &World) -> Mint<'_> {
    world
        .token()
        .header("typ", json!("JWT"))
        .no_claim("client_id")
        .no_claim("scope")
        .claim("auth_time", json!(NOW))
}

/// `cnf` with the base64url of 32 bytes of seven.
pub(crate) fn bound(world: &World) -> Mint<'_> {
    world.token().claim("cnf", json!({"x5t#S256": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}))
}
