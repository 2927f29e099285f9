//! Bytes, base64url, JSON and header rules.

use countersign::domain::reason::Reason::{AlgorithmNotAllowed, BadSignature, Malformed, Missing, TooLarge};
use serde_json::json;

use super::{Row, World, bad, text};

pub(super) fn rows(world: &World) -> Vec<Row> {
    let token = world.token();
    let good = token.make();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let header_text = token.header_text();
    let claims_text = token.claims_text();
    let raw = |header: &str, claims: &str| token.raw(header, claims);
    let with_header = |from: &str, to: &str| raw(&header_text.replace(from, to), &claims_text);
    let with_claims = |from: &str, to: &str| raw(&header_text, &claims_text.replace(from, to));
    vec![
        text("empty", Missing, ""),
        text("one byte over the limit", TooLarge, "a".repeat(16 * 1024 + 1)),
        text("a megabyte", TooLarge, "a".repeat(1024 * 1024)),
        text("a word", Malformed, "token"),
        text("an opaque token", Malformed, "ory_at_8fJ3kq0z"),
        text("with Bearer in front", Malformed, format!("Bearer {good}")),
        text("a space in front", Malformed, format!(" {good}")),
        text("a newline behind", Malformed, format!("{good}\n")),
        text("a tab inside", Malformed, good.replacen('.', ".\t", 1)),
        text("a NUL inside", Malformed, good.replacen('.', ".\0", 1)),
        text("not ASCII", Malformed, format!("{good}\u{e9}")),
        text("two tokens joined by a comma", Malformed, format!("{good},{good}")),
        text("only dots", Malformed, ".."),
        text("very many dots", Malformed, ".".repeat(16 * 1024)),
        text("two parts", Malformed, format!("{header}.{payload}")),
        text("four parts", Malformed, format!("{good}.{signature}")),
        text("five parts (JWE)", Malformed, format!("{good}.{signature}.{signature}")),
        text("a trailing dot", Malformed, format!("{good}.")),
        text("empty header", Malformed, format!(".{payload}.{signature}")),
        text("empty payload", Malformed, format!("{header}..{signature}")),
        text("empty signature", BadSignature, format!("{header}.{payload}.")),
        text("padding on the header", Malformed, format!("{header}=.{payload}.{signature}")),
        text("padding on the signature", Malformed, format!("{good}==")),
        text("standard base64 letters", Malformed, format!("{header}.{payload}.{}", "+/+/".repeat(64))),
        text("a character outside base64url", Malformed, format!("{header}.{payload}.{signature}!")),
        text("stray trailing bits in the signature", Malformed, stray_bits(&good)),
        text("one character less", Malformed, {
            let mut cut = good.clone();
            cut.pop();
            cut
        }),
        text("header is not JSON", Malformed, raw("header", &claims_text)),
        text("header is an array", Malformed, raw("[]", &claims_text)),
        text(
            "header is not UTF-8",
            Malformed,
            token.signer.sign(b"{\"alg\":\"\xff\"}", claims_text.as_bytes()),
        ),
        text("header with two algs", Malformed, with_header("{", "{\"alg\":\"none\",")),
        text("header with an escaped second alg", Malformed, with_header("{", "{\"\\u0061lg\":\"none\",")),
        text("header with something behind", Malformed, raw(&format!("{header_text}{{}}"), &claims_text)),
        text("payload is not JSON", Malformed, raw(&header_text, "payload")),
        text("payload is a string", Malformed, raw(&header_text, "\"payload\"")),
        text("payload is an array", Malformed, raw(&header_text, "[]")),
        text("payload with two subjects", Malformed, with_claims("{", "{\"sub\":\"admin\",")),
        text("payload with two names further down", Malformed, with_claims("{", "{\"x\":{\"a\":1,\"a\":2},")),
        text(
            "payload nested 20 deep",
            Malformed,
            with_claims("{", &format!("{{\"x\":{}{},", "[".repeat(20), "]".repeat(20))),
        ),
        text(
            "payload nested 5000 deep",
            Malformed,
            with_claims("{", &format!("{{\"x\":{}{},", "[".repeat(5000), "]".repeat(5000))),
        ),
        text(
            "payload nested one too deep",
            Malformed,
            with_claims("{", &format!("{{\"x\":{}{},", "[".repeat(16), "]".repeat(16))),
        ),
        text("payload with two issuers, one escaped", Malformed, with_claims("{", "{\"\\u0069ss\":\"x\",")),
        text("payload with a number beyond all numbers", Malformed, with_claims("{", "{\"x\":1e400,")),
        text("payload with half a surrogate pair", Malformed, with_claims("{", "{\"x\":\"\\ud83d\",")),
        text(
            "payload of a thousand empty objects",
            Malformed,
            with_claims("{", &format!("{{\"x\":[{}1],", "{},".repeat(1000))),
        ),
        text(
            "payload with a byte order mark",
            Malformed,
            raw(&header_text, &format!("\u{feff}{claims_text}")),
        ),
        text("payload with a trailing comma", Malformed, raw(&header_text, &claims_text.replace('}', ",}"))),
        text(
            "payload that is not UTF-8",
            Malformed,
            token.signer.sign(header_text.as_bytes(), b"{\"iss\":\"\xff\"}"),
        ),
        bad("no alg", Malformed, &token.clone().no_header("alg")),
        bad("alg is a number", Malformed, &token.clone().header("alg", json!(256))),
        bad("alg none", AlgorithmNotAllowed, &token.clone().header("alg", json!("none"))),
        text("alg none without a signature", AlgorithmNotAllowed, {
            let forged = token.clone().header("alg", json!("none")).make();
            format!("{}.", forged.rsplit_once('.').unwrap().0)
        }),
        bad("alg NoNe", AlgorithmNotAllowed, &token.clone().header("alg", json!("NoNe"))),
        bad("alg in small letters", AlgorithmNotAllowed, &token.clone().header("alg", json!("rs256"))),
        bad("alg that nobody knows", AlgorithmNotAllowed, &token.clone().header("alg", json!("XS999"))),
        bad("alg ES256K", AlgorithmNotAllowed, &token.clone().header("alg", json!("ES256K"))),
        bad("alg empty", AlgorithmNotAllowed, &token.clone().header("alg", json!(""))),
        bad("kid is a number", Malformed, &token.clone().header("kid", json!(1))),
        bad("kid is null", Malformed, &token.clone().header("kid", json!(null))),
        bad("typ is an array", Malformed, &token.clone().header("typ", json!(["at+jwt"]))),
        bad(
            "crit with an unknown name",
            Malformed,
            &token.clone().header("crit", json!(["exp"])).header("exp", json!(1)),
        ),
        bad("crit empty", Malformed, &token.clone().header("crit", json!([]))),
        bad("crit is a string", Malformed, &token.clone().header("crit", json!("b64"))),
        bad(
            "b64 false",
            Malformed,
            &token.clone().header("b64", json!(false)).header("crit", json!(["b64"])),
        ),
        bad("b64 without crit", Malformed, &token.clone().header("b64", json!(false))),
        bad("a JWE header", Malformed, &token.clone().header("enc", json!("A256GCM"))),
        bad("zip", Malformed, &token.clone().header("zip", json!("DEF"))),
        bad("a nested token", Malformed, &token.clone().header("cty", json!("JWT"))),
    ]
}

/// The last character of a 256-byte signature carries four unused bits; sets one of them.
fn stray_bits(token: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (body, last) = token.split_at(token.len() - 1);
    let value = ALPHABET.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap();
    format!("{body}{}", char::from(ALPHABET[value | 1]))
}
