//! What would open more than was meant, close what has to be open, or stand in its own way.

use super::{
    kit::{committed, render_one},
    refusals::{base, inside, refused, with},
};

#[test]
fn a_rule_that_would_be_one_for_everybody_is_refused() {
    let minimal = &base("minimal");
    let redis = &base("redis");
    refused(&[
        (
            with(redis, "networkPolicy: {redis: {ports: []}}"),
            "* networkPolicy.redis.ports: without any, every port would be open",
        ),
        (with(minimal, "networkPolicy: {callers: [{}]}"), "'/networkPolicy/callers/0'"),
        (with(minimal, "networkPolicy: {scrapers: [{}]}"), "'/networkPolicy/scrapers/0'"),
        (with(minimal, "networkPolicy: {issuers: [{}]}"), "'/networkPolicy/issuers/0'"),
        (with(redis, "networkPolicy: {redis: {to: [{}]}}"), "'/networkPolicy/redis/to/0'"),
    ]);
}

/// Written out in a URL, it would be in a ConfigMap, and is not repeated in what says so.
#[test]
fn a_password_in_the_configuration_is_refused() {
    let minimal = &base("minimal");
    let redis = &base("redis");
    let url = "url: {file: /etc/countersign/secrets/redis/url}";
    let cases = [
        (
            redis.replace(url, "url: \"rediss://u:hunter2@redis.example\""),
            "* config.store.url: has a user or a password",
        ),
        (
            redis.replace(url, "url: \"redis://:hunter2/@redis.example\""),
            "* config.store.url: has a user or a password",
        ),
        (
            inside(minimal, "telemetry: {otlp_endpoint: \"https://u:hunter2@collector.example\"}"),
            "* config.telemetry.otlp_endpoint: has a user or a password in it, and a ConfigMap is no place for one: take it out",
        ),
        (
            minimal.replace("https://id.acme.example,", "\"https://u:hunter2@id.acme.example\","),
            "* config.issuers[0].issuer: has a user or a password",
        ),
    ];
    refused(&cases);
    for (values, _) in cases {
        assert!(!render_one(&values).error.contains("hunter2"), "{values}");
    }
}

#[test]
fn nobody_has_to_ask_himself_whether_he_may_be_asked() {
    let minimal = &base("minimal");
    refused(&[
        (
            with(minimal, "istio: {enabled: true}"),
            "* istio.selector: everything in the namespace tokens would be checked, and Countersign, too",
        ),
        (
            with(minimal, "istio: {enabled: true, namespace: istio-system}"),
            "* istio.selector: everything in the mesh would be checked",
        ),
        (
            with(minimal, "istio: {enabled: true, selector: {app.kubernetes.io/instance: cs}}"),
            "* istio.selector: chooses Countersign's own pods",
        ),
    ]);
}

#[test]
fn two_that_would_be_in_one_place_are_refused() {
    let minimal = &base("minimal");
    refused(&[
        (
            inside(minimal, "listen: 0.0.0.0:9090"),
            "* config.admin.listen: config.listen is at port 9090 already",
        ),
        (
            inside(minimal, "http: {listen: \"0.0.0.0:50051\"}"),
            "* config.http.listen: config.listen is at port 50051 already",
        ),
        (
            with(&inside(minimal, "http: {listen: \"0.0.0.0:8081\"}"), "service: {port: 8080}"),
            "* service.httpPort: is service.port",
        ),
        (
            inside(minimal, "listen: [127.0.0.1:1, \"0.0.0.0:50051\", \"0.0.0.0:50052\"]"),
            "* config.listen: 0.0.0.0:50052 is a second port for other pods",
        ),
        (
            inside(minimal, "listen: [\"0.0.0.0:50051\", unix:/tmp/a]"),
            "* config.listen: unix:/tmp/a is in no directory that can be written to",
        ),
        (
            inside(minimal, "store: {path: /var/lib/countersign/../a.redb}"),
            "* config.store.path: must be in /var/lib/countersign/",
        ),
    ]);
    let mounted =
        "volumes: [{name: run, emptyDir: {}}]\nvolumeMounts: [{name: run, mountPath: /run/tokens/}]";
    let values = with(&inside(minimal, "listen: [\"0.0.0.0:50051\", unix:/run/tokens/a]"), mounted);
    assert_eq!(render_one(&values).error, "");
}

