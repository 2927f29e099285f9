//! What an issuer's section of the configuration says, through the binary: a good token and a refused one each.

use countersign::proto::client::Reason;
use serde_json::{Value, json};

use super::kit::{AUDIENCE, ISSUER};
use crate::support::{
    service::Service,
    tokens::{Signer, claims, encode, key_set},
};

const SECRET: [u8; 64] = *b"the secret of an issuer and this service, sixty-four bytes long.";

/// An issuer with this key set file and these further lines.
async fn with_keys(signers: &[&Signer], more: &str) -> Service {
    let yaml = format!(
        "issuers:\n  - issuer: {ISSUER}\n    audiences: [{AUDIENCE}]\n    jwks_file: ./keys.json\n    {more}\n"
    );
    let keys = key_set(signers).to_string();
    Service::start_with_files(&yaml, &[("keys.json", keys.as_bytes())]).await
}

/// What a configured issuer begins with.
fn named(name: &str) -> String {
    format!("name: {name}, issuer: '{ISSUER}/{name}', audiences: ['{AUDIENCE}']")
}

fn from(issuer: &str) -> Value {
    claims(issuer, AUDIENCE)
}

#[tokio::test]
async fn shared_secrets_verify_their_own_algorithm_of_their_own_issuer() {
    let issuer = |name| format!("{{ {}, algorithms: [{name}], secret: {{ file: ./{name} }} }}", named(name));
    let yaml = format!("issuers: [{}]\n", ["HS256", "HS384", "HS512"].map(issuer).join(", "));
    // Each has a secret of its own, as long as it must be.
    let secret = |length: usize| [&SECRET[..length - 1], b"!"].concat();
    let secrets = [("HS256", secret(32)), ("HS384", secret(48)), ("HS512", secret(64))];
    let files = secrets.each_ref().map(|(name, secret)| (*name, secret.as_slice()));
    let service = Service::start_with_files(&yaml, &files).await;
    for (name, secret) in &secrets {
        let claims = from(&format!("{ISSUER}/{name}"));
        service.validate(&Signer::shared(name, secret).access_token(&claims)).await.good();
        let guessed = Signer::shared(name, &SECRET).access_token(&claims);
        assert_eq!(service.validate(&guessed).await.refused(), Reason::BadSignature, "{name}");
        for (other, _) in secrets.iter().filter(|(other, _)| other != name) {
            let token = Signer::shared(other, secret).access_token(&claims);
            assert_eq!(service.validate(&token).await.refused(), Reason::AlgorithmNotAllowed, "{name}");
        }
        let elsewhere = Signer::shared(name, secret).access_token(&from(&format!("{ISSUER}/other")));
        assert_eq!(service.validate(&elsewhere).await.refused(), Reason::UnknownIssuer, "{name}");
    }
}

#[tokio::test]
async fn k9_a_kid_that_two_issuers_use_names_each_ones_own_key() {
    let [one, two] = [(); 2].map(|()| Signer::es256().named("shared"));
    let issuer = |name| format!("{{ {}, jwks_file: ./{name} }}", named(name));
    let yaml = format!("issuers: [{}]\n", ["one", "two"].map(issuer).join(", "));
    let [keys_one, keys_two] = [&one, &two].map(|signer| key_set(&[signer]).to_string());
    let files = [("one", keys_one.as_bytes()), ("two", keys_two.as_bytes())];
    let service = Service::start_with_files(&yaml, &files).await;
    for (name, own, foreign) in [("one", &one, &two), ("two", &two, &one)] {
        let claims = from(&format!("{ISSUER}/{name}"));
        assert_eq!(
            service.validate(&own.access_token(&claims)).await.good().issuer,
            format!("{ISSUER}/{name}")
        );
        let crossed = foreign.access_token(&claims);
        for _ in 0..2 {
            assert_eq!(service.validate(&crossed).await.refused(), Reason::BadSignature, "{name}");
        }
    }
}

#[tokio::test]
async fn k9_a_public_key_is_never_a_shared_secret() {
    let signer = Signer::rs256();
    let service = with_keys(&[&signer], "").await;
    service.validate(&signer.access_token(&from(ISSUER))).await.good();
    let modulus = signer.jwk()["n"].as_str().unwrap().as_bytes().to_vec();
    for secret in [signer.jwk().to_string().into_bytes(), modulus] {
        let confused = Signer::shared("HS256", &secret).named(signer.key_id()).access_token(&from(ISSUER));
        assert_eq!(service.validate(&confused).await.refused(), Reason::AlgorithmNotAllowed);
    }
    let header = json!({ "alg": "none", "typ": "at+jwt", "kid": signer.key_id() }).to_string();
    let unsigned = format!("{}.{}.", encode(header), encode(from(ISSUER).to_string()));
    assert!(!service.validate(&unsigned).await.is_good());
}

/// A good token, and the same with a change, which is refused for this reason.
async fn check(more: &str, good: impl Fn(&mut Value), change: impl Fn(&mut Value), reason: Reason) {
    let signer = Signer::es256();
    let service = with_keys(&[&signer], more).await;
    let mut claims = from(ISSUER);
    good(&mut claims);
    service.validate(&signer.access_token(&claims)).await.good();
    change(&mut claims);
    assert_eq!(service.validate(&signer.access_token(&claims)).await.refused(), reason, "{more}");
}

#[tokio::test]
async fn with_audience_claim_client_id_the_client_has_to_be_listed_and_aud_does_not_count() {
    let good = |claims: &mut Value| {
        claims["client_id"] = AUDIENCE.into();
        claims.as_object_mut().unwrap().remove("aud");
    };
    let other = |claims: &mut Value| {
        claims["client_id"] = "other".into();
        claims["aud"] = AUDIENCE.into();
    };
    check("audience_claim: client_id", good, other, Reason::AudienceMismatch).await;
}

#[tokio::test]
async fn a_required_claim_has_to_be_there() {
    let good = |claims: &mut Value| claims["org"] = json!({ "id": "o" });
    let without = |claims: &mut Value| claims["org"] = json!({});
    check("required_claims: [sub, /org/id]", good, without, Reason::ClaimInvalid).await;
}

#[tokio::test]
async fn a_token_older_than_max_token_age_is_refused_before_its_end() {
    let aged = |seconds: i64| {
        move |claims: &mut Value| {
            claims["iat"] = (claims["iat"].as_i64().unwrap() - seconds).into();
        }
    };
    check("max_token_age: 2m", aged(30), aged(200), Reason::Expired).await;
}

#[tokio::test]
async fn a_token_that_lives_longer_than_max_token_lifetime_is_refused() {
    let longer = |claims: &mut Value| claims["exp"] = (claims["exp"].as_i64().unwrap() + 1).into();
    check("max_token_lifetime: 10m", |_| {}, longer, Reason::ClaimInvalid).await;
}
