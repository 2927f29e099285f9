//! Who reaches the pods, and whom they reach: as long as callers cannot be told apart, the network policy is what keeps others out.

use serde_json::{Value, json};

use super::kit::{Rendered, all_rendered, committed, render_one, render_without_schema, sets};

fn policy(rendered: &Rendered) -> &Value {
    &rendered.one("NetworkPolicy", "cs-countersign")["spec"]
}

fn peers<'p>(policy: &'p Value, port: &str) -> Vec<&'p Value> {
    let rules = policy["ingress"].as_array().unwrap().iter();
    let of_port = rules.filter(|rule| rule["ports"][0]["port"] == port);
    of_port.flat_map(|rule| rule["from"].as_array().unwrap()).collect()
}

fn reached(policy: &Value) -> Vec<u64> {
    let rules = policy["egress"].as_array().unwrap().iter();
    let ports = rules.flat_map(|rule| rule["ports"].as_array().unwrap());
    ports.map(|port| port["port"].as_u64().unwrap()).collect()
}

/// A rule without peers would let everybody in.
#[test]
fn nobody_gets_in_who_is_not_named() {
    for (name, rendered) in all_rendered() {
        for policy in rendered.all("NetworkPolicy") {
            let policy = &policy["spec"];
            assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]), "{name}");
            for rule in policy["ingress"].as_array().unwrap() {
                assert!(rule["from"].as_array().is_some_and(|from| !from.is_empty()), "{name}: {rule}");
                for peer in rule["from"].as_array().unwrap() {
                    assert!(peer.as_object().is_some_and(|peer| !peer.is_empty()), "{name}: {rule}");
                }
            }
        }
    }
    let open = &sets()["ephemeral"];
    assert!(
        open.contains("networkPolicy: {enabled: false}")
            && render_one(open).notes.contains("WARNING: networkPolicy.enabled is false")
    );
}

#[test]
fn callers_are_pods_with_the_label_and_whoever_the_values_name() {
    let own = json!({"podSelector": {"matchLabels": {"cs-countersign-client": "true"}}});
    assert_eq!(peers(policy(committed("minimal")), "grpc"), [&own]);
    assert!(peers(policy(committed("minimal")), "csign-admin").is_empty());
    let shop = json!({"namespaceSelector": {"matchLabels": {"team": "shop"}}});
    assert_eq!(peers(policy(committed("addresses")), "grpc"), [&own, &shop]);
    let monitoring =
        json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}});
    assert_eq!(peers(policy(committed("monitored")), "csign-admin"), [&monitoring]);
}

#[test]
fn envoys_that_ask_are_let_in() {
    let gateway = json!({
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "envoy"}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/component": "proxy", "app.kubernetes.io/managed-by": "envoy-gateway"}},
    });
    assert_eq!(peers(policy(committed("envoy-gateway-elsewhere")), "grpc")[1], &gateway);
    let sidecars = json!({
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}},
        "podSelector": {"matchLabels": {"app": "orders"}},
    });
    assert_eq!(peers(policy(committed("istio")), "grpc")[1], &sidecars);
    let gateways = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tokens"}}});
    assert_eq!(peers(policy(committed("istio-gateway")), "grpc")[1], &gateways);
}

#[test]
fn what_the_configuration_names_is_reached_and_nothing_else() {
    assert_eq!(reached(policy(committed("minimal"))), [53, 53, 443]);
    assert_eq!(reached(policy(committed("redis"))), [53, 53, 443, 6379]);
    assert_eq!(
        reached(policy(committed("addresses"))),
        [53, 53, 443, 8443, 9443, 6379, 6380, 6381, 4317, 3128]
    );
    let plain =
        sets()["minimal"].replace("https://id.acme.example,", "http://id.acme.example, allow_http: true,");
    assert_eq!(reached(policy(&render_one(&plain))), [53, 53, 443, 80]);
    let sentinels = sets()["redis"].replace("durability:", "sentinel: {master: countersign}, durability:");
    assert_eq!(reached(policy(&render_one(&sentinels))), [53, 53, 443, 6379, 26379]);
}

/// What a pod says to itself, no policy is about.
#[test]
fn a_collector_in_the_pod_opens_nothing() {
    let with = |url: &str| {
        let section = format!("config:\n  telemetry: {{otlp_endpoint: \"{url}\"}}\n");
        let rendered = render_one(&sets()["minimal"].replacen("config:\n", &section, 1));
        assert_eq!(rendered.error, "", "{url}");
        reached(policy(&rendered)).split_off(3)
    };
    for url in ["http://127.0.0.1:4317", "http://localhost:4317", "http://[::1]:4317/", "https://localhost"] {
        assert_eq!(with(url), [0; 0], "{url}");
    }
    for url in ["http://127.0.0.1.example:4317", "http://localhost.example:4317", "http://10.0.0.1:4317"] {
        assert_eq!(with(url), [4317], "{url}");
    }
}

/// A URL that is written out says its ports, also by saying none.
#[test]
fn redis_is_reached_where_its_url_says() {
    let redis = |url: &str, more: &str| {
        let values = sets()["redis"]
            .replace("url: {file: /etc/countersign/secrets/redis/url}", &format!("url: \"{url}\"{more}"));
        let rendered = render_one(&format!("{values}\nnetworkPolicy: {{redis: {{ports: [6390]}}}}"));
        assert_eq!(rendered.error, "", "{url}");
        reached(policy(&rendered)).split_off(3)
    };
    assert_eq!(redis("rediss://redis.example", ""), [6390, 6379]);
    assert_eq!(redis("rediss://redis.example/1", ""), [6390, 6379]);
    assert_eq!(redis("rediss://[fd00::1]:6380", ""), [6390, 6380]);
    assert_eq!(redis("rediss://[fd00::1]", ""), [6390, 6379]);
    assert_eq!(redis("rediss://a:6380,b", ", cluster: true"), [6390, 6380, 6379]);
    assert_eq!(redis("rediss://a:26380,b", ", sentinel: {master: a}"), [6390, 26379, 26380]);
}

/// Checks over HTTP have a port of their own, where they are answered for other pods.
#[test]
fn checks_over_http_are_reached_where_they_listen_for_others() {
    let with = |http: &str| sets()["minimal"].replace("config:\n", &format!("config:\n  http: {http}\n"));
    let ports = |rendered: &Rendered| {
        rendered.one("Service", "cs-countersign")["spec"]["ports"].as_array().unwrap().len()
    };
    for none in [
        "off",
        "{listen: off}",
        "{listen: 127.0.0.1:8081}",
        "{listen: \"[::1]:8081\"}",
        "{listen: unix:/tmp/a}",
    ] {
        let rendered = render_without_schema(&with(none));
        assert_eq!(ports(&rendered), 1, "{none}");
    }
    let rendered = render_without_schema(&with("{listen: 0.0.0.0:8081}"));
    let service = &rendered.one("Service", "cs-countersign")["spec"]["ports"][1];
    assert_eq!((&service["port"], &service["targetPort"]), (&json!(8080), &json!("csign-http")));
    let container =
        &rendered.one("StatefulSet", "cs-countersign")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        container["ports"][1],
        json!({"name": "csign-http", "containerPort": 8081, "protocol": "TCP"})
    );
    assert_eq!(policy(&rendered)["ingress"][0]["ports"][1]["port"], "csign-http");
    let refused =
        render_without_schema(&with("{listen: 0.0.0.0:8081}").replace("caller: true", "caller: false"));
    assert!(refused.error.contains("* config.http.listen: is reached from other pods"), "{}", refused.error);
}
