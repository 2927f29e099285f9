//! Times, types and kinds.

use countersign::domain::reason::Reason::{
    BindingMismatch, ClaimInvalid, Expired, Malformed, NotYetValid, UnknownIssuer, WrongKind,
};
use serde_json::json;

use super::{Row, World, asked, bad};
use crate::table::{
    good::{bound, id_token},
    mint::{Asked, NOW},
};
use countersign::domain::{decide::Scheme, kind::TokenKind};

pub(super) fn rows(world: &World) -> Vec<Row> {
    let token = || world.token();
    let mut rows = vec![
        bad("no exp", ClaimInvalid, &token().no_claim("exp")),
        bad("exp is a string", ClaimInvalid, &token().claim("exp", json!((NOW + 300).to_string()))),
        bad("exp is null", ClaimInvalid, &token().claim("exp", json!(null))),
        bad("exp is negative", ClaimInvalid, &token().claim("exp", json!(-1))),
        bad("exp is beyond all years", ClaimInvalid, &token().claim("exp", json!(1e300))),
        bad("exp is u64::MAX", ClaimInvalid, &token().claim("exp", json!(u64::MAX))),
        bad("expired exactly at exp plus leeway", Expired, &token().claim("exp", json!(NOW - 60))),
        bad("expired long ago", Expired, &token().claim("exp", json!(1)).claim("iat", json!(0))),
        bad("no leeway where none is configured", Expired, &world.shared("HS256").claim("exp", json!(NOW))),
        bad("nbf ahead", NotYetValid, &token().claim("nbf", json!(NOW + 61))),
        bad("nbf is a string", ClaimInvalid, &token().claim("nbf", json!("0"))),
        bad("iat ahead", NotYetValid, &token().claim("iat", json!(NOW + 61))),
        bad("iat is a string", ClaimInvalid, &token().claim("iat", json!("0"))),
        bad("iat is an object", ClaimInvalid, &token().claim("iat", json!({}))),
        bad(
            "lives a second too long",
            ClaimInvalid,
            &token().claim("iat", json!(NOW)).claim("exp", json!(NOW + 86_401)),
        ),
        bad(
            "lives too long, without iat",
            ClaimInvalid,
            &token().no_claim("iat").claim("exp", json!(NOW + 86_401)),
        ),
        bad("older than max_token_age", Expired, &world.shared("HS256").claim("iat", json!(NOW - 3600))),
        bad("of unknown age", ClaimInvalid, &world.shared("HS256").no_claim("iat")),
        bad("no sub", ClaimInvalid, &token().no_claim("sub")),
        bad("sub is empty", ClaimInvalid, &token().claim("sub", json!(""))),
        bad("sub is a number", ClaimInvalid, &token().claim("sub", json!(42))),
        bad("jti is a number", ClaimInvalid, &token().claim("jti", json!(42))),
        bad("sid is an array", ClaimInvalid, &token().claim("sid", json!(["a"]))),
        bad("client_id is a boolean", ClaimInvalid, &token().claim("client_id", json!(true))),
        bad("scope is a number", ClaimInvalid, &token().claim("scope", json!(1))),
        bad("scope holds a number", ClaimInvalid, &token().claim("scope", json!(["a", 1]))),
        bad("roles is an object", ClaimInvalid, &token().claim("roles", json!({"admin": true}))),
        bad("permissions holds null", ClaimInvalid, &token().claim("permissions", json!([null]))),
        bad("an ID token as an access token", WrongKind, &id_token(world)),
        bad("an untyped token as an access token", WrongKind, &token().no_header("typ")),
        bad("typ JWT as an access token", WrongKind, &token().header("typ", json!("JWT"))),
        bad("at+jwt of another main type", WrongKind, &token().header("typ", json!("text/at+jwt"))),
        bad(
            "an expired token of no kind",
            WrongKind,
            &token().no_header("typ").claim("exp", json!(1)).claim("iat", json!(0)),
        ),
        bad(
            "a refresh token that hides behind token_use",
            WrongKind,
            &world.pool().claim("token_use", json!("api")).claim("typ", json!("Refresh")),
        ),
        bad(
            "an ID token that hides behind token_use",
            WrongKind,
            &world.pool().claim("token_use", json!("access")).claim("typ", json!("ID")),
        ),
        bad("typ in the payload is a list", WrongKind, &world.pool().claim("typ", json!(["Refresh"]))),
        bad("token_type says refresh", WrongKind, &world.pool().claim("token_type", json!("refresh"))),
        bad("type says refresh", WrongKind, &world.pool().claim("type", json!("refresh"))),
        bad("events null is still events", WrongKind, &token().claim("events", json!(null))),
        bad("typ is null in the header", Malformed, &token().header("typ", json!(null))),
        bad("aud null", ClaimInvalid, &token().claim("aud", json!(null))),
        bad("aud holds null", ClaimInvalid, &token().claim("aud", json!([null]))),
        bad("nbf null", ClaimInvalid, &token().claim("nbf", json!(null))),
        bad("nbf huge", ClaimInvalid, &token().claim("nbf", json!(1e20))),
        bad("iat negative", ClaimInvalid, &token().claim("iat", json!(-1))),
        bad("iat a millisecond past leeway", NotYetValid, &token().claim("iat", json!(1_795_176_060.002))),
        bad("sub null", ClaimInvalid, &token().claim("sub", json!(null))),
        bad(
            "lives too long since nbf, without iat",
            ClaimInvalid,
            &token().no_claim("iat").claim("nbf", json!(NOW - 86_400)).claim("exp", json!(NOW + 1)),
        ),
        bad("an empty payload", UnknownIssuer, &{
            let mut mint = token();
            mint.claims.clear();
            mint
        }),
        bad(
            "a thumbprint of 31 bytes",
            BindingMismatch,
            &token().claim("cnf", json!({"x5t#S256": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw"})),
        ),
        asked(
            "a certificate-bound token under DPoP",
            BindingMismatch,
            &bound(world),
            Asked { certificate: Some([7; 32]), scheme: Scheme::Dpop, ..Asked::default() },
        ),
        bad(
            "a logout token without typ",
            WrongKind,
            &token().claim("events", json!({"http://schemas.openid.net/event/backchannel-logout": {}})),
        ),
        bad("token_use says id", WrongKind, &token().claim("token_use", json!("id"))),
        bad("the payload says Refresh", WrongKind, &token().claim("typ", json!("Refresh"))),
        bad("the payload says Offline", WrongKind, &token().claim("typ", json!("Offline"))),
        bad("the payload says ID", WrongKind, &token().claim("typ", json!("ID"))),
        bad(
            "a Scalekit ID token",
            WrongKind,
            &world.scalekit().no_claim("jti").claim("azp", json!("skc_123")).claim("at_hash", json!("x")),
        ),
        bad("a Scalekit token with at_hash", WrongKind, &world.scalekit().claim("at_hash", json!("x"))),
        bad("a Scalekit token without client_id", WrongKind, &world.scalekit().no_claim("client_id")),
        bad("a Scalekit token typed at+jwt", WrongKind, &world.scalekit().header("typ", json!("at+jwt"))),
        asked(
            "an access token as an ID token",
            WrongKind,
            &token(),
            Asked { kind: TokenKind::Id, ..Asked::default() },
        ),
        asked(
            "a Scalekit access token as an ID token",
            WrongKind,
            &world.scalekit(),
            Asked { kind: TokenKind::Id, ..Asked::default() },
        ),
        bad("bound to a certificate, none shown", BindingMismatch, &bound(world)),
        asked(
            "bound to another certificate",
            BindingMismatch,
            &bound(world),
            Asked { certificate: Some([8; 32]), ..Asked::default() },
        ),
        bad(
            "bound to a key (DPoP) under Bearer",
            BindingMismatch,
            &token().claim("cnf", json!({"jkt": "x"})),
        ),
        asked(
            "bound to a key under DPoP, proofs not built",
            BindingMismatch,
            &token().claim("cnf", json!({"jkt": "x"})),
            Asked { scheme: Scheme::Dpop, ..Asked::default() },
        ),
        asked(
            "unbound, but under DPoP",
            BindingMismatch,
            &token(),
            Asked { scheme: Scheme::Dpop, ..Asked::default() },
        ),
        bad("cnf empty", BindingMismatch, &token().claim("cnf", json!({}))),
        bad("cnf null", BindingMismatch, &token().claim("cnf", json!(null))),
        bad("cnf is a string", BindingMismatch, &token().claim("cnf", json!("x"))),
        asked(
            "cnf with an unknown member beside",
            BindingMismatch,
            &token()
                .claim("cnf", json!({"x5t#S256": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc", "new": 1})),
            Asked { certificate: Some([7; 32]), ..Asked::default() },
        ),
    ];
    for typ in [
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "statuslist+jwt",
        "token-introspection+jwt",
        "application/logout+JWT",
    ] {
        let name: &'static str = Box::leak(format!("typ {typ}").into_boxed_str());
        rows.push(bad(name, WrongKind, &token().header("typ", json!(typ))));
    }
    rows
}