#[test]
fn names_that_kubernetes_would_not_take_are_mended_or_refused() {
    let minimal = &base("minimal");
    refused(&[
        (
            with(minimal, "fullnameOverride: 1tokens"),
            "* fullnameOverride: `1tokens` cannot be a Service's name",
        ),
        (
            with(minimal, "fullnameOverride: \"null\""),
            "* fullnameOverride: `null` cannot be a Service's name",
        ),
        (
            with(minimal, "commonLabels: {app.kubernetes.io/name: a}"),
            "* commonLabels: `app.kubernetes.io/name` is a label that this chart writes itself",
        ),
        (
            with(minimal, "podLabels: {app.kubernetes.io/instance: a}"),
            "* podLabels: `app.kubernetes.io/instance` is a label",
        ),
        (
            with(minimal, "commonLabels: {team: a}\npodLabels: {team: b}"),
            "* podLabels: `team` is in commonLabels already",
        ),
        (
            with(&base("monitored"), "commonLabels: {release: prometheus}"),
            "* serviceMonitor.labels: `release` is in commonLabels already",
        ),
        (
            with(&base("monitored"), "commonLabels: {release: prometheus}"),
            "* prometheusRule.labels: `release` is in commonLabels already",
        ),
        (
            with(minimal, "prometheusRule: {labels: {helm.sh/chart: a}}"),
            "* prometheusRule.labels: `helm.sh/chart` is a label that this chart writes itself",
        ),
        (
            with(minimal, "podAnnotations: {checksum/restart-keys: a}"),
            "* podAnnotations: `checksum/restart-keys` is an annotation that this chart writes itself",
        ),
    ]);
    let dotted = render_one(&with(minimal, "fullnameOverride: tokens.v2"));
    dotted.one("Service", "tokens-v2");
    let cut = format!("nameOverride: {}.{}", "a".repeat(57), "b".repeat(9));
    let cut = render_one(&with(minimal, &cut));
    let label = &cut.all("StatefulSet")[0]["metadata"]["labels"]["app.kubernetes.io/name"];
    assert_eq!(label, &"a".repeat(57));
}

#[test]
fn what_is_taken_away_is_said_to_be_missing() {
    let minimal = &base("minimal");
    let cases =
        ["securityContext", "podSecurityContext", "networkPolicy", "service", "envoy", "commonLabels"];
    let missing: Vec<_> = cases
        .iter()
        .map(|key| (with(minimal, &format!("{key}: null")), format!("missing property '{key}'")))
        .chain([
            ("config: null\nimage: {repository: a}".to_owned(), "missing property 'config'".to_owned()),
            ("image: null".to_owned(), "missing property 'image'".to_owned()),
        ])
        .collect();
    let cases: Vec<_> = missing.iter().map(|(values, said)| (values.clone(), said.as_str())).collect();
    refused(&cases);
}

#[test]
fn a_port_for_everybody_is_opened_only_where_that_is_written() {
    let open = &with(&base("minimal"), "networkPolicy: {enabled: false}");
    for kind in ["LoadBalancer", "NodePort"] {
        let sentence =
            format!("* service.type: a {kind} without networkPolicy.enabled lets whoever reaches it");
        refused(&[(with(open, &format!("service: {{type: {kind}}}")), &sentence)]);
        let meant = with(open, &format!("service: {{type: {kind}, exposedToAnybody: true}}"));
        assert_eq!(render_one(&meant).error, "");
    }
}

