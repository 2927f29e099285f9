//! The discovery document: is it there, is it this issuer's, and where does it say that the keys are?

use super::{Code, Finding, Names};
use crate::issuer::{
    discovery::DiscoveryError,
    metadata::Metadata,
    probe::{observed::DiscoverySeen, words},
    settings::{IssuerSettings, KeySource},
};

const NAMES: Names = Names {
    plain_http: Code::DiscoveryPlainHttp,
    unreachable: Code::DiscoveryUnreachable,
    redirected: Code::DiscoveryRedirected,
    refused: Code::DiscoveryRefused,
    too_long: Code::DiscoveryTooLong,
};

pub(super) fn judge(settings: &IssuerSettings, seen: &DiscoverySeen, findings: &mut Vec<Finding>) {
    match seen {
        DiscoverySeen::NotAsked => {
            let message =
                "the configuration says where the keys are, so that no discovery document is needed";
            findings.push(Finding::new(Code::DiscoveryNotAsked, message));
        }
        DiscoverySeen::Failed { address, failure } => findings.push(NAMES.finding(address, failure)),
        DiscoverySeen::Malformed { address } => {
            let message = format!("{address} holds no JSON object with unique names");
            findings.push(Finding::new(Code::DiscoveryMalformed, message));
        }
        DiscoverySeen::Read { address, metadata } => {
            findings.push(whose(settings, address, metadata));
            if matches!(settings.source, KeySource::Discovery) {
                findings.extend(where_keys_are(settings, metadata));
            }
        }
    }
}

fn whose(settings: &IssuerSettings, address: &str, metadata: &Metadata) -> Finding {
    let configured = settings.policy.issuer.as_str();
    match metadata.issuer() {
        Some(found) if found == configured => {
            Finding::new(Code::Discovery, format!("{address} is the configured issuer's"))
        }
        Some(found) => {
            let (theirs, ours) = (words::quoted(found), words::quoted(configured));
            let difference = words::difference(configured, found);
            let message = format!("{address} is about the issuer {theirs}, not {ours}: {difference}");
            Finding::new(Code::IssuerDiffers, message)
        }
        None => {
            Finding::new(Code::IssuerDiffers, format!("{address} does not say whose it is (no `issuer`)"))
        }
    }
}

fn where_keys_are(settings: &IssuerSettings, metadata: &Metadata) -> Option<Finding> {
    let jwks_uri = match metadata.jwks_uri(settings.allow_http) {
        Ok(jwks_uri) => jwks_uri,
        Err(DiscoveryError::PlainJwksUri) => {
            let message = "the document's `jwks_uri` is not https, and beyond loopback";
            return Some(Finding::new(Code::JwksUriPlainHttp, message));
        }
        Err(_missing) => {
            return Some(Finding::new(
                Code::JwksUriMissing,
                "the document's `jwks_uri` is missing or no address",
            ));
        }
    };
    let issuer = url::Url::parse(&settings.policy.issuer).ok();
    let host = issuer.as_ref().and_then(url::Url::host_str);
    (jwks_uri.host_str() != host).then(|| {
        let message =
            format!("the keys are at {}, another host than the issuer's", words::address(&jwks_uri));
        Finding::new(Code::JwksUriElsewhere, message)
    })
}
