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
        (redis.replace(url, "url: \"rediss://u:hunter2@redis.example\""), "* config.store.url: has a user or a password"),
        (redis.replace(url, "url: \"redis://:hunter2/@redis.example\""), "* config.store.url: has a user or a password"),
        (
            inside(minimal, "telemetry: {otlp_endpoint: \"https://u:hunter2@collector.example\"}"),
            "* config.telemetry.otlp_endpoint: has a user or a password",
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

/// With `OrderedReady`, a rollback would wait for the pod that cannot start.
#[test]
fn a_rollback_does_not_wait_for_what_it_replaces() {
    let set = &committed("minimal").one("StatefulSet", "cs-countersign")["spec"];
    assert_eq!(set["podManagementPolicy"], "Parallel");
}
