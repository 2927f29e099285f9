//! What the control planes of Envoy are told, by the chart and by the plain manifests in `examples`.

use std::{collections::BTreeSet, path::PathBuf};

use super::kit::{committed, decode, render_one, render_without_schema, sets};
use crate::readme::root;

/// What is removed, one name a line.
fn removed(text: &str, prefix: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix(prefix))
        .filter(|name| name.starts_with('x'))
        .map(str::to_owned)
        .collect()
}

/// Every spelling of a name that an application may take for it.
fn spellings(name: &str) -> Vec<String> {
    let dashes: Vec<_> = name.match_indices('-').map(|(at, _)| at).collect();
    (0..1_u32 << dashes.len())
        .map(|choice| {
            let mut bytes = name.as_bytes().to_vec();
            for (bit, at) in dashes.iter().enumerate() {
                if choice >> bit & 1 == 1 {
                    bytes[*at] = b'_';
                }
            }
            String::from_utf8(bytes).unwrap()
        })
        .collect()
}

fn identity() -> BTreeSet<String> {
    ["subject", "issuer", "session", "scopes", "roles", "organization", "expires", "omitted"]
        .iter()
        .flat_map(|name| spellings(&format!("x-auth-{name}")))
        .collect()
}

#[test]
fn identity_headers_are_removed_in_every_spelling_before_the_check() {
    assert_eq!(identity().len(), 32);
    assert_eq!(removed(&committed("envoy-gateway").text, "- "), identity());
    assert_eq!(removed(&committed("istio").text, "- remove: "), identity());
    let own = format!("{}\nenvoy: {{identityHeaders: [x-user, x-user-roles]}}", sets()["istio"]);
    let mut expected = identity();
    expected.extend(["x-user", "x-user-roles"].into_iter().flat_map(spellings));
    let rendered = render_one(&own);
    assert_eq!(removed(&rendered.text, "- remove: "), expected, "the service's own names are removed, too");
    // Istio has no limit, and neither has who removes nothing.
    for values in [
        format!("{}\nenvoy: {{identityHeaders: [x-b-c-d-e-f-g-h]}}", sets()["istio"]),
        format!(
            "{}\nenvoy: {{stripIdentityHeaders: false, identityHeaders: [x-b-c-d-e-f-g-h]}}",
            sets()["envoy-gateway"]
        ),
    ] {
        assert_eq!(render_one(&values).error, "");
    }
}

/// What the service is told to call them is removed, too; `off` is none, and its default name is removed all the same.
#[test]
fn names_from_the_configuration_are_removed_as_well() {
    let values = sets()["istio"]
        .replace("config:\n", "config:\n  ext_authz: {headers: {subject: X-User, roles: off}}\n");
    let mut expected = identity();
    expected.extend(["x-user", "x_user"].map(str::to_owned));
    let rendered = render_without_schema(&values);
    assert_eq!(removed(&rendered.text, "- remove: "), expected, "{}", rendered.error);
}

/// 403 would tell a user that the token is no good, and nobody is let in unless that is written.
#[test]
fn who_cannot_be_asked_is_a_503_and_lets_nobody_in() {
    let gateway = committed("envoy-gateway");
    let auth = &gateway.one("SecurityPolicy", "cs-countersign")["spec"]["extAuth"];
    assert_eq!(
        (&auth["statusOnError"], &auth["failOpen"], &auth["timeout"]),
        (&503.into(), &false.into(), &"1s".into())
    );
    assert_eq!(auth["grpc"]["backendRefs"][0]["name"], "cs-countersign");
    let istio = &committed("istio").text;
    for line in [
        "statusOnError: \"503\"",
        "failOpen: false",
        "timeout: 1s",
        "service: cs-countersign.tokens.svc.cluster.local",
        "port: 50051",
    ] {
        assert!(istio.lines().any(|found| found.trim() == line), "{line}");
    }
}

#[test]
fn a_policy_in_another_namespace_is_allowed_to_name_the_service() {
    let rendered = committed("envoy-gateway-elsewhere");
    let policy = rendered.one("SecurityPolicy", "cs-countersign");
    assert_eq!(policy["metadata"]["namespace"], "shop");
    assert_eq!(policy["spec"]["extAuth"]["grpc"]["backendRefs"][0]["namespace"], "tokens");
    // A policy's values are texts, whatever YAML takes them for.
    let context = &policy["spec"]["extAuth"]["contextExtensions"];
    assert_eq!(context[0], serde_json::json!({"name": "optional", "type": "Value", "value": "true"}));
    let grant = rendered.one("ReferenceGrant", "cs-countersign");
    assert!(grant["metadata"]["namespace"].is_null(), "it belongs where the Service is");
    assert_eq!(grant["spec"]["from"][0]["namespace"], "shop");
    assert!(committed("envoy-gateway").all("ReferenceGrant").is_empty());
}

fn example(name: &str) -> (PathBuf, String) {
    let path = root().join("examples").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

#[test]
fn the_plain_manifests_are_what_the_control_planes_take_and_say_what_the_chart_says() {
    let (gateway, text) = example("envoy-gateway/countersign.yaml");
    assert_eq!(removed(&text, "- "), identity());
    for line in ["statusOnError: 503", "failOpen: false", "timeout: 1s"] {
        assert!(text.lines().any(|found| found.trim() == line), "{line}");
    }
    let kinds = decode(&[gateway]).unwrap();
    for kind in ["SecurityPolicy", "ClientTrafficPolicy", "HTTPRoute", "Gateway", "ReferenceGrant"] {
        assert!(kinds.iter().any(|found| found.ends_with(kind)), "{kind} is not among {kinds:?}");
    }
    let (policy, text) = example("istio/countersign.yaml");
    assert_eq!(removed(&text, "- remove: "), identity());
    let (provider, text) = example("istio/istiod-values.yaml");
    for line in ["statusOnError: \"503\"", "failOpen: false", "timeout: 1s"] {
        assert!(text.lines().any(|found| found.trim() == line), "{line}");
    }
    let kinds = decode(&[policy, provider]).unwrap();
    assert_eq!(
        kinds,
        [
            "security.istio.io/v1/AuthorizationPolicy",
            "networking.istio.io/v1alpha3/EnvoyFilter",
            "MeshConfig"
        ]
    );
}

/// Helm takes the newest chart where no version is said: a new provider would come with a new control plane.
#[test]
fn a_provider_is_told_to_the_istio_that_is_installed() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let rendered = committed("istio");
    for text in [
        &rendered.text,
        &rendered.notes,
        &read("docs/kubernetes.md"),
        &read("examples/istio/istiod-values.yaml"),
    ] {
        let commands: Vec<_> = text.lines().filter(|line| line.contains("helm upgrade istiod ")).collect();
        assert_eq!(commands.len(), 1, "{text}");
        assert!(commands[0].contains(" --version "), "{commands:?}");
    }
}
