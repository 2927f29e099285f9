//! Every seed, without a fuzzer.

use std::{fs, path::Path};

use super::tokens;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

type Target = fn(&[u8]);

#[test]
fn every_target_stands_its_corpus() {
    let targets: [(&str, Target); 7] = [
        ("token", super::token),
        ("claims", super::claims),
        ("jwks", super::jwks),
        ("discovery", super::discovery),
        ("config", super::config),
        ("request", super::request),
        ("check", super::check),
    ];
    for (name, target) in targets {
        let seeds = corpus(name);
        assert!((20..=80).contains(&seeds.len()), "{name} has {} seeds", seeds.len());
        for (_, seed) in seeds {
            target(&seed);
        }
    }
    assert_eq!(
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus")).unwrap().count(),
        targets.len()
    );
}

/// Otherwise the targets would prove nothing: what is signed has to be accepted, with every algorithm.
#[test]
fn exactly_the_signed_seeds_of_our_issuers_are_accepted() {
    let mut accepted: Vec<_> = corpus("token")
        .into_iter()
        .filter(|(_, seed)| tokens::is_accepted(std::str::from_utf8(seed).unwrap()))
        .map(|(name, _)| name)
        .collect();
    accepted.sort();
    let expected = [
        "ES256",
        "ES384",
        "ES512",
        "Ed25519",
        "EdDSA",
        "HS256",
        "HS384",
        "HS512",
        "PS256",
        "PS384",
        "PS512",
        "RS256",
        "RS384",
        "RS512",
        "audiences",
        "bound",
        "early",
        "expired",
        "id-token",
        "no-kid",
        "other-s",
    ];
    assert_eq!(accepted, expected);
}
