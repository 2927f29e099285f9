//! Tokens of our own making, good and bad: a header and a payload of any bytes, signed for real.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
        RsaKeyPair,
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use countersign::{domain::time::Clock as _, ops::clock::SystemClock};
use serde_json::{Value, json};

/// A key with the one algorithm that it signs with.
#[derive(Clone)]
pub(crate) struct Signer {
    algorithm: &'static str,
    key_id: String,
    key: Arc<Key>,
}

enum Key {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair, &'static str),
    Ed25519(Ed25519KeyPair),
    Shared(Vec<u8>, hmac::Algorithm),
}

/// Made once per process: an RSA key takes a while.
static RSA_PKCS8: LazyLock<Vec<u8>> = LazyLock::new(rsa_pkcs8);

impl Signer {
    /// Every algorithm that Countersign verifies.
    pub(crate) const ALGORITHMS: [&str; 13] = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256",
        "HS384", "HS512",
    ];

    pub(crate) fn rs256() -> Self {
        Self::of("RS256")
    }

    pub(crate) fn ps256() -> Self {
        Self::of("PS256")
    }

    pub(crate) fn es256() -> Self {
        Self::of("ES256")
    }

    pub(crate) fn es384() -> Self {
        Self::of("ES384")
    }

    pub(crate) fn es512() -> Self {
        Self::of("ES512")
    }

    pub(crate) fn eddsa() -> Self {
        Self::of("EdDSA")
    }

    pub(crate) fn hs256() -> Self {
        Self::of("HS256")
    }

    /// One for the named algorithm. All RSA signers of a process share one key; use [`Self::fresh`] for another.
    pub(crate) fn of(algorithm: &str) -> Self {
        Self::with(algorithm, &RSA_PKCS8)
    }

    /// One with a key that no other signer has.
    pub(crate) fn fresh(algorithm: &str) -> Self {
        if algorithm.starts_with(['R', 'P']) {
            Self::with(algorithm, &rsa_pkcs8())
        } else {
            Self::of(algorithm)
        }
    }

    /// One for a shared secret that others know too.
    pub(crate) fn shared(algorithm: &str, secret: &[u8]) -> Self {
        let mut signer = Self::of(algorithm);
        let Key::Shared(_, hash) = &*signer.key else { panic!("{algorithm} has no shared secret") };
        signer.key = Arc::new(Key::Shared(secret.to_vec(), *hash));
        signer
    }

    /// The same key under another `kid`.
    pub(crate) fn named(mut self, key_id: &str) -> Self {
        key_id.clone_into(&mut self.key_id);
        self
    }

    fn with(algorithm: &str, rsa: &[u8]) -> Self {
        let rsa = |encoding| Key::Rsa(RsaKeyPair::from_pkcs8(rsa).unwrap(), encoding);
        let (algorithm, key) = match algorithm {
            "RS256" => ("RS256", rsa(&RSA_PKCS1_SHA256)),
            "RS384" => ("RS384", rsa(&RSA_PKCS1_SHA384)),
            "RS512" => ("RS512", rsa(&RSA_PKCS1_SHA512)),
            "PS256" => ("PS256", rsa(&RSA_PSS_SHA256)),
            "PS384" => ("PS384", rsa(&RSA_PSS_SHA384)),
            "PS512" => ("PS512", rsa(&RSA_PSS_SHA512)),
            "ES256" => ("ES256", ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256")),
            "ES384" => ("ES384", ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384")),
            "ES512" => ("ES512", ec(&ECDSA_P521_SHA512_FIXED_SIGNING, "P-521")),
            "EdDSA" => ("EdDSA", Key::Ed25519(Ed25519KeyPair::generate().unwrap())),
            "HS256" => ("HS256", Key::Shared(random::<32>(), hmac::HMAC_SHA256)),
            "HS384" => ("HS384", Key::Shared(random::<48>(), hmac::HMAC_SHA384)),
            "HS512" => ("HS512", Key::Shared(random::<64>(), hmac::HMAC_SHA512)),
            other => panic!("no signer for {other}"),
        };
        Self { algorithm, key_id: format!("test-{}", algorithm.to_lowercase()), key: Arc::new(key) }
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The public key as a JWK (RFC 7517), or the shared one.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &*self.key {
            Key::Rsa(pair, _) => {
                let public = pair.public_key();
                json!({
                    "kty": "RSA",
                    "n": encode(public.modulus().big_endian_without_leading_zero()),
                    "e": encode(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Key::Ec(pair, curve) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Key::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) }),
            Key::Shared(secret, _) => json!({ "kty": "oct", "k": encode(secret) }),
        };
        jwk["kid"] = self.key_id.as_str().into();
        jwk["alg"] = self.algorithm.into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The bytes of a shared secret, for an issuer that is configured with one.
    pub(crate) fn secret(&self) -> &[u8] {
        match &*self.key {
            Key::Shared(secret, _) => secret,
            Key::Rsa(..) | Key::Ec(..) | Key::Ed25519(_) => panic!("{} has no shared secret", self.algorithm),
        }
    }

    /// The header of an access token (RFC 9068).
    pub(crate) fn header(&self) -> Value {
        json!({ "alg": self.algorithm, "typ": "at+jwt", "kid": self.key_id })
    }

    /// A compact JWS over exactly these bytes, whatever they are.
    pub(crate) fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", encode(header), encode(payload));
        let signature = self.signature(input.as_bytes());
        format!("{input}.{}", encode(signature))
    }

    /// An access token with these claims and the usual header.
    pub(crate) fn access_token(&self, claims: &Value) -> String {
        self.sign(self.header().to_string(), claims.to_string())
    }

    /// The signature in the form that JWS gives it (RFC 7518 section 3).
    pub(crate) fn signature(&self, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.key {
            Key::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, input, &mut signature).unwrap();
                signature
            }
            Key::Ec(pair, _) => pair.sign(&random, input).unwrap().as_ref().to_vec(),
            Key::Ed25519(pair) => pair.sign(input).as_ref().to_vec(),
            Key::Shared(secret, hash) => hmac::sign(&hmac::Key::new(*hash, secret), input).as_ref().to_vec(),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} {})", self.algorithm, self.key_id)
    }
}

