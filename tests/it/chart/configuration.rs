//! The service's configuration, passed through Helm.

use std::process::Command;

use serde_json::Value;

use super::kit::{all_rendered, chart, committed, files, render_one, sets, success, tool};
use crate::readme::{blocks, root};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// What `countersign check` says of a configuration: what is in effect, or why not. Secrets are files and variables of the
/// cluster, which are put where a test can have them.
fn check(configuration: &str) -> Result<String, String> {
    let directory = files(&[("url", "rediss://redis.example"), ("ring", "")]);
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let ring = Command::new(PROGRAM).args(["keygen", "--out"]).arg(at("key-ring")).status().unwrap();
    assert!(ring.success());
    let configuration = configuration
        .replace("/etc/countersign/secrets/redis/url", &at("url"))
        .replace("/etc/countersign/secrets/ring/current", &at("key-ring"))
        .replace("/etc/countersign/key-ring/ring", &at("key-ring"))
        .replace("/etc/countersign/key-ring/current", &at("key-ring"));
    let path = directory.path().join("countersign.yaml");
    std::fs::write(&path, configuration).unwrap();
    let command = Command::new(PROGRAM)
        .args(["check", "--config"])
        .arg(&path)
        .env("REDIS_URL", "rediss://redis.example")
        .output();
    let output = command.unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn the_service_accepts_what_every_set_of_values_makes() {
    for (name, rendered) in all_rendered() {
        if let Err(problems) = check(rendered.configuration()) {
            panic!("{name}: {problems}\n{}", rendered.configuration());
        }
    }
}

#[test]
fn durations_off_and_numbers_survive() {
    let effective = check(committed("passed-through").configuration()).unwrap();
    for line in [
        "name: \"0123\"",
        "leeway: 90s",
        "max_token_age: off",
        "max_connection_age: off",
        "keepalive: 1500ms",
        "reflection: true",
        "max_bytes: 1GiB",
        "max_entries: 100000000",
        "max_concurrent: 1000000",
        "drain: 1500ms",
        "otlp_endpoint: off",
        "sample_ratio: 0.0000001",
    ] {
        assert!(
            effective.lines().any(|found| found.trim_start_matches([' ', '-']) == line),
            "{line} is not in\n{effective}"
        );
    }
    for text in ["1e3", "on", "12:30:45", "0x1F", "null", "2026-11-27"] {
        assert!(effective.contains(text), "{text} is not in\n{effective}");
    }
}

/// Every key that there is.
#[test]
fn the_example_of_every_key_passes_through_unchanged() {
    let example = std::fs::read_to_string(root().join("examples/countersign.yaml")).unwrap();
    let indented = example.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
    let values = format!(
        "image: {{repository: a}}\nmode: sidecar\nsidecar: {{separateStores: true}}\nconfig:\n{indented}"
    );
    // What the chart has to have elsewhere than the example.
    let changes = [
        ("listen: 127.0.0.1:50051", "listen: unix:/run/countersign/grpc.sock"),
        ("listen: 127.0.0.1:9090", "listen: 0.0.0.0:9090"),
        ("path: ./countersign.redb", "path: /var/lib/countersign/countersign.redb"),
    ];
    let fitted = |text: &str| changes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let rendered = render_one(&fitted(&values));
    assert_eq!(rendered.error, "");
    assert_eq!(check(rendered.configuration()).unwrap(), check(&fitted(&example)).unwrap());
}

/// `make schema` puts it there.
#[test]
fn the_schema_of_the_values_has_the_configurations() {
    let read = |path: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(root().join(path)).unwrap()).unwrap()
    };
    let mut expected = read("docs/countersign.schema.json");
    for key in ["$schema", "required"] {
        expected.as_object_mut().unwrap().remove(key);
    }
    expected["properties"]["issuers"].as_object_mut().unwrap().remove("minItems");
    let values = read("helm/countersign/values.schema.json");
    assert!(values["$defs"]["config"] == expected, "values.schema.json is not up to date: `make schema`");
}

/// Nothing in values.yaml is unknown to the schema, and nothing in the schema has no default, or Helm would not know it.
#[test]
fn the_schema_knows_every_value() {
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(chart().join("values.schema.json")).unwrap()).unwrap();
    let values = std::fs::read_to_string(chart().join("values.yaml")).unwrap();
    let written: Vec<_> = values
        .lines()
        .filter_map(|line| line.split_once(':').map(|(key, _)| key))
        .filter(|key| key.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect();
    let mut known: Vec<_> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|key| *key != "global")
        .collect();
    let mut written_sorted = written.clone();
    written_sorted.sort_unstable();
    known.sort_unstable();
    assert_eq!(written_sorted, known);
}

fn checksum(values: &str) -> String {
    let rendered = render_one(values);
    assert_eq!(rendered.error, "", "{values}");
    let annotations =
        &rendered.one("StatefulSet", "cs-countersign")["spec"]["template"]["metadata"]["annotations"];
    annotations
        .as_object()
        .unwrap()
        .iter()
        .find(|(name, _)| name.starts_with("checksum/"))
        .unwrap()
        .1
        .as_str()
        .unwrap()
        .to_owned()
}

