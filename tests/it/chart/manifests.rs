//! What is rendered, for every committed set of values.

use std::process::Command;

use serde_json::Value;

use super::kit::{all_rendered, chart, committed, decode, files, render_one, sets, success, tool, validated};
use crate::readme::root;

#[test]
fn every_set_of_values_renders_what_was_reviewed() {
    for (name, rendered) in all_rendered() {
        assert_eq!(rendered.error, "", "{name}");
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name.as_str(), format!("{}---\n# NOTES.txt\n{}", rendered.text, rendered.notes));
        });
    }
}

#[test]
fn kubernetes_schemas_take_every_built_in_object_strictly() {
    let mut sets = sets();
    sets.insert("wrong".to_owned(), format!("{}\naffinity: {{nodeAfinity: {{}}}}", sets["minimal"]));
    let mut validated = validated(&sets);
    let wrong = validated.remove("wrong").unwrap().invalid;
    assert!(wrong.iter().any(|problem| problem.contains("nodeAfinity")), "{wrong:?}");
    for (name, rendered) in validated {
        assert!(!rendered.objects.is_empty(), "{name}: {}", rendered.error);
        assert_eq!(rendered.invalid, [""; 0], "{name}");
    }
}

#[test]
fn custom_resources_decode_strictly_into_their_projects_types() {
    let mut kinds = Vec::new();
    for (name, rendered) in all_rendered() {
        let directory = files(&[("manifests.yaml", &rendered.text)]);
        kinds.extend(
            decode(&[directory.path().join("manifests.yaml")])
                .unwrap_or_else(|problem| panic!("{name}: {problem}")),
        );
    }
    kinds.sort();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "MeshConfig",
            "gateway.envoyproxy.io/v1alpha1/ClientTrafficPolicy",
            "gateway.envoyproxy.io/v1alpha1/SecurityPolicy",
            "gateway.networking.k8s.io/v1beta1/ReferenceGrant",
            "monitoring.coreos.com/v1/PodMonitor",
            "monitoring.coreos.com/v1/PrometheusRule",
            "monitoring.coreos.com/v1/ServiceMonitor",
            "networking.istio.io/v1alpha3/EnvoyFilter",
            "security.istio.io/v1/AuthorizationPolicy",
        ]
    );
}

/// A typing mistake in each, of the sort that an API server drops without a word.
#[test]
fn a_misspelt_field_of_a_custom_resource_is_found() {
    for (set, right, misspelt) in [
        ("envoy-gateway", "failOpen: false", "failopen: false"),
        ("envoy-gateway", "earlyRequestHeaders:", "earlyRequestHeader:"),
        ("envoy-gateway-elsewhere", "- {group: \"\", kind: Service", "- {groups: \"\", kind: Service"),
        ("istio", "statusOnError:", "statusOnErr:"),
        ("istio", "provider:", "providers:"),
        ("istio", "request_mutations:", "request_mutation:"),
        ("istio", "workloadSelector:", "workloadSelect:"),
        ("monitored", "scrapeTimeout:", "scrapetimeout:"),
        ("monitored", "runbook_url:", "runbook_url: x\n            runbook_url:"),
        ("sidecar", "podMetricsEndpoints:", "podMetricEndpoints:"),
    ] {
        let text = &committed(set).text;
        assert!(text.contains(right), "{set}: {right}");
        let directory = files(&[("manifests.yaml", &text.replace(right, misspelt))]);
        let decoded = decode(&[directory.path().join("manifests.yaml")]);
        assert!(decoded.is_err(), "{set}: {misspelt} is taken: {decoded:?}");
    }
}

