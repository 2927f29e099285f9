//! Countersign where Istio is: out of the mesh itself, and asked only by proxies whose identity headers the chart takes out.

use serde_json::Value;

use super::{
    kit::{Rendered, all_rendered, render_one},
    refusals::{base, refused, with},
};

/// Whether Istio would put a proxy beside it, or ztunnel take its connections.
fn mesh(labels: &Value) -> (&str, &str) {
    let said = |label: &str| labels[label].as_str().unwrap();
    (said("sidecar.istio.io/inject"), said("istio.io/dataplane-mode"))
}

fn labels(rendered: &Rendered) -> (&Value, &Value) {
    let workload = rendered
        .objects
        .iter()
        .find(|object| ["Deployment", "StatefulSet"].map(Value::from).contains(&object["kind"]));
    let pods = &workload.unwrap()["spec"]["template"]["metadata"]["labels"];
    (
        pods,
        &rendered.one("Pod", &format!("{}-test", workload.unwrap()["metadata"]["name"].as_str().unwrap()))["metadata"]
            ["labels"],
    )
}

/// The network policy lets nobody reach istiod, without which a proxy in the pod is never ready.
#[test]
fn pods_stay_out_of_the_mesh_unless_asked() {
    for (name, rendered) in all_rendered().iter().filter(|(name, _)| !name.starts_with("sidecar")) {
        let (pods, test) = labels(rendered);
        assert_eq!(mesh(pods), ("false", "none"), "{name}");
        assert_eq!(mesh(test), ("false", "none"), "{name}");
    }
    let asked = render_one(&with(
        &base("istio"),
        "podLabels: {sidecar.istio.io/inject: \"true\", istio.io/dataplane-mode: ambient, tier: edge}",
    ));
    let (pods, test) = labels(&asked);
    assert_eq!(mesh(pods), ("true", "ambient"));
    assert_eq!(mesh(test), ("true", "ambient"));
    assert_eq!((&pods["tier"], &test["tier"]), (&"edge".into(), &Value::Null));
    refused(&[(
        with(&base("minimal"), "commonLabels: {sidecar.istio.io/inject: \"true\"}"),
        "* commonLabels: `sidecar.istio.io/inject` is about pods: write it in podLabels",
    )]);
}

/// Istio has a context of its own for waypoints, where the filter that removes them is not.
#[test]
fn what_identity_headers_are_not_taken_out_of_cannot_be_chosen() {
    let minimal = &base("minimal");
    let targets = |target: &str| {
        with(minimal, &format!("envoy: {{failOpen: true}}\nistio: {{enabled: true, targetRefs: [{target}]}}"))
    };
    let gateway = "{group: gateway.networking.k8s.io, kind: Gateway, name: public}";
    assert_eq!(render_one(&targets(gateway)).error, "");
    refused(&[
        (targets("{group: \"\", kind: Service, name: orders}"), "'/istio/targetRefs/0/kind'"),
        (
            targets("{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint}"),
            "'/istio/targetRefs/0/kind'",
        ),
        (targets("{group: networking.istio.io, kind: ServiceEntry, name: a}"), "'/istio/targetRefs/0/kind'"),
        (targets("{kind: Gateway, name: public}"), "'/istio/targetRefs/0'"),
    ]);
}

/// A policy in the root namespace is about all of the mesh.
#[test]
fn a_selector_in_the_root_namespace_may_not_choose_the_pods() {
    let root = |selector: &str| {
        with(
            &base("minimal"),
            &format!("istio: {{enabled: true, namespace: istio-system, selector: {selector}}}"),
        )
    };
    refused(&[(
        root("{app.kubernetes.io/name: countersign}"),
        "* istio.selector: chooses Countersign's own pods",
    )]);
    assert_eq!(render_one(&root("{istio: ingressgateway}")).error, "");
}