/// The network policy lets in pods of this namespace, which no load balancer is needed for.
#[test]
fn a_port_for_others_that_none_of_them_gets_through_is_refused() {
    let minimal = &base("minimal");
    let balanced = &with(minimal, "service: {type: LoadBalancer, externalTrafficPolicy: Local}");
    refused(&[
        (balanced.clone(), "* service.type: a LoadBalancer is for callers from outside"),
        (
            with(minimal, "service: {type: NodePort}"),
            "* service.type: a NodePort is for callers from outside",
        ),
        (
            with(minimal, "service: {externalTrafficPolicy: Local}"),
            "* service.externalTrafficPolicy: nothing from outside comes to a ClusterIP",
        ),
        (with(minimal, "service: {externalTrafficPolicy: local}"), "'/service/externalTrafficPolicy'"),
    ]);
    let named = render_one(&with(balanced, "networkPolicy: {callers: [{ipBlock: {cidr: 192.0.2.0/24}}]}"));
    assert_eq!(named.error, "");
    let service = &named.one("Service", "cs-countersign")["spec"];
    assert_eq!(service["externalTrafficPolicy"], "Local");
}

/// The pod is somebody else's: its group changes who owns the files of all its volumes.
#[test]
fn a_sidecar_changes_the_pods_group_only_if_asked() {
    let pod = |rendered: &super::kit::Rendered| {
        rendered.one("Deployment", "application")["spec"]["template"]["spec"].clone()
    };
    let plain = pod(committed("sidecar"));
    assert!(plain["securityContext"].is_null(), "{plain}");
    assert!(modes(&plain).iter().all(|mode| *mode == 0o444), "readable without a group: {plain}");
    let asked = pod(&render_one(&with(&base("sidecar"), "sidecar: {fsGroup: 2000}")));
    assert_eq!(asked["securityContext"]["fsGroup"], 2000);
    assert!(modes(&asked).iter().all(|mode| *mode == 0o440), "{asked}");
}

/// Where the cluster gives each namespace a group of its own, and where there is none.
#[test]
fn secrets_are_readable_without_a_group_too() {
    let pod = |more: &str| {
        let rendered = render_one(&with(&base("redis"), more));
        rendered.one("Deployment", "cs-countersign")["spec"]["template"]["spec"].clone()
    };
    assert_eq!(modes(&pod("")), [0o440, 0o440]);
    assert_eq!(modes(&pod("podSecurityContext: {runAsUser: null, fsGroup: null}")), [0o444, 0o444]);
}

fn modes(pod: &serde_json::Value) -> Vec<u64> {
    let volumes = pod["volumes"].as_array().unwrap().iter();
    let modes: Vec<_> = volumes.filter_map(|volume| volume["secret"]["defaultMode"].as_u64()).collect();
    assert_eq!(modes.len(), 2, "the key ring and Redis");
    modes
}

#[test]
fn what_prometheus_is_to_read_it_may_read() {
    let read = |rendered: &super::kit::Rendered| rendered.configuration().contains("metrics: network");
    assert!(read(committed("monitored")));
    assert!(read(committed("sidecar")));
    assert!(!read(committed("minimal")));
    let written = inside(&base("monitored"), "admin: {listen: \"0.0.0.0:9099\"}");
    assert!(read(&render_one(&written)), "beside what else is written");
    let alone = render_one(&inside(&base("minimal"), "admin: {metrics: network}"));
    assert!(
        alone.configuration().contains("listen: 0.0.0.0:9090"),
        "the port is the chart's to know: {}",
        alone.error
    );
}

/// With `OrderedReady`, a rollback would wait for the pod that cannot start.
#[test]
fn a_rollback_does_not_wait_for_what_it_replaces() {
    let set = &committed("minimal").one("StatefulSet", "cs-countersign")["spec"];
    assert_eq!(set["podManagementPolicy"], "Parallel");
}