/// Well spelt, and still nothing that the projects' definitions of their resources take: a value, a pattern, a rule in CEL.
#[test]
fn what_an_api_server_would_refuse_is_found() {
    for (set, right, wrong) in [
        ("envoy-gateway", "statusOnError: 503", "statusOnError: 200"),
        ("envoy-gateway", "timeout: 1s", "timeout: 1sec"),
        ("envoy-gateway", "kind: HTTPRoute", "kind: Service"),
        ("envoy-gateway", "port: 50051\n---", "weight: 1\n---"),
        ("istio", "action: CUSTOM", "action: CUSTOMARY"),
    ] {
        let text = &committed(set).text;
        assert!(text.contains(right), "{set}: {right}");
        let directory = files(&[("manifests.yaml", &text.replace(right, wrong))]);
        let decoded = decode(&[directory.path().join("manifests.yaml")]);
        assert!(decoded.is_err(), "{set}: {wrong} is taken: {decoded:?}");
    }
}

#[test]
fn helm_three_lints_strictly_and_renders_the_same_as_helm_four() {
    let helm = tool("bin/helm");
    for (name, rendered) in all_rendered() {
        let values = root().join(format!("tests/it/chart/values/{name}.yaml"));
        let run = |arguments: &[&str]| {
            let common = ["--kube-version", "1.30", "--values"];
            Command::new(&helm).args(arguments).args(common).arg(&values).arg(chart()).output().unwrap()
        };
        success(&run(&["lint", "--strict", "--quiet"]));
        let output = run(&["template", "cs", "--namespace", "tokens"]);
        let printed = String::from_utf8(success(&output).stdout.clone()).unwrap();
        let lines = |text: &str| {
            let mut lines: Vec<_> = text
                .lines()
                .map(str::trim_end)
                .filter(|line| !line.is_empty() && !line.starts_with(['#', '-']))
                .map(str::to_owned)
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&printed), lines(&rendered.text), "{name}");
    }
}

/// Every selector of ours finds the pods it is about, and none finds the pod of `helm test`, which has to ask from outside.
#[test]
fn selectors_find_the_pods_and_not_the_test() {
    for (name, rendered) in all_rendered().iter().filter(|(name, _)| !name.starts_with("sidecar")) {
        let kind = if rendered.all("Deployment").is_empty() { "StatefulSet" } else { "Deployment" };
        let workload = rendered.all(kind)[0];
        let pods = &workload["spec"]["template"]["metadata"]["labels"];
        let test = &rendered.all("Pod")[0]["metadata"]["labels"];
        let mut selectors = vec![&workload["spec"]["selector"]["matchLabels"]];
        selectors.extend(rendered.all("Service").into_iter().map(|service| &service["spec"]["selector"]));
        selectors.extend(
            rendered
                .all("PodDisruptionBudget")
                .into_iter()
                .map(|budget| &budget["spec"]["selector"]["matchLabels"]),
        );
        selectors.extend(
            rendered
                .all("NetworkPolicy")
                .into_iter()
                .map(|policy| &policy["spec"]["podSelector"]["matchLabels"]),
        );
        for selector in selectors {
            assert!(selects(selector, pods), "{name}: {selector} does not select {pods}");
            assert!(!selects(selector, test), "{name}: {selector} selects the test");
        }
        for policy in rendered.all("NetworkPolicy") {
            let caller = &policy["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"];
            assert!(selects(caller, test), "{name}: the test may not call");
        }
    }
}

/// What a namespace's quota and its nodes ask of a pod, they ask of that one, too.
#[test]
fn the_test_runs_where_and_as_the_pods_do() {
    for name in ["minimal", "named"] {
        let rendered = committed(name);
        let pods = &rendered.all("StatefulSet")[0]["spec"]["template"]["spec"];
        let test = &rendered.all("Pod")[0]["spec"];
        for field in ["nodeSelector", "tolerations", "priorityClassName", "runtimeClassName"] {
            assert_eq!(test[field], pods[field], "{name}: {field}");
            assert_eq!(test[field].is_null(), name == "minimal", "{name}: {field}");
        }
        assert_eq!(test["containers"][0]["resources"], pods["containers"][0]["resources"], "{name}");
    }
}

