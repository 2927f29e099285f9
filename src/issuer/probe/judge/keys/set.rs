//! The keys of a set, one by one and together.

use std::collections::HashMap;

use crate::{
    domain::{
        algorithm::{Algorithm, AllowedAlgorithms},
        key::{UnusableKey, VerifyingKey},
    },
    issuer::{
        jwks::{self, Parsed, Rules, Unusable, Why},
        probe::{
            finding::{Code, Finding},
            observed::DiscoverySeen,
            words,
        },
        settings::IssuerSettings,
    },
};

/// What is said about the keys.
pub(super) fn judge(
    settings: &IssuerSettings,
    place: &str,
    document: &[u8],
    parsed: &Parsed,
    findings: &mut Vec<Finding>,
) {
    let Parsed { keys, unusable, not_for_us } = parsed;
    findings.push(match (keys.is_empty(), unusable.is_empty()) {
        (false, _) => {
            let usable = words::listed(keys.iter().map(described));
            Finding::new(Code::Keys, format!("{place} has {} to verify with: {usable}", counted(keys.len())))
        }
        (true, false) => Finding::new(
            Code::KeysUnusable,
            format!("{place} has {}, and none can be used", counted(unusable.len())),
        ),
        (true, true) if *not_for_us > 0 => {
            let message = format!(
                "{place} has {} for other purposes or issuers, and none for this one",
                counted(*not_for_us)
            );
            Finding::new(Code::KeysEmpty, message)
        }
        (true, true) => Finding::new(Code::KeysEmpty, format!("{place} has no keys")),
    });
    unusable_ones(unusable, findings);
    findings.extend(not_allowed(settings, document, unusable));
    findings.extend(same_ids(keys));
    let nameless = keys.iter().filter(|key| key.key_id().is_none()).count();
    if nameless > 0 {
        findings.push(Finding::new(Code::KeyIdMissing, format!("{} without `kid`", counted(nameless))));
    }
}

/// One finding for each reason.
fn unusable_ones(unusable: &[Unusable], findings: &mut Vec<Finding>) {
    let mut reasons: Vec<(Why, Vec<&Unusable>)> = Vec::new();
    for key in unusable.iter().filter(|key| key.why != Why::Key(UnusableKey::NotAllowed)) {
        match reasons.iter_mut().find(|(why, _)| *why == key.why) {
            Some((_, keys)) => keys.push(key),
            None => reasons.push((key.why, vec![key])),
        }
    }
    for (why, keys) in reasons {
        let code = if why == Why::Published { Code::KeyNotPublic } else { Code::KeyUnusable };
        let ids = words::listed(keys.iter().map(|key| named(key.key_id.as_deref())));
        findings.push(Finding::new(code, format!("{ids}: {why}")));
    }
}

/// Keys that only the configuration turns away: what could they do?
fn not_allowed(settings: &IssuerSettings, document: &[u8], unusable: &[Unusable]) -> Option<Finding> {
    let refused = unusable.iter().filter(|key| key.why == Why::Key(UnusableKey::NotAllowed));
    let ids = words::listed(refused.map(|key| named(key.key_id.as_deref())));
    if ids.is_empty() {
        return None;
    }
    let policy = &settings.policy;
    let any = AllowedAlgorithms::asymmetric();
    let rules = Rules { issuer: &policy.issuer, allowed: &any, max_keys: settings.keys.max_keys };
    let able = jwks::parse(document, rules).unwrap_or_default().keys;
    let turned_away = able.iter().filter(|key| !key.algorithms().any(|it| policy.algorithms.allows(it)));
    let able_to = together(turned_away.flat_map(VerifyingKey::algorithms));
    let message =
        format!("{ids}: can do {}, and `algorithms` allows {}", names(&able_to), names(&allowed(settings)));
    Some(Finding::new(Code::KeyNotAllowed, message))
}

/// Different keys that one token may mean. The same key twice is no finding, and neither are keys whose algorithms tell
/// them apart.
fn same_ids(keys: &[VerifyingKey]) -> Option<Finding> {
    let mut meant: HashMap<(&str, Algorithm), &VerifyingKey> = HashMap::new();
    let mut repeated = Vec::new();
    for key in keys {
        for algorithm in key.algorithms() {
            let Some(id) = key.key_id() else { continue };
            let first = meant.entry((id, algorithm)).or_insert(key);
            if first.identity() != key.identity() && !repeated.contains(&id) {
                repeated.push(id);
            }
        }
    }
    let ids = words::listed(repeated.into_iter().map(words::quoted));
    (!ids.is_empty()).then(|| Finding::new(Code::KeyIdRepeated, format!("several keys have the `kid` {ids}")))
}

/// What the keys can do against what is allowed, and against what the provider says it signs with.
pub(super) fn algorithms(
    settings: &IssuerSettings,
    keys: &[VerifyingKey],
    discovery: &DiscoverySeen,
    findings: &mut Vec<Finding>,
) {
    if keys.is_empty() {
        return;
    }
    let usable = together(keys.iter().flat_map(VerifyingKey::algorithms));
    let allowed = allowed(settings);
    let stated = stated(discovery);
    let id_tokens_accepted = !settings.policy.kinds.id.typ.is_empty();
    findings.push(match stated {
        Some(stated) if id_tokens_accepted && !stated.iter().any(|it| usable.contains(it)) => {
            let message = format!(
                "the provider says that it signs ID tokens with {}, and only {} can be verified",
                names_or_none(&stated),
                names(&usable)
            );
            Finding::new(Code::AlgorithmsDiffer, message)
        }
        Some(_) | None => {
            Finding::new(Code::Algorithms, format!("tokens may be signed with {}", names(&usable)))
        }
    });
    // Everything is allowed by default, which says nothing about what is meant.
    if allowed == together(AllowedAlgorithms::asymmetric().iter()) {
        return;
    }
    let idle: Vec<_> = allowed.into_iter().filter(|it| !usable.contains(it)).collect();
    if !idle.is_empty() {
        let message = format!("`algorithms` allows {}, and no published key can do that", names(&idle));
        findings.push(Finding::new(Code::AlgorithmWithoutKey, message));
    }
}

/// What the discovery document says that ID tokens are signed with, as far as it has a name here.
fn stated(discovery: &DiscoverySeen) -> Option<Vec<Algorithm>> {
    let DiscoverySeen::Read { metadata, .. } = discovery else { return None };
    let listed = metadata.words("id_token_signing_alg_values_supported")?;
    Some(together(listed.into_iter().filter_map(|name| name.parse().ok())))
}

fn allowed(settings: &IssuerSettings) -> Vec<Algorithm> {
    together(settings.policy.algorithms.iter())
}

/// Each once, in the order of the registry.
fn together(algorithms: impl Iterator<Item = Algorithm>) -> Vec<Algorithm> {
    let mut algorithms: Vec<_> = algorithms.collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    algorithms
}

fn described(key: &VerifyingKey) -> String {
    let algorithms: Vec<_> = key.algorithms().collect();
    format!("{} ({})", named(key.key_id()), names(&algorithms))
}

fn named(key_id: Option<&str>) -> String {
    key_id.map_or_else(|| "a key without `kid`".to_owned(), words::quoted)
}

fn names(algorithms: &[Algorithm]) -> String {
    algorithms.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().join(" ")
}

fn names_or_none(algorithms: &[Algorithm]) -> String {
    if algorithms.is_empty() { "nothing known here".to_owned() } else { names(algorithms) }
}

fn counted(keys: usize) -> String {
    if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") }
}
