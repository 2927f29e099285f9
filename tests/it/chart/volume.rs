//! The steps of `docs/kubernetes.md` that move an embedded store, as they are written there: the programs are real, the cluster is
//! a directory.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

use countersign::store;
use serde_json::{Value, json};

use super::{
    kit::{sets, success, tool, with_input},
    restricted::violations,
};
use crate::{
    readme::root,
    store::child::{settings, write_one},
    support::redis::RedisServer,
};

/// What Kubernetes' schemas say against each of a list of objects.
const VALIDATE: &str = "import json, sys, kubernetes_validate\n\
    for each in json.load(sys.stdin): kubernetes_validate.validate(each, '1.30', strict=True)";

/// The commands of the section about the volume, block by block.
fn blocks() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/kubernetes.md")).unwrap();
    let (_, section) = page.split_once("\n## The volume\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let ends = section.match_indices("```\n").map(|(at, _)| at);
    let starts = section.match_indices("```sh\n").map(|(at, fence)| at + fence.len());
    starts.zip(ends).map(|(start, end)| section[start..end].to_owned()).collect()
}

/// A cluster with an embedded store in which something is revoked, and with values that name this Redis.
async fn cluster(directory: &Path, redis: &RedisServer) {
    let path = |name: &str| directory.join(name);
    for name in ["bin", "made", "volume", "mounts", "mounts/secrets", "mounts/secrets/redis"] {
        fs::create_dir(path(name)).unwrap();
    }
    for name in ["kubectl", "helm"] {
        symlink(root().join("tests/it/chart/volume/cluster.sh"), path("bin").join(name)).unwrap();
    }
    symlink(root().join("helm"), path("helm")).unwrap();
    let shared = sets()["redis"].replace("durability: {replicas: 1}", "durability: memory");
    fs::write(path("values.yaml"), shared).unwrap();
    fs::write(path("embedded.yaml"), &sets()["minimal"]).unwrap();
    fs::write(path("mounts/secrets/redis/url"), format!("redis://{}", redis.address())).unwrap();
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "countersign-data-tokens-countersign-0", "labels": {"a": "b"}, "uid": "1"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "slow", "volumeName": "pvc-1"},
        "status": {"phase": "Bound"},
    });
    fs::write(path("claim-that-is-there.json"), claim.to_string()).unwrap();
    let store = store::open(&settings(&path("volume/countersign.redb"))).await.unwrap().revocations;
    for number in 0..3 {
        write_one(&*store, number).await.unwrap();
    }
}

fn follow(directory: &Path, steps: &[&str]) {
    let script = format!("set -euo pipefail\nPATH=\"$PWD/bin:$PATH\"\n{}", steps.concat());
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(directory);
    command.env("TOOLS", tool("bin/helm").ancestors().nth(2).unwrap());
    success(&command.env("COUNTERSIGN", env!("CARGO_BIN_EXE_countersign")).output().unwrap());
}

fn made(directory: &Path) -> Vec<Value> {
    (1..)
        .map_while(|number| fs::read_to_string(directory.join(format!("made/{number}.json"))).ok())
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect()
}

#[tokio::test]
async fn the_steps_that_move_a_store_lose_nothing_of_it() {
    let (directory, redis) = (tempfile::tempdir().unwrap(), RedisServer::start().await);
    let directory = directory.path();
    cluster(directory, &redis).await;
    let blocks = blocks();
    let [function, export, files, larger, claim, fill, ring, import] =
        blocks.iter().map(String::as_str).collect::<Vec<_>>().try_into().unwrap();

    follow(directory, &[function, export, files, larger, claim, fill]);
    let moved = directory.join("volume/countersign.redb.keys");
    assert_eq!(fs::metadata(&moved).unwrap().permissions().mode() & 0o777, 0o600, "or no start takes it");
    assert_eq!(fs::metadata(directory.join("volume.tar")).unwrap().permissions().mode() & 0o777, 0o600);

    follow(directory, &[function, export, files, ring, import]);
    assert_eq!(redis.run::<usize>("HLEN {countersign}:copy").await, 6);
    let said = fs::read_to_string(directory.join("said")).unwrap();
    let counts: Vec<_> = said.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(
        counts.iter().map(|(verb, _)| *verb).collect::<Vec<_>>(),
        ["exported", "exported", "imported"]
    );
    assert!(counts.iter().all(|(_, rest)| rest.starts_with("6 revocations, 3 sessions, ")), "{said}");

    let made = made(directory);
    assert_eq!(made.len(), 6, "an export, a shell and a claim; an export, a shell and an import");
    let mut python = Command::new(tool("chart/bin/python"));
    success(&with_input(python.args(["-c", VALIDATE]), &json!(made).to_string()));
    for pod in made.iter().filter(|object| object["kind"] == "Pod") {
        assert_eq!(violations(&pod["spec"]), [""; 0], "{pod}");
        check_volume(pod);
    }
}

/// The StatefulSet's own, where the configuration looks for it, beside all others that the pod has.
fn check_volume(pod: &Value) {
    let (volumes, mounts) = (&pod["spec"]["volumes"], &pod["spec"]["containers"][0]["volumeMounts"]);
    let names = |list: &Value| -> Vec<String> {
        let all = list.as_array().unwrap().iter();
        let mut names: Vec<_> = all.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(volumes), names(mounts), "each once");
    let ours = |list: &Value| {
        list.as_array().unwrap().iter().find(|one| one["name"] == "countersign-data").unwrap().clone()
    };
    let claim = json!({"claimName": "countersign-data-tokens-countersign-0"});
    assert_eq!(ours(volumes)["persistentVolumeClaim"], claim);
    assert_eq!(ours(mounts)["mountPath"], "/var/lib/countersign");
}
