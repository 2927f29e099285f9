use aws_lc_rs::{
    encoding::AsDer,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, KeyPair,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
        RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey,
        VerificationAlgorithm,
    },
};
use base64::engine::general_purpose::STANDARD;

use super::*;

const NOW: i64 = 1_795_168_800;
/// An RSA key of 1024 bits, which is too short for anything.
const SHORT: &str = "\
    -----BEGIN PRIVATE KEY-----\n\
    MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALGpORTiwVgZV3Qo\n\
    YzgEcuEDnFEEJnf0ZLCFAUS3LhZCwCcFseAtC6xozRwJNVq0eOawp++mEQg6OPAB\n\
    COu0kyjg3cthafoz2yeQtNx6iEC/ieW/pXBcCS+T4xtXoc7wO9bMr1WXYUitS6GV\n\
    slHfpZU48ExOooIQBm5c/ViShnyvAgMBAAECgYBI4DSFB7rtq39/K23/tXt2J6gA\n\
    Z6ZsADkpW3W4vTdPdFQj7acYYQHv2BGC1ZgoO+14G7DXkhRcfp2KfbIuFaVjKNch\n\
    MQHL88QGytjSa2Vfzy9HzBoz3QT3Eev4yUss+CmioOWL5kGd9XduoJiuwQ1FblNk\n\
    Pzg2gWe9X3BsG8r24QJBAOZYekrKzLoBEOXRWKp3Sd7jTX3HC47KkMkHjyNlBCHi\n\
    8BZsFZyJJzaRWUfyQDnAWvHszjDgNP16GY4TIEHqqTECQQDFcp+QY6a+KKVZGf3z\n\
    DgeHCnXAs8LAREkUSYAFnU2ApTpfriKao/tra6IX6kyKCoh91nkhSZzFnv97lVQ5\n\
    WAvfAkAF81Etb3G8eFyUY0UUGkLJRDvzPNoalTcKSmyzMF/b9D3Zhm9EfPKLYVPa\n\
    HPL1yvdOepyU/KXByo6wceQKb+JxAkAaMWiFiRK3q0C0H0SXF8db3MFePPqa8vQW\n\
    4uE+3W1IoaKqyrkAdryFtZOdRJG+xkLxHqCXD+LiPIN764VuzgVVAkEArrRd5Svm\n\
    L25ixJYiD6o9TaziJEw/K9gY5sBCB1hRkjVNwDQv3BJ1ehl3h/zNRuz5rW8gpBXO\n\
    AJqG8hYYIyibOQ==\n\
    -----END PRIVATE KEY-----\n";

