//! The way in for `fuzz/`: bytes that Envoy sent, of which a stranger chose most, up to what the stranger is told.

use bytes::Bytes;
use envoy_types::ext_authz::v3::pb::CheckRequest;
use prost::Message as _;
use url::Url;

use super::request::Check;
use crate::domain::{
    edge::{
        admission::without_credential,
        credential::{self, Credential},
        denial::Denial,
        reply::{self, Reply},
        request::{EdgeRequest, Headers as _},
        route::RoutePolicy,
        settings::{EdgeSettings, Login},
        source::Source,
    },
    reason::{Reason, Refusal},
};

const TOKEN_PARAMETER: &str = "access_token";
const RETURN_TO: &str = "return_to";

/// Reads the bytes as a check.
///
/// # Panics
///
/// If the generated decoder reads another request in them, a credential is lost, or the answer cannot be sent or leads
/// elsewhere than back.
pub fn check(bytes: &[u8]) {
    let message = Bytes::copy_from_slice(bytes);
    let check = Check::read(&message);
    if let Ok(generated) = CheckRequest::decode(bytes) {
        if let Ok(check) = &check {
            compare(check, &generated);
        }
        written_again(&generated);
    }
    if let Ok(check) = &check {
        answer(check);
    }
}

/// What Envoy's own encoder could have written is read.
fn written_again(generated: &CheckRequest) {
    let message = Bytes::from(generated.encode_to_vec());
    let check = Check::read(&message).ok();
    assert!(check.is_some(), "a message of the generated encoder is not read");
    if let Some(check) = &check {
        compare(check, generated);
    }
}

/// Whatever both read is the same. Where an entry is there twice, a map holds the last one, and here both are.
fn compare(check: &Check<'_>, generated: &CheckRequest) {
    let attributes = generated.attributes.as_ref();
    let http = attributes.and_then(|attributes| attributes.request.as_ref()?.http.as_ref());
    let certificate =
        attributes.and_then(|attributes| Some(attributes.source.as_ref()?.certificate.as_str()));
    let (Some(attributes), Some(http)) = (attributes, http) else {
        assert!(check.request().is_err(), "a request was read that is not there");
        return;
    };
    let Ok((request, words)) = check.request() else {
        let has_certificate = certificate.is_some_and(|pem| !pem.is_empty());
        assert!(has_certificate || check.has_too_many(), "a request that is there was not read");
        return;
    };
    assert_eq!(request.method, Some(http.method.as_str()));
    assert_eq!(request.target, Some(http.path.as_str()));
    assert_eq!(request.scheme, Some(http.scheme.as_str()));
    assert_eq!(request.host, Some(http.host.as_str()));
    for (name, value) in &http.headers {
        let values = check.values(&name.to_ascii_lowercase());
        assert!(values.contains(&value.as_bytes()), "a header was lost");
    }
    for (name, value) in &attributes.context_extensions {
        assert!(words.contains(&(name.as_str(), value.as_str())), "a word of the route was lost");
    }
}

/// As far as the answer does not depend on who signed a token.
fn answer(check: &Check<'_>) {
    let settings = settings();
    let (request, words) = match check.request() {
        Ok(request) => request,
        Err(problem) => {
            let request = EdgeRequest::unknown(check);
            return told(&Denial::Request(problem), &request, None, &settings);
        }
    };
    match RoutePolicy::read(words, &settings.sources) {
        Ok(policy) => {
            if let Some(denial) = admit(&request, &policy) {
                told(&denial, &request, Some(&policy), &settings);
            }
        }
        Err(problem) => told(&Denial::Policy(problem), &request, None, &settings),
    }
}

fn settings() -> EdgeSettings {
    let header = Source::Header("x-api-token".to_owned());
    let query = Source::Query(TOKEN_PARAMETER.to_owned());
    EdgeSettings {
        sources: vec![Source::Authorization, header, query],
        login: Some(Login {
            url: "https://login.example/in".to_owned(),
            return_to: Some(RETURN_TO.to_owned()),
        }),
        ..EdgeSettings::default()
    }
}

/// Why it is denied: if nothing else, because nobody has signed its token.
fn admit(request: &EdgeRequest<'_>, policy: &RoutePolicy) -> Option<Denial> {
    match credential::of(request, &policy.sources, &settings().sources) {
        Ok(Some(credential)) => {
            plain(&credential, request);
            let reason =
                if policy.scopes.is_empty() { Reason::BadSignature } else { Reason::InsufficientScope };
            Some(Denial::Refused(Refusal::new(reason, "made up")))
        }
        Ok(None) => {
            let looks = policy.sources.contains(&Source::Authorization);
            assert!(!looks || !has_bearer(request), "a bearer token was overlooked");
            without_credential(policy, request).is_none().then(Denial::missing)
        }
        Err(unusable) => Some(unusable.into()),
    }
}

/// What goes on as it is says nothing but this token.
fn plain(credential: &Credential<'_>, request: &EdgeRequest<'_>) {
    if credential.is_plain {
        let values = request.headers.values("authorization");
        let expected = format!("bearer {}", credential.token).to_ascii_lowercase();
        let is_it = |value: &&[u8]| value.to_ascii_lowercase() == expected.as_bytes();
        assert!(values.len() == 1 && values.iter().all(is_it), "it is not plain");
    }
}

fn has_bearer(request: &EdgeRequest<'_>) -> bool {
    let values = request.headers.values("authorization");
    let mut parts = values.iter().flat_map(|value| value.split(|byte| *byte == b','));
    parts.any(|part| {
        let part = part.trim_ascii().to_ascii_lowercase();
        part == b"bearer" || part.starts_with(b"bearer ")
    })
}

fn told(denial: &Denial, request: &EdgeRequest<'_>, policy: Option<&RoutePolicy>, settings: &EdgeSettings) {
    let reply = reply::of_denial(denial, request, policy, settings);
    for (name, value) in &reply.headers {
        let is_clean = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        assert!(is_clean, "{name} cannot be sent: {value:?}");
    }
    leads_back(&reply, request);
}

/// Whoever is sent to log in comes back to the host that was asked for, without a token in the address.
fn leads_back(reply: &Reply, request: &EdgeRequest<'_>) {
    let Some((_, location)) = reply.headers.iter().find(|(name, _)| *name == "location") else { return };
    let location = Url::parse(location).ok();
    assert_eq!(location.as_ref().and_then(Url::host_str), Some("login.example"));
    let page = location.and_then(|to| {
        let (_, page) = to.query_pairs().find(|(name, _)| name == RETURN_TO)?;
        Some(page.into_owned())
    });
    let Some(page) = page else { return };
    let page = Url::parse(&page).ok();
    let asked = format!("{}://{}", request.scheme.unwrap_or_default(), request.host.unwrap_or_default());
    let asked = Url::parse(&asked).ok();
    let host = |url: &Option<Url>| url.as_ref().and_then(Url::host_str).map(ToOwned::to_owned);
    assert!(page.is_some() && host(&page) == host(&asked), "it leads elsewhere");
    let has_token = page.is_some_and(|page| page.query_pairs().any(|(name, _)| name == TOKEN_PARAMETER));
    assert!(!has_token, "a token goes along");
}