/// The claims of an access token that was just issued and lives ten minutes (RFC 9068 section 2.2).
pub(crate) fn claims(issuer: &str, audience: &str) -> Value {
    let now = SystemClock.now();
    json!({
        "iss": issuer,
        "aud": audience,
        "sub": "alice",
        "client_id": "app",
        "scope": "read write",
        "jti": encode(random::<16>()),
        "iat": now.as_secs(),
        "exp": now.plus(Duration::from_mins(10)).as_secs(),
    })
}

/// A JWK set (RFC 7517 section 5) of these signers' public keys.
pub(crate) fn key_set(signers: &[&Signer]) -> Value {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() })
}

/// base64url without padding (RFC 7515 section 2).
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The header and the payload of a token, unverified.
pub(crate) fn unverified(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap_or(Value::Null)
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

fn ec(algorithm: &'static EcdsaSigningAlgorithm, curve: &'static str) -> Key {
    Key::Ec(EcdsaKeyPair::generate(algorithm).unwrap(), curve)
}

fn rsa_pkcs8() -> Vec<u8> {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    der.as_ref().to_vec()
}

fn random<const N: usize>() -> Vec<u8> {
    aws_lc_rs::rand::generate::<[u8; N]>(&SystemRandom::new()).unwrap().expose().to_vec()
}

mod tests {
    use countersign::domain::{
        algorithm::{Algorithm, AllowedAlgorithms},
        key::{Curve, PublicNumbers, VerifyingKey},
        secret::Secret,
    };

    use super::*;

    /// Loads a signer's public key as the service would.
    fn verifying_key(signer: &Signer, algorithm: Algorithm) -> VerifyingKey {
        let allowed = AllowedAlgorithms::new(vec![algorithm]).unwrap();
        let jwk = signer.jwk();
        let number = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        match &*signer.key {
            Key::Shared(secret, _) => VerifyingKey::shared(&Secret::new(secret.clone()), &allowed).unwrap(),
            Key::Rsa(..) => {
                let numbers = PublicNumbers::Rsa { n: &number("n"), e: &number("e") };
                VerifyingKey::public(None, numbers, None, &allowed).unwrap()
            }
            Key::Ec(_, curve) => {
                let curve = match *curve {
                    "P-256" => Curve::P256,
                    "P-384" => Curve::P384,
                    _ => Curve::P521,
                };
                let numbers = PublicNumbers::Ec { curve, x: &number("x"), y: &number("y") };
                VerifyingKey::public(None, numbers, None, &allowed).unwrap()
            }
            Key::Ed25519(_) => {
                VerifyingKey::public(None, PublicNumbers::Ed25519 { x: &number("x") }, None, &allowed)
                    .unwrap()
            }
        }
    }

    #[test]
    fn every_signer_signs_what_its_public_key_verifies() {
        for name in Signer::ALGORITHMS {
            let algorithm: Algorithm = name.parse().unwrap();
            let signer = Signer::of(name);
            let key = verifying_key(&signer, algorithm);
            assert_eq!(key.verify(algorithm, b"input", &signer.signature(b"input")), Ok(()), "{name}");
            assert!(key.verify(algorithm, b"inpuT", &signer.signature(b"input")).is_err(), "{name}");
        }
        let fresh = Signer::fresh("RS256").signature(b"input");
        let key = verifying_key(&Signer::rs256(), Algorithm::RS256);
        assert!(key.verify(Algorithm::RS256, b"input", &fresh).is_err(), "a fresh key is another key");
    }

    #[test]
    fn any_bytes_can_be_signed() {
        let token = Signer::es256().sign(b"\xff not JSON", b"");
        assert_eq!(token.split('.').nth(1), Some(""));
        assert_eq!(unverified(&Signer::rs256().access_token(&claims("i", "a"))).1["aud"], "a");
    }
}

/// (r, n - s) is as good a signature as (r, s) (SEC 1 section 4.1.4), and so another byte form of the same ES256 token.
pub(crate) fn other_s(token: &str) -> String {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (input, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0_i16;
    for at in (0..32).rev() {
        let difference = i16::from(ORDER[at]) - i16::from(bytes[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        bytes[32 + at] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
