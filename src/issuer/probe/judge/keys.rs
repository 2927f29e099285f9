//! The key set: is it there, what can its keys do, and what of that is allowed?

mod set;

use super::{Code, Finding, Names};
use crate::issuer::{
    jwks::{self, DocumentError, Rules},
    probe::{
        observed::{DiscoverySeen, KeysSeen, Observed},
        words,
    },
    settings::IssuerSettings,
};

const NAMES: Names = Names {
    plain_http: Code::JwksUriPlainHttp,
    unreachable: Code::KeysUnreachable,
    redirected: Code::KeysRedirected,
    refused: Code::KeysRefused,
    too_long: Code::KeysTooLong,
};

pub(super) fn judge(settings: &IssuerSettings, seen: &Observed, findings: &mut Vec<Finding>) {
    match &seen.keys {
        KeysSeen::Shared => {
            let message = "one shared secret verifies its tokens, so that there is nothing to fetch";
            findings.push(Finding::new(Code::SharedSecret, message));
        }
        KeysSeen::NotTried => {
            findings.push(Finding::new(
                Code::KeysNotTried,
                "the keys were not asked for: nobody knows where they are",
            ));
        }
        KeysSeen::Failed { place, failure } => findings.push(NAMES.finding(place, failure)),
        KeysSeen::Unreadable { place, why } => {
            findings.push(Finding::new(Code::KeysUnreadable, format!("{place}: {why}")));
        }
        KeysSeen::Read { place, document } => {
            document_of(settings, place, document, &seen.discovery, findings);
        }
    }
    findings.extend(slow(settings, seen));
}

fn document_of(
    settings: &IssuerSettings,
    place: &str,
    document: &[u8],
    discovery: &DiscoverySeen,
    findings: &mut Vec<Finding>,
) {
    let policy = &settings.policy;
    let rules =
        Rules { issuer: &policy.issuer, allowed: &policy.algorithms, max_keys: settings.keys.max_keys };
    match jwks::parse(document, rules) {
        Ok(parsed) => {
            set::judge(settings, place, document, &parsed, findings);
            set::algorithms(settings, &parsed.keys, discovery, findings);
        }
        Err(DocumentError::NotAKeySet) => {
            let message = format!("{place} holds no JSON object with an array `keys`");
            findings.push(Finding::new(Code::KeysMalformed, message));
        }
        Err(DocumentError::TooManyKeys) => {
            let message = format!("{place} holds more than {} keys (`keys.max_keys`)", rules.max_keys);
            findings.push(Finding::new(Code::KeysTooMany, message));
        }
    }
}

/// Here each step may take the whole of `keys.timeout`; `serve` gives both together that long.
fn slow(settings: &IssuerSettings, seen: &Observed) -> Option<Finding> {
    let timeout = settings.keys.timeout;
    let took = seen.took.filter(|took| *took > timeout)?;
    matches!(seen.keys, KeysSeen::Read { .. }).then(|| {
        let (took, timeout) = (words::duration(took), words::duration(timeout));
        let message = format!(
            "the discovery document and the key set together took {took}; `keys.timeout` is {timeout}"
        );
        Finding::new(Code::KeysSlow, message)
    })
}