fn selects(selector: &Value, labels: &Value) -> bool {
    let selector = selector.as_object().unwrap();
    !selector.is_empty() && selector.iter().all(|(key, value)| labels[key] == *value)
}

#[test]
fn prometheus_scrapes_each_pod_once() {
    let rendered = committed("monitored");
    let monitor = rendered.one("ServiceMonitor", "cs-countersign");
    let found: Vec<_> = rendered
        .all("Service")
        .into_iter()
        .filter(|service| {
            selects(&monitor["spec"]["selector"]["matchLabels"], &service["metadata"]["labels"])
        })
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let ports = found[0]["spec"]["ports"].as_array().unwrap();
    assert!(ports.iter().any(|port| port["name"] == monitor["spec"]["endpoints"][0]["port"]));
}

/// Between SIGTERM and SIGKILL there has to be time for the pause, all of the drain and what comes behind it.
#[test]
fn a_pod_has_longer_than_its_drain() {
    for (drain, grace) in [("25s", 40), ("1500ms", 17), ("2m", 135), ("1h", 3615)] {
        let values =
            sets()["minimal"].replace("config:\n", &format!("config:\n  limits: {{drain: {drain}}}\n"));
        let rendered = render_one(&values);
        let pod = &rendered.one("StatefulSet", "cs-countersign")["spec"]["template"]["spec"];
        assert_eq!(pod["terminationGracePeriodSeconds"], grace, "{drain}");
    }
}

#[test]
fn a_budget_honours_the_fewest_replicas() {
    let base = &sets()["redis"];
    for (more, expected) in [
        ("replicas: 1", Some(("maxUnavailable", serde_json::json!(1)))),
        ("replicas: 3", Some(("maxUnavailable", serde_json::json!(1)))),
        ("podDisruptionBudget: {enabled: false}", None),
        ("autoscaling: {enabled: true, minReplicas: 2}", Some(("maxUnavailable", serde_json::json!(1)))),
        (
            "replicas: 4\npodDisruptionBudget: {minAvailable: 50%}",
            Some(("minAvailable", serde_json::json!("50%"))),
        ),
    ] {
        let rendered = render_one(&format!("{base}\n{more}"));
        assert_eq!(rendered.error, "");
        let budget = rendered.all("PodDisruptionBudget").first().map(|budget| budget["spec"].clone());
        match expected {
            None => assert!(budget.is_none(), "{more}: {budget:?}"),
            Some((field, value)) => assert_eq!(budget.unwrap()[field], value, "{more}"),
        }
    }
}

/// Names of Services and values of labels have at most 63 characters, and a StatefulSet's pods get eleven more.
#[test]
fn long_names_are_cut_to_what_kubernetes_takes() {
    let long = "a".repeat(63);
    for set in ["minimal", "redis", "sidecar", "istio", "monitored"] {
        let rendered =
            render_one(&format!("{}\nnameOverride: {long}\nfullnameOverride: {long}", sets()[set]));
        assert_eq!(rendered.error, "", "{set}");
        for object in &rendered.objects {
            let name = object["metadata"]["name"].as_str().unwrap();
            let most = if object["kind"] == "StatefulSet" { 52 } else { 63 };
            assert!(name.len() <= most, "{set}: {name}");
            for (label, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
                let value = value.as_str().unwrap();
                assert!(value.len() <= 63 && !value.ends_with('-'), "{set}: {label}: {value}");
            }
        }
    }
}

