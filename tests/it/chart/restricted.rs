//! Kubernetes' "restricted" pod security standard, as far as it says what a pod has to write.

use serde_json::Value;

use super::kit::{all_rendered, render_one, sets};

/// What breaks it, a sentence each.
pub(super) fn violations(pod: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut wrong = |broken: bool, what: String| {
        if broken {
            found.push(what);
        }
    };
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        wrong(pod[field] == true, field.to_owned());
    }
    for volume in pod["volumes"].as_array().into_iter().flatten() {
        let kind = volume.as_object().unwrap().keys().find(|key| *key != "name").unwrap();
        let allowed = [
            "configMap",
            "csi",
            "downwardAPI",
            "emptyDir",
            "ephemeral",
            "persistentVolumeClaim",
            "projected",
            "secret",
        ];
        wrong(!allowed.contains(&kind.as_str()), format!("a volume of kind {kind}"));
    }
    let containers =
        ["containers", "initContainers"].into_iter().filter_map(|list| pod[list].as_array()).flatten();
    for container in containers {
        let (name, own, shared) =
            (&container["name"], &container["securityContext"], &pod["securityContext"]);
        let said = |field: &str| if own[field].is_null() { &shared[field] } else { &own[field] };
        wrong(own["privileged"] == true, format!("{name} is privileged"));
        wrong(own["allowPrivilegeEscalation"] != false, format!("{name} may gain privileges"));
        wrong(
            own["capabilities"]["drop"] != serde_json::json!(["ALL"]),
            format!("{name} keeps capabilities"),
        );
        wrong(!own["capabilities"]["add"].is_null(), format!("{name} is given capabilities"));
        wrong(said("runAsNonRoot") != true, format!("{name} may be root"));
        wrong(said("runAsUser") == 0, format!("{name} is root"));
        wrong(said("seccompProfile")["type"] != "RuntimeDefault", format!("{name} has no seccomp profile"));
        wrong(
            !container["ports"].as_array().into_iter().flatten().all(|port| port["hostPort"].is_null()),
            format!("{name} takes a port of the host"),
        );
    }
    found
}

/// Every pod of it: by itself, or as a workload's template.
fn pods(objects: &[Value]) -> impl Iterator<Item = &Value> {
    objects.iter().filter_map(|object| match object["kind"].as_str().unwrap() {
        "Pod" => Some(&object["spec"]),
        "Deployment" | "StatefulSet" => Some(&object["spec"]["template"]["spec"]),
        _ => None,
    })
}

#[test]
fn every_pod_keeps_the_restricted_standard_and_more() {
    for (name, rendered) in all_rendered() {
        assert!(pods(&rendered.objects).count() > 0, "{name}: {}", rendered.error);
        for pod in pods(&rendered.objects) {
            assert_eq!(violations(pod), [""; 0], "{name}");
        }
        for pod in pods(&rendered.objects) {
            let ours = |container: &&Value| {
                ["countersign", "healthcheck"].map(Value::from).contains(&container["name"])
            };
            let containers =
                ["containers", "initContainers"].into_iter().filter_map(|list| pod[list].as_array());
            for container in containers.flatten().filter(ours) {
                assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{name}");
            }
        }
    }
}

/// Where constraints choose users and groups, a pod that writes any is refused.
#[test]
fn a_pod_leaves_its_user_to_the_cluster_if_told_to() {
    let rendered = &all_rendered()["openshift"];
    assert_eq!(pods(&rendered.objects).count(), 2, "the service's and the test's");
    for pod in pods(&rendered.objects) {
        let containers = pod["containers"].as_array().unwrap().iter().map(|one| &one["securityContext"]);
        for context in containers.chain([&pod["securityContext"]]) {
            for field in ["runAsUser", "runAsGroup", "fsGroup"] {
                assert!(context.as_object().unwrap().get(field).is_none(), "{context}");
            }
        }
    }
}

#[test]
fn no_pod_gets_a_token_for_the_api_server_unless_asked() {
    for (name, rendered) in all_rendered() {
        for object in rendered.objects.iter().filter(|object| object["metadata"]["name"] != "application") {
            for pod in pods(std::slice::from_ref(object)) {
                assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
            }
        }
        for account in rendered.all("ServiceAccount") {
            assert_eq!(account["automountServiceAccountToken"], false, "{name}");
        }
    }
    let asked = format!("{}\nserviceAccount: {{automountToken: true}}", sets()["minimal"]);
    let asked = render_one(&asked);
    assert!(pods(&asked.objects).any(|pod| pod["automountServiceAccountToken"] == true));
}

#[test]
fn what_breaks_the_standard_is_found() {
    let good = serde_json::json!({
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "a", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}],
    });
    assert_eq!(violations(&good), [""; 0]);
    for (pointer, value) in [
        ("/securityContext/runAsNonRoot", serde_json::json!(false)),
        ("/securityContext/seccompProfile/type", serde_json::json!("Unconfined")),
        ("/containers/0/securityContext/allowPrivilegeEscalation", serde_json::json!(true)),
        ("/containers/0/securityContext/capabilities/drop", serde_json::json!(["NET_RAW"])),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert_eq!(violations(&bad).len(), 1, "{pointer}");
    }
}
