//! Good tokens that are not enough for the request.

use countersign::domain::reason::Reason::{
    AudienceMismatch, ClaimInvalid, InsufficientRole, InsufficientScope, IssuerMismatch,
};
use serde_json::json;

use super::{Row, World, asked, bad};
use crate::table::mint::{AUDIENCE, Asked, SHARED};

pub(super) fn rows(world: &World) -> Vec<Row> {
    let token = || world.token();
    let audiences = |list: &[&str]| Asked {
        audiences: list.iter().map(ToString::to_string).collect(),
        ..Asked::default()
    };
    let scopes =
        |list: &[&str]| Asked { scopes: list.iter().map(ToString::to_string).collect(), ..Asked::default() };
    vec![
        bad("no aud", AudienceMismatch, &token().no_claim("aud")),
        bad("aud of somebody else", AudienceMismatch, &token().claim("aud", json!("https://other.test"))),
        bad(
            "aud that begins like ours",
            AudienceMismatch,
            &token().claim("aud", json!(format!("{AUDIENCE}.evil.test"))),
        ),
        bad("aud that is part of ours", AudienceMismatch, &token().claim("aud", json!("api.example.test"))),
        bad("aud in capitals", AudienceMismatch, &token().claim("aud", json!(AUDIENCE.to_uppercase()))),
        bad(
            "aud as one string of two",
            AudienceMismatch,
            &token().claim("aud", json!(format!("{AUDIENCE} web"))),
        ),
        bad("aud empty", AudienceMismatch, &token().claim("aud", json!(""))),
        bad("aud an empty array", AudienceMismatch, &token().claim("aud", json!([]))),
        bad("aud a number", ClaimInvalid, &token().claim("aud", json!(1))),
        bad("aud with a number in it", ClaimInvalid, &token().claim("aud", json!([AUDIENCE, 1]))),
        bad("aud an object", ClaimInvalid, &token().claim("aud", json!({"a": AUDIENCE}))),
        bad(
            "a Scalekit machine token without aud",
            AudienceMismatch,
            &world
                .scalekit()
                .no_claim("aud")
                .claim("sub", json!("m2morg_1"))
                .claim("client_id", json!("m2morg_1")),
        ),
        bad(
            "a pool's token of another client",
            AudienceMismatch,
            &world.pool().claim("client_id", json!("app-2")),
        ),
        bad(
            "a pool's token with our aud and another client",
            AudienceMismatch,
            &world.pool().claim("client_id", json!("x")).claim("aud", json!("app-1")),
        ),
        bad(
            "a pool's token of our client for another API",
            AudienceMismatch,
            &world.pool().claim("aud", json!(["https://other.test"])),
        ),
        asked(
            "a pool's token narrowed to another client",
            AudienceMismatch,
            &world.pool(),
            audiences(&["m2m-1"]),
        ),
        asked("narrowed to the other audience", AudienceMismatch, &token(), audiences(&["web"])),
        asked(
            "narrowed to one that is not configured",
            AudienceMismatch,
            &token().claim("aud", json!(["https://new.test", "x"])),
            audiences(&["https://new.test"]),
        ),
        asked(
            "pinned to another issuer",
            IssuerMismatch,
            &token(),
            Asked { issuer: SHARED.into(), ..Asked::default() },
        ),
        asked(
            "pinned to an issuer that is not configured",
            IssuerMismatch,
            &token(),
            Asked { issuer: "https://evil.example".into(), ..Asked::default() },
        ),
        asked("a scope more", InsufficientScope, &token(), scopes(&["orders:read", "admin"])),
        asked("a scope in capitals", InsufficientScope, &token(), scopes(&["ORDERS:READ"])),
        asked("part of a scope", InsufficientScope, &token(), scopes(&["orders"])),
        asked("two scopes in one string", InsufficientScope, &token(), scopes(&["orders:read orders:write"])),
        asked(
            "a scope of a token without any",
            InsufficientScope,
            &token().no_claim("scope"),
            scopes(&["a"]),
        ),
        asked(
            "a permission that is missing",
            InsufficientScope,
            &token(),
            Asked { permissions: vec!["invoices:void".into()], ..Asked::default() },
        ),
        asked(
            "a role that is missing",
            InsufficientRole,
            &token(),
            Asked { roles: vec!["owner".into()], ..Asked::default() },
        ),
        asked(
            "a role that is only a scope",
            InsufficientRole,
            &token(),
            Asked { roles: vec!["orders:read".into()], ..Asked::default() },
        ),
    ]
}