/// Helm reads numbers as floating ones, and prints those from a million on as such.
#[test]
fn large_numbers_stay_whole() {
    let redis = render_one(&format!(
        "{}\nreplicas: 2000000\nminReadySeconds: 1000000\nterminationGracePeriodSeconds: 3000000\npodSecurityContext: {{fsGroup: 1000650000}}\npodDisruptionBudget: {{maxUnavailable: 1000000}}",
        sets()["redis"]
    ));
    assert_eq!(redis.error, "");
    let spec = &redis.one("Deployment", "cs-countersign")["spec"];
    assert_eq!((&spec["replicas"], &spec["minReadySeconds"]), (&2_000_000.into(), &1_000_000.into()));
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["terminationGracePeriodSeconds"], 3_000_000);
    assert_eq!(pod["securityContext"]["fsGroup"], 1_000_650_000);
    let budget = &redis.one("PodDisruptionBudget", "cs-countersign")["spec"];
    assert_eq!(budget["maxUnavailable"], 1_000_000);
    let minimal = render_one(&format!("{}\nminReadySeconds: 1000000", sets()["minimal"]));
    assert_eq!(minimal.one("StatefulSet", "cs-countersign")["spec"]["minReadySeconds"], 1_000_000);
    let sidecar = render_one(&format!("{}\nsidecar: {{fsGroup: 1000650000}}", sets()["sidecar"]));
    let pod = &sidecar.one("Deployment", "application")["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["fsGroup"], 1_000_650_000);
}

/// Kubernetes takes names of digits alone, and YAML takes them for numbers.
#[test]
fn names_of_digits_stay_names() {
    let names = "nameOverride: \"007\"\nserviceAccount: {name: \"12\"}\npriorityClassName: \"13\"\nruntimeClassName: \"14\"\nfullnameOverride: tokens";
    let with = |set: &str, more: &str| format!("{}\n{names}\n{more}", sets()[set]);
    let redis =
        sets()["redis"].replace("countersign-key-ring", "\"42\"").replace("countersign-redis", "\"43\"");
    let envoy = "envoy: {identityHeaders: [\"99\"]}";
    let values: std::collections::BTreeMap<_, _> = [
        ("redis", format!("{redis}\n{names}")),
        ("minimal", with("minimal", "persistence: {storageClassName: \"15\", size: \"1000000000\"}")),
        (
            "envoy-gateway",
            with(
                "minimal",
                &format!(
                    "{envoy}\nenvoyGateway: {{enabled: true, namespace: \"123\", gateway: \"16\", proxyNamespace: \"17\", targetRefs: [{{kind: HTTPRoute, name: \"18\"}}]}}"
                ),
            ),
        ),
        (
            "istio",
            with(
                "minimal",
                &format!("{envoy}\nistio: {{enabled: true, namespace: \"123\", provider: \"19\", selector: {{app: \"20\"}}}}"),
            ),
        ),
    ]
    .map(|(name, values)| (name.to_owned(), values))
    .into();
    for (name, rendered) in validated(&values) {
        assert_eq!(rendered.error, "", "{name}");
        assert_eq!(rendered.invalid, [""; 0], "{name}");
        let directory = files(&[("manifests.yaml", &rendered.text)]);
        let decoded = decode(&[directory.path().join("manifests.yaml")]);
        decoded.unwrap_or_else(|problem| panic!("{name}: {problem}"));
    }
}

/// Containers beside ours may say nothing of what they need, and may be at work when ours is not.
#[test]
fn the_autoscaler_measures_our_container_alone() {
    let beside = "extraContainers: [{name: beside, image: beside}]";
    let rendered = render_one(&format!("{}\n{beside}", sets()["autoscaled"]));
    let containers = &rendered.one("Deployment", "cs-countersign")["spec"]["template"]["spec"]["containers"];
    let autoscaler = &rendered.one("HorizontalPodAutoscaler", "cs-countersign")["spec"];
    let [metric] = autoscaler["metrics"].as_array().unwrap().as_slice() else {
        panic!("{autoscaler}");
    };
    assert_eq!(metric["type"], "ContainerResource");
    assert_eq!(metric["containerResource"]["container"], containers[0]["name"]);
    assert!(containers[0]["resources"]["requests"]["cpu"].is_string(), "{containers}");
}