/// Pods are replaced when a key changes that only a restart can change, and left alone by what they take while they run.
#[test]
fn a_changed_key_replaces_the_pods_if_it_takes_a_restart() {
    let with = |key: &str| sets()["minimal"].replace("config:\n", &format!("config:\n  {key}\n"));
    let before = checksum(&sets()["minimal"]);
    for key in [
        "listen: 0.0.0.0:50052",
        "admin: {listen: 0.0.0.0:9091}",
        "server: {reflection: true}",
        "cache: {max_age: 1m}",
        "store: {path: /var/lib/countersign/other.redb}",
        "key_ring: {file: /var/lib/countersign/ring}",
        "telemetry: {log: debug}",
    ] {
        assert_ne!(checksum(&with(key)), before, "{key}");
    }
    for key in ["limits: {drain: 20s}", "revocation: {max_entries: 1000}", "refresh: {early: 30s}"] {
        assert_eq!(checksum(&with(key)), before, "{key}");
        assert_ne!(
            checksum(&format!("{}\nreplacePodsOn: any", with(key))),
            checksum(&format!("{}\nreplacePodsOn: any", sets()["minimal"])),
            "{key}"
        );
    }
}

/// The templates name these sections; the documentation, which is made from the code, says what each key takes.
#[test]
fn the_sections_that_replace_pods_are_those_that_take_a_restart() {
    let page = std::fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let templates = std::fs::read_to_string(chart().join("templates/_config.tpl")).unwrap();
    let line = templates.lines().find(|line| line.contains("range list \"listen\"")).unwrap();
    let named: Vec<_> = line.split('"').skip(1).step_by(2).collect();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<_> = line.split(" | ").collect();
        let key = cells.first()?.strip_prefix("| `")?.strip_suffix('`')?;
        Some((key, *cells.get(3)?)).filter(|(_, effect)| ["reload", "restart"].contains(effect))
    });
    let mut seen = 0;
    for (key, effect) in rows {
        let is_named = named.iter().any(|named| {
            key.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        });
        assert_eq!(effect == "restart", is_named, "{key} takes a {effect}");
        seen += 1;
    }
    assert!(seen > 50, "the tables are read");
}

/// The blocks of docs/kubernetes.md: those that are all of a values.yaml, and those that are written behind one.
#[test]
fn the_values_in_the_documentation_are_taken() {
    let page = std::fs::read_to_string(root().join("docs/kubernetes.md")).unwrap();
    let blocks: Vec<_> = blocks(&page).into_iter().filter(|block| block.language == "yaml").collect();
    let whole = blocks.iter().find(|block| block.text.starts_with("# values.yaml\n")).unwrap();
    let mut seen = 0;
    for block in &blocks {
        let added = block.text.starts_with("# values.yaml, in addition\n");
        assert!(added || block.text.starts_with("# values.yaml\n"), "{}", block.text);
        let base = if added { whole } else { block };
        let directory = files(&[("base.yaml", &base.text), ("more.yaml", &block.text)]);
        let command = [
            "template",
            "tokens",
            "--kube-version",
            "1.30",
            "--values",
            "base.yaml",
            "--values",
            "more.yaml",
        ];
        let output =
            Command::new(tool("bin/helm")).args(command).arg(chart()).current_dir(directory.path()).output();
        success(&output.unwrap());
        seen += 1;
    }
    assert!(seen > 4, "{seen}");
}

/// The block of docs/kubernetes.md that checks what the chart makes, with a program that stands for the cluster.
#[test]
fn the_rendered_configuration_is_checked_as_the_documentation_says() {
    let page = std::fs::read_to_string(root().join("docs/kubernetes.md")).unwrap();
    let (_, behind) = page.split_once("   ```sh\n   helm template tokens").unwrap();
    let (block, _) = behind.split_once("   ```\n").unwrap();
    let script = format!("helm template tokens{block}")
        .replace("/usr/local/bin/countersign", env!("CARGO_BIN_EXE_countersign"))
        .replace("helm/countersign", chart().to_str().unwrap())
        .replace("helm template", &format!("{} template --kube-version 1.30", tool("bin/helm").display()));
    let pod = "kubectl() { while [ \"$1\" != -- ]; do shift; done; shift; \"$@\"; }";
    for (set, said) in [("minimal", "https://id.acme.example"), ("sidecar-alone", "tokens.sock")] {
        let directory = files(&[("values.yaml", &sets()[set])]);
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &format!("{pod}\n{script}")])
            .current_dir(directory.path())
            .output()
            .unwrap();
        let printed = String::from_utf8(success(&output).stdout.clone()).unwrap();
        assert!(printed.contains(said), "{set}: {printed}");
    }
}

/// The chart installs the version that it comes with.
#[test]
fn the_chart_is_of_this_version() {
    let chart = std::fs::read_to_string(chart().join("Chart.yaml")).unwrap();
    assert!(chart.lines().any(|line| line == format!("appVersion: {}", env!("CARGO_PKG_VERSION"))));
}