fn pem(label: &str, der: &[u8]) -> Secret {
    let text = STANDARD.encode(der);
    Secret::new(format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----").into_bytes())
}

/// A key in PKCS#8, and its public half.
struct Made {
    pem: Secret,
    public: Vec<u8>,
}

fn rsa(size: KeySize) -> Made {
    let pair = RsaKeyPair::generate(size).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    Made { pem: pem("PRIVATE KEY", der.as_ref()), public: pair.public_key().as_ref().to_vec() }
}

fn ec(curve: &'static EcdsaSigningAlgorithm) -> Made {
    let pair = EcdsaKeyPair::generate(curve).unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    Made { pem: pem("PRIVATE KEY", der.as_ref()), public: pair.public_key().as_ref().to_vec() }
}

fn ed() -> Made {
    let pair = Ed25519KeyPair::generate().unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    Made { pem: pem("PRIVATE KEY", der.as_ref()), public: pair.public_key().as_ref().to_vec() }
}

fn assertion(key: &AssertionKey) -> String {
    let audience = "https://idp.example/token".parse().unwrap();
    key.assertion("app", &audience, UnixTime::from_secs(NOW)).unwrap()
}

fn part(text: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// The header of an assertion that this key made and this algorithm verifies.
#[track_caller]
fn header(
    made: &Made,
    algorithm: Option<Algorithm>,
    verified_by: &'static dyn VerificationAlgorithm,
) -> Value {
    let key = AssertionKey::new(made.pem.clone(), algorithm, None).unwrap();
    let assertion = assertion(&key);
    let (input, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = UnparsedPublicKey::new(verified_by, &made.public);
    public.verify(input.as_bytes(), &signature).unwrap();
    part(input.split('.').next().unwrap())
}

#[test]
fn every_kind_of_key_signs_with_its_own_algorithm_and_rsa_with_each_of_its() {
    let own: [(Made, &str, &'static dyn VerificationAlgorithm); 4] = [
        (ec(&ECDSA_P256_SHA256_FIXED_SIGNING), "ES256", &ECDSA_P256_SHA256_FIXED),
        (ec(&ECDSA_P384_SHA384_FIXED_SIGNING), "ES384", &ECDSA_P384_SHA384_FIXED),
        (ec(&ECDSA_P521_SHA512_FIXED_SIGNING), "ES512", &ECDSA_P521_SHA512_FIXED),
        (ed(), "EdDSA", &ED25519),
    ];
    for (made, name, verified_by) in own {
        assert_eq!(header(&made, None, verified_by), json!({"alg": name, "typ": "JWT"}));
    }
    let rsa = rsa(KeySize::Rsa2048);
    assert_eq!(header(&rsa, None, &RSA_PKCS1_2048_8192_SHA256)["alg"], "RS256");
    let each: [(Algorithm, &'static dyn VerificationAlgorithm); 6] = [
        (Algorithm::RS256, &RSA_PKCS1_2048_8192_SHA256),
        (Algorithm::RS384, &RSA_PKCS1_2048_8192_SHA384),
        (Algorithm::RS512, &RSA_PKCS1_2048_8192_SHA512),
        (Algorithm::PS256, &RSA_PSS_2048_8192_SHA256),
        (Algorithm::PS384, &RSA_PSS_2048_8192_SHA384),
        (Algorithm::PS512, &RSA_PSS_2048_8192_SHA512),
    ];
    for (algorithm, verified_by) in each {
        assert_eq!(header(&rsa, Some(algorithm), verified_by)["alg"], algorithm.as_str());
    }
}

#[test]
fn an_assertion_says_who_asks_whom_and_for_how_long_and_is_used_once() {
    let made = ed();
    let key = AssertionKey::new(made.pem, None, Some("k1".to_owned())).unwrap();
    let (one, other) = (assertion(&key), assertion(&key));
    let parts: Vec<&str> = one.split('.').collect();
    assert_eq!(part(parts[0])["kid"], "k1");
    let claims = part(parts[1]);
    let id = claims["jti"].as_str().unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(id).unwrap().len(), 16);
    assert_eq!(
        claims,
        json!({
            "iss": "app", "sub": "app", "aud": "https://idp.example/token",
            "jti": id, "iat": NOW, "exp": NOW + 60,
        })
    );
    assert_ne!(claims["jti"], part(other.split('.').nth(1).unwrap())["jti"]);
}

#[test]
fn keys_are_read_in_the_older_forms_too() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der: aws_lc_rs::encoding::EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    let made = Made { pem: pem("EC PRIVATE KEY", der.as_ref()), public: pair.public_key().as_ref().to_vec() };
    assert_eq!(header(&made, None, &ECDSA_P256_SHA256_FIXED)["alg"], "ES256");

    let made = rsa(KeySize::Rsa2048);
    let pkcs8 = PrivateKeyDer::from_pem_slice(made.pem.expose()).unwrap();
    // The version, the algorithm's identifier and an OCTET STRING's head come before the PKCS#1 key.
    let pkcs1 = pem("RSA PRIVATE KEY", &pkcs8.secret_der()[26..]);
    assert_eq!(header(&Made { pem: pkcs1, ..made }, None, &RSA_PKCS1_2048_8192_SHA256)["alg"], "RS256");
}

#[test]
fn what_cannot_sign_is_refused_with_the_reason() {
    let bad = |pem: &Secret, algorithm| AssertionKey::new(pem.clone(), algorithm, None).unwrap_err();
    let ec = ec(&ECDSA_P256_SHA256_FIXED_SIGNING);
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::ES256) {
        assert_eq!(bad(&ec.pem, Some(algorithm)), BadAssertionKey::Algorithm("ES256"), "{algorithm}");
    }
    let rsa = rsa(KeySize::Rsa2048);
    for algorithm in [Algorithm::HS256, Algorithm::ES256, Algorithm::Ed25519] {
        assert!(matches!(bad(&rsa.pem, Some(algorithm)), BadAssertionKey::Algorithm(_)), "{algorithm}");
    }
    let not_pem = Secret::new(b"hunter2".to_vec());
    assert_eq!(bad(&not_pem, None), BadAssertionKey::NotPem);
    assert_eq!(bad(&pem("PRIVATE KEY", b"hunter2"), None), BadAssertionKey::Kind);
    assert_eq!(bad(&pem("CERTIFICATE", b"hunter2"), None), BadAssertionKey::NotPem);
    let short = Secret::new(SHORT.as_bytes().to_vec());
    assert_eq!(bad(&short, None), BadAssertionKey::Kind);
}

#[test]
fn two_keys_are_the_same_if_everything_about_them_is_and_debug_shows_nothing() {
    let made = ed();
    let key = |key_id: Option<&str>| AssertionKey::new(made.pem.clone(), None, key_id.map(str::to_owned));
    assert_eq!(key(Some("a")).unwrap(), key(Some("a")).unwrap());
    assert_ne!(key(Some("a")).unwrap(), key(Some("b")).unwrap());
    assert_ne!(key(None).unwrap(), AssertionKey::new(ed().pem, None, None).unwrap());
    assert_eq!(
        format!("{:?}", key(Some("a")).unwrap()),
        "AssertionKey { algorithm: Ed25519, key_id: Some(\"a\"), .. }"
    );
}
