use super::*;
use crate::issuer::probe::observed::Failure;

fn with_keys(keys: &[&Value]) -> Observed {
    Observed { keys: key_set(&testing::document(keys)), ..healthy() }
}

fn weak_rsa(key_id: &str) -> Value {
    json!({"kty": "RSA", "kid": key_id, "n": testing::encode(&[0xff; 128]), "e": "AQAB"})
}

#[test]
fn a_set_without_usable_keys_is_a_problem() {
    check(&settings(), &with_keys(&[]), &["keys_empty: the set has no keys"]);
    let encryption = json!({"kty": "EC", "use": "enc"});
    let said = "keys_empty: the set has 1 key for other purposes or issuers, and none for this one";
    check(&settings(), &with_keys(&[&encryption]), &[said]);
    check(
        &settings(),
        &with_keys(&[&weak_rsa("w"), &weak_rsa("x"), &json!(7)]),
        &[
            "keys_unusable: the set has 3 keys, and none can be used",
            "key_unusable: \"w\", \"x\": its RSA modulus is shorter than 2048 or longer than 8192 bits",
            "key_unusable: a key without `kid`: it is not a JSON object with the members of its type",
        ],
    );
}

#[test]
fn an_unusable_key_beside_a_good_one_is_a_warning_unless_it_is_a_secret() {
    let unusable = "key_unusable: \"w\": its RSA modulus is shorter than 2048 or longer than 8192 bits";
    check(&settings(), &with_keys(&[&weak_rsa("w"), &ec_jwk("a")]), &[unusable]);
    let secret = json!({"kty": "oct", "kid": "s", "k": "hunter2"});
    let published = "key_not_public: \"s\": it is a private or shared key, published for everybody";
    check(&settings(), &with_keys(&[&secret, &ec_jwk("a")]), &[published]);
    assert_eq!(Code::KeyNotPublic.severity(), Severity::Problem);
}

#[test]
fn keys_that_algorithms_does_not_allow_are_told_with_what_they_can_do() {
    let (ec, rsa) =
        (ec_jwk("e"), json!({"kty": "RSA", "kid": "r", "n": strong_modulus(), "e": "AQAB", "alg": "PS256"}));
    check(
        &allowing(&[Algorithm::RS256]),
        &with_keys(&[&ec, &rsa]),
        &[
            "keys_unusable: the set has 2 keys, and none can be used",
            "key_not_allowed: \"e\", \"r\": can do PS256 ES256, and `algorithms` allows RS256",
        ],
    );
    check(
        &allowing(&[Algorithm::ES256, Algorithm::RS256]),
        &with_keys(&[&ec, &rsa]),
        &[
            "key_not_allowed: \"r\": can do PS256, and `algorithms` allows RS256 ES256",
            "algorithm_without_key: `algorithms` allows RS256, and no published key can do that",
        ],
    );
}

fn strong_modulus() -> String {
    testing::encode(&[0xff; 256])
}

#[test]
fn what_the_provider_says_it_signs_with_must_be_possible() {
    let stating = |algorithms: Value| Observed {
        discovery: metadata(&json!({"id_token_signing_alg_values_supported": algorithms})),
        ..healthy()
    };
    check(&settings(), &stating(json!(["RS256", "ES256", "none"])), &[]);
    let differ = "algorithms_differ: the provider says that it signs ID tokens with";
    let only = "and only ES256 can be verified";
    check(&settings(), &stating(json!(["RS256", "PS256"])), &[&format!("{differ} RS256 PS256, {only}")]);
    check(&settings(), &stating(json!(["none", 7])), &[&format!("{differ} nothing known here, {only}")]);
    // Who accepts no ID tokens does not care.
    let mut settings = settings();
    Arc::make_mut(&mut settings.policy).kinds.id.typ = vec![];
    check(&settings, &stating(json!(["RS256"])), &[]);
}

#[test]
fn keys_that_one_token_may_mean_are_told() {
    let said = "key_id_repeated: several keys have the `kid` \"a\"";
    check(&settings(), &with_keys(&[&ec_jwk("a"), &ec_jwk("a"), &ec_jwk("a"), &ec_jwk("b")]), &[said]);
    let same = ec_jwk("a");
    check(&settings(), &with_keys(&[&same, &same]), &[]);
    let rsa = json!({"kty": "RSA", "kid": "a", "n": strong_modulus(), "e": "AQAB"});
    check(&settings(), &with_keys(&[&same, &rsa]), &[]);
    let mut nameless = ec_jwk("a");
    nameless.as_object_mut().unwrap().remove("kid");
    check(&settings(), &with_keys(&[&nameless]), &["key_id_missing: 1 key without `kid`"]);
}

#[test]
fn documents_that_are_no_key_sets_and_files_that_cannot_be_read() {
    let with = |keys| Observed { keys, ..healthy() };
    let mut few = settings();
    few.keys.max_keys = 1;
    let two = key_set(&testing::document(&[&ec_jwk("a"), &ec_jwk("b")]));
    check(&few, &with(two), &["keys_too_many: the set holds more than 1 keys (`keys.max_keys`)"]);
    let said = "keys_malformed: the set holds no JSON object with an array `keys`";
    check(&settings(), &with(key_set(b"<html>")), &[said]);
    let failed = |failure| with(KeysSeen::Failed { place: "at".into(), failure });
    check(&settings(), &failed(Failure::Unreachable("late".into())), &["keys_unreachable: at: late"]);
    check(
        &settings(),
        &failed(Failure::TooLong),
        &["keys_too_long: at is longer than `keys.max_bytes` allows"],
    );
    let unreadable = KeysSeen::Unreadable { place: "f.json".into(), why: "no".into() };
    check(&settings(), &with(unreadable), &["keys_unreadable: f.json: no"]);
    check(&settings(), &with(KeysSeen::Shared), &[]);
}

/// `serve` fetches both within one `keys.timeout`; a probe that gave each its own would call that healthy.
#[test]
fn k6_what_takes_longer_together_than_serve_would_wait_is_a_problem() {
    let took = |millis| Observed { took: Some(Duration::from_millis(millis)), ..healthy() };
    check(&settings(), &took(5000), &[]);
    let said = "keys_slow: the discovery document and the key set together took 6.0s; `keys.timeout` is 5.0s";
    check(&settings(), &took(6000), &[said]);
}
