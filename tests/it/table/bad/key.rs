//! Issuer, key, algorithm and signature.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use countersign::domain::reason::Reason::{
    AlgorithmNotAllowed, BadSignature, ClaimInvalid, Malformed, UnknownIssuer, UnknownKey,
};
use serde_json::json;

use super::{Row, World, bad, text};
use crate::{
    support::tokens::{Signer, encode},
    table::mint::{ISSUER, SECRET, SHARED},
};

pub(super) fn rows(world: &World) -> Vec<Row> {
    let token = world.token();
    let good = token.make();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let es256 = world.signed_by(world.signer("ES256"));
    // The public key's own bytes as a shared secret: the oldest confusion of all.
    let modulus = Signer::shared("HS256", world.signer("RS256").jwk()["n"].as_str().unwrap().as_bytes());
    let mut confused = world.signed_by(&modulus);
    confused.header.insert("kid".into(), json!(world.signer("RS256").key_id()));
    let short = Signer::shared("HS256", b"another secret of thirty-two byte");
    let foreign_secret = world.signed_by(&short).claim("iss", json!(SHARED)).claim("tenant", json!("acme"));
    let from_oct = world.signed_by(&short).header("kid", json!("oct"));
    let stranger = world.signed_by(&world.stranger).header("kid", token.header["kid"].clone());
    let unknown = world.signed_by(&world.stranger);
    let other_key = |kid: &str| token.clone().header("kid", json!(kid));
    vec![
        bad("no iss", UnknownIssuer, &token.clone().no_claim("iss")),
        bad("iss is a number", UnknownIssuer, &token.clone().claim("iss", json!(1))),
        bad("iss is an array", UnknownIssuer, &token.clone().claim("iss", json!([ISSUER]))),
        bad("iss empty", UnknownIssuer, &token.clone().claim("iss", json!(""))),
        bad("iss of nobody", UnknownIssuer, &token.clone().claim("iss", json!("https://evil.example"))),
        bad("iss with a slash more", UnknownIssuer, &token.clone().claim("iss", json!(format!("{ISSUER}/")))),
        bad("iss in capitals", UnknownIssuer, &token.clone().claim("iss", json!(ISSUER.to_uppercase()))),
        bad(
            "iss with a port that says nothing",
            UnknownIssuer,
            &token.clone().claim("iss", json!(format!("{ISSUER}:443"))),
        ),
        bad("iss with a space", UnknownIssuer, &token.clone().claim("iss", json!(format!("{ISSUER} ")))),
        bad(
            "another issuer's name under our key for RSA at the shared-secret issuer",
            AlgorithmNotAllowed,
            &token.clone().claim("iss", json!(SHARED)),
        ),
        bad("unknown kid", UnknownKey, &unknown),
        bad("kid in other case", UnknownKey, &other_key(&world.signer("RS256").key_id().to_uppercase())),
        bad("kid of a path", UnknownKey, &other_key("../../etc/passwd")),
        bad("kid of four kilobytes", UnknownKey, &other_key(&"k".repeat(4096))),
        bad("no kid and nobody's signature", BadSignature, &stranger.clone().no_header("kid")),
        bad("signed by a stranger under our kid", BadSignature, &stranger),
        bad(
            "signed by a stranger with a jwk of its own",
            BadSignature,
            &stranger.clone().header("jwk", world.stranger.jwk()),
        ),
        bad("a key for encryption", UnknownKey, &other_key("enc")),
        bad("a key whose operations do not verify", UnknownKey, &other_key("ops")),
        bad("a key for another algorithm", AlgorithmNotAllowed, &other_key("other-alg")),
        bad("a key published with its private half", UnknownKey, &other_key("private")),
        bad("a key of 24 bits", UnknownKey, &other_key("short")),
        bad("a symmetric key from the key set", AlgorithmNotAllowed, &from_oct),
        bad("the public key as a shared secret", AlgorithmNotAllowed, &confused),
        bad(
            "an RSA kid with ES256",
            AlgorithmNotAllowed,
            &es256.clone().header("kid", token.header["kid"].clone()),
        ),
        bad(
            "an EC kid with RS256",
            AlgorithmNotAllowed,
            &token.clone().header("kid", es256.header["kid"].clone()),
        ),
        bad(
            "RS256 key used with RS384 header",
            AlgorithmNotAllowed,
            &token.clone().header("alg", json!("RS384")),
        ),
        bad("ES256 key with ES384 header", AlgorithmNotAllowed, &es256.clone().header("alg", json!("ES384"))),
        bad("EdDSA header on an EC key", AlgorithmNotAllowed, &es256.clone().header("alg", json!("EdDSA"))),
        text("a payload of another token", BadSignature, {
            let other = token.clone().claim("sub", json!("admin")).make();
            let other: Vec<&str> = other.split('.').collect();
            let ours: Vec<&str> = good.split('.').collect();
            format!("{}.{}.{}", ours[0], other[1], ours[2])
        }),
        text("a signature of zeros", BadSignature, format!("{input}.{}", "A".repeat(signature.len()))),
        text(
            "half a signature",
            BadSignature,
            format!("{input}.{}", signature.get(..signature.len() / 8 * 4).unwrap()),
        ),
        text("a signature and more", BadSignature, format!("{good}AAAA").replace("AAAAAAAA", "AAAA")),
        text("an ECDSA signature of zeros", BadSignature, {
            let made = es256.make();
            format!("{}.{}", made.rsplit_once('.').unwrap().0, "A".repeat(86))
        }),
        text("an ECDSA signature in DER", BadSignature, in_der(&es256.make())),
        text("an Ed25519 signature of zeros", BadSignature, {
            let made = world.signed_by(world.signer("EdDSA")).make();
            format!("{}.{}", made.rsplit_once('.').unwrap().0, "A".repeat(86))
        }),
        bad("the wrong shared secret", BadSignature, &foreign_secret),
        bad("a truncated shared secret", BadSignature, &{
            let cut: &'static Signer = Box::leak(Box::new(Signer::shared("HS256", &SECRET[..32])));
            let mut mint = world.shared("HS256");
            mint.signer = cut;
            mint
        }),
        bad("another issuer's key under the same kid", BadSignature, &{
            let mut mint = world.token();
            mint.signer = &world.scalekit;
            mint
        }),
        bad("our key under the other issuer's name", BadSignature, &{
            let mut mint = world.scalekit();
            mint.signer = world.signer("RS256");
            mint
        }),
        bad("the wrong shared secret, no kid", BadSignature, &foreign_secret.clone().no_header("kid")),
        bad("a PS256 signature under RS256, key without alg", BadSignature, &{
            let mut mint = world.pool();
            mint.signer = world.signer("PS256");
            mint
        }),
        bad("kid empty", UnknownKey, &other_key("")),
        bad("alg with a space behind", AlgorithmNotAllowed, &token.clone().header("alg", json!("RS256 "))),
        bad("alg is a list", Malformed, &token.clone().header("alg", json!(["RS256"]))),
        bad("a required claim missing", ClaimInvalid, &world.shared("HS256").no_claim("tenant")),
        bad("a required claim empty", ClaimInvalid, &world.shared("HS256").claim("tenant", json!(""))),
        bad("a required claim null", ClaimInvalid, &world.shared("HS256").claim("tenant", json!(null))),
    ]
}

/// The same ECDSA signature as a DER sequence of two integers, which is what X.509 would want and JWS forbids.
fn in_der(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let numbers = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = numbers.split_at(numbers.len() / 2);
    let integer = |number: &[u8]| [&[2, 33, 0], number].concat();
    let body = [integer(r), integer(s)].concat();
    let der = [&[0x30, u8::try_from(body.len()).unwrap()], body.as_slice()].concat();
    format!("{input}.{}", encode(der))
}
