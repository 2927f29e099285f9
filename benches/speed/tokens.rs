//! Keys, a JWK set for them, and as many tokens as it takes.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

pub(crate) const ISSUER: &str = "https://issuer.example.test";
/// In a round of bare ones.
const VERIFICATIONS: u32 = 20_000;

pub(crate) const AUDIENCE: &str = "https://api.example.test";

pub(crate) enum Signer {
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl Signer {
    pub(crate) fn all() -> [Self; 3] {
        [
            Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
            Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            Self::EdDsa(Ed25519KeyPair::generate().unwrap()),
        ]
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    fn jwk(&self) -> serde_json::Value {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let numbers = match self {
            Self::Rs256(pair) => {
                let public = pair.public_key();
                let n = public.modulus().big_endian_without_leading_zero().to_vec();
                let e = public.exponent().big_endian_without_leading_zero().to_vec();
                json!({"kty": "RSA", "n": b64(&n), "e": b64(&e)})
            }
            Self::Es256(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])})
            }
            Self::EdDsa(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key().as_ref())})
            }
        };
        let mut jwk = json!({"kid": self.name(), "use": "sig", "alg": self.name()});
        jwk.as_object_mut().unwrap().extend(numbers.as_object().unwrap().clone());
        jwk
    }

    fn signature(&self, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature).unwrap();
                signature
            }
            Self::Es256(pair) => pair.sign(&random, input).unwrap().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(input).as_ref().to_vec(),
        }
    }

    /// A token of `length` bytes (a padding claim makes up the difference); `serial` makes it one of a kind.
    pub(crate) fn token(&self, serial: usize, length: usize, now: u64) -> String {
        let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = encode(&json!({"alg": self.name(), "kid": self.name(), "typ": "at+jwt"}));
        let payload = |padding: usize| {
            encode(&json!({
                "iss": ISSUER, "sub": "user-4711", "aud": AUDIENCE, "exp": now + 3600, "iat": now,
                "jti": format!("{serial:08}"), "client_id": "web", "scope": "openid profile orders:read",
                "sid": "5b0cbe7a", "pad": "x".repeat(padding),
            }))
        };
        let signature_length = match self {
            Self::Rs256(_) => 342,
            Self::Es256(_) | Self::EdDsa(_) => 86,
        };
        let bare = header.len() + payload(0).len() + signature_length + 2;
        // Four characters of base64 hold three bytes.
        let padding = length.saturating_sub(bare) * 3 / 4;
        let input = format!("{header}.{}", payload(padding));
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(self.signature(input.as_bytes())))
    }

    /// CPU time of one bare verification with a parsed key, in microseconds: what nobody can do without.
    pub(crate) fn bare_verify_micros(&self, token: &str) -> f64 {
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = parsed(self.name(), self.public_key());
        let mut rounds = Vec::new();
        for _ in 0..5 {
            let before = crate::process::own_cpu();
            for _ in 0..VERIFICATIONS {
                key.verify_sig(std::hint::black_box(input.as_bytes()), &signature).unwrap();
            }
            let used = crate::process::own_cpu().saturating_sub(before);
            rounds.push(used.as_secs_f64() * 1e6 / f64::from(VERIFICATIONS));
        }
        crate::report::median(&rounds)
    }

    /// For [`parsed`].
    pub(crate) fn public_key(&self) -> &[u8] {
        match self {
            Self::Rs256(pair) => pair.public_key().as_ref(),
            Self::Es256(pair) => pair.public_key().as_ref(),
            Self::EdDsa(pair) => pair.public_key().as_ref(),
        }
    }
}

/// A public key in the form that the library gives it: what a server has at hand before the first request.
pub(crate) fn parsed(algorithm: &str, key: &[u8]) -> ParsedPublicKey {
    match algorithm {
        "RS256" => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).unwrap(),
        "ES256" => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).unwrap(),
        _ => ParsedPublicKey::new(&ED25519, key).unwrap(),
    }
}

pub(crate) fn jwks(signers: &[Signer]) -> String {
    json!({"keys": signers.iter().map(Signer::jwk).collect::<Vec<_>>()}).to_string()
}
