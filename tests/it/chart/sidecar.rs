//! Countersign in somebody else's pods: what the patch makes of them, first and again, and what nobody can be told there.

use std::process::Command;

use serde_json::Value;

use super::{
    kit::{Rendered, files, render_one, success, tool},
    refusals::{base, inside, refused, with},
};

fn patch(rendered: &Rendered) -> &str {
    assert_eq!(rendered.error, "");
    rendered.one("ConfigMap", "cs-countersign")["data"]["sidecar-patch.yaml"].as_str().unwrap()
}

/// An application with a container of its own that comes first, and without one.
const APPLICATIONS: [&str; 2] = [
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {}, template: {spec: {containers: [{name: a}]}}}}",
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {}, template: {spec: {containers: [{name: a}], initContainers: [{name: before}], volumes: [{name: own, emptyDir: {}}]}}}}",
];

/// The pod after these patches, as an API server merges them.
fn patched(application: &str, patches: &[&str]) -> Value {
    let named: Vec<_> = (0..patches.len()).map(|index| format!("{index}.yaml")).collect();
    let mut all = vec![("application.yaml", application)];
    all.extend(named.iter().map(String::as_str).zip(patches.iter().copied()));
    let directory = files(&all);
    let mut command = Command::new(tool("bin/patch-deployment"));
    let output = command.arg("application.yaml").args(&named).current_dir(directory.path()).output().unwrap();
    let deployment: Value = serde_json::from_slice(&success(&output).stdout).unwrap();
    deployment["spec"]["template"].clone()
}

fn names(list: &Value) -> Vec<&str> {
    let mut names: Vec<_> =
        list.as_array().into_iter().flatten().map(|each| each["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

/// A patch is merged: what is not taken out stays, and two ports of one name are refused.
#[test]
fn a_patch_that_is_applied_again_leaves_nothing_of_the_last_one() {
    let before = render_one(&with(
        &base("sidecar"),
        "env: [{name: A, value: b}]\nenvFrom: [{secretRef: {name: more}}]\nsidecar: {fsGroup: 2000}",
    ));
    let after = base("sidecar-alone").replace("config:\n", "config:\n  admin: {listen: 0.0.0.0:9191}\n");
    let after = render_one(&with(&after, "resources: {limits: null, requests: {cpu: 1}}"));
    for (application, own) in APPLICATIONS.into_iter().zip([&[][..], &["own"][..]]) {
        let once = patched(application, &[patch(&after)]);
        let again = patched(application, &[patch(&before), patch(&after)]);
        let containers = |pod: &Value| pod["spec"]["initContainers"].clone();
        assert_eq!(containers(&again), containers(&once), "{application}");
        let container = &containers(&again)[0];
        assert_eq!(container["ports"][0]["containerPort"], 9191);
        let mut volumes = names(&again["spec"]["volumes"]);
        volumes.retain(|name| !own.contains(name));
        assert_eq!(
            volumes,
            ["countersign-config", "countersign-data", "countersign-secret-redis", "countersign-socket"]
        );
        let back = patched(application, &[patch(&after), patch(&before)]);
        assert!(!names(&back["spec"]["volumes"]).contains(&"countersign-data"), "{back}");
    }
}

/// What the notes say of a volume whose Secret is no longer among the values.
#[test]
fn a_volume_that_is_left_over_is_taken_out_as_the_notes_say() {
    let rendered = render_one(&base("sidecar"));
    let (_, taken) = rendered.notes.split_once("--patch '").unwrap();
    let (taken, _) = taken.split_once('\'').unwrap();
    let taken = taken.replace("NAME", "redis");
    for application in APPLICATIONS {
        let left = patched(application, &[patch(&rendered)]);
        assert!(names(&left["spec"]["volumes"]).contains(&"countersign-secret-redis"));
        let mended = patched(application, &[patch(&rendered), &taken]);
        assert!(!names(&mended["spec"]["volumes"]).contains(&"countersign-secret-redis"), "{mended}");
    }
}

/// Applied again after a change, the patch replaces the pods if the values say so.
#[test]
fn a_patch_changes_with_what_is_to_replace_the_pods() {
    let annotations = |values: &str| {
        let rendered = render_one(values);
        patched(APPLICATIONS[0], &[patch(&rendered)])["metadata"]["annotations"].clone()
    };
    let alone = &base("sidecar-alone");
    let changed = &inside(alone, "limits: {drain: 20s}");
    assert_eq!(annotations(alone), annotations(changed));
    let any = "replacePodsOn: any";
    assert_ne!(annotations(&with(alone, any)), annotations(&with(changed, any)));
}

/// Nothing would come of it.
#[test]
fn what_is_about_pods_of_its_own_is_refused() {
    let alone = &base("sidecar-alone");
    let cases: Vec<_> = [
        ("replicas", "replicas: 2"),
        ("extraContainers", "extraContainers: [{name: a}]"),
        ("initContainers", "initContainers: [{name: a}]"),
        ("persistence.size", "persistence: {size: 2Gi}"),
        ("networkPolicy.callers", "networkPolicy: {callers: [{podSelector: {}}]}"),
        ("networkPolicy.redis", "networkPolicy: {redis: {to: [{podSelector: {}}]}}"),
        ("service.type", "service: {type: NodePort}"),
        ("preStopSeconds", "preStopSeconds: 0"),
        ("terminationGracePeriodSeconds", "terminationGracePeriodSeconds: 90"),
        ("nodeSelector", "nodeSelector: {a: b}"),
        ("podDisruptionBudget.minAvailable", "podDisruptionBudget: {minAvailable: 2}"),
        ("serviceAccount.automountToken", "serviceAccount: {automountToken: true}"),
    ]
    .map(|(path, more)| (with(alone, more), format!("* {path}: is about what mode: sidecar does not make")))
    .into();
    let cases: Vec<_> = cases.iter().map(|(values, said)| (values.clone(), said.as_str())).collect();
    refused(&cases);
    let off = "networkPolicy: {enabled: false}\npersistence: {enabled: false}\npodDisruptionBudget: {enabled: false}";
    assert_eq!(render_one(&with(alone, off)).error, "");
}

#[test]
fn checks_over_http_open_no_port_of_the_applications_pod() {
    let alone = &base("sidecar-alone");
    let open = inside(alone, "insecure_allow_any_caller: true\n  http: {listen: 0.0.0.0:8081}");
    refused(&[(open.clone(), "* config.http.listen: would be an open port of the application's pod")]);
    assert_eq!(render_one(&open.replace("0.0.0.0:8081", "127.0.0.1:8081")).error, "");
}
