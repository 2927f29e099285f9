//! The container image, as far as it can be known without a container engine.

use std::{
    collections::BTreeSet,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use super::kit::{committed, success};
use crate::readme::root;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn check(program: &Path) -> std::process::Output {
    Command::new(root().join("scripts/image-check.sh")).arg(program).output().unwrap()
}

#[test]
fn the_program_links_with_nothing_that_the_base_has_not() {
    success(&check(Path::new(env!("CARGO_BIN_EXE_countersign"))));
    // Something else, to see that it is noticed: bash links with libtinfo.
    let output = check(Path::new("/bin/bash"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(", which the base has not"), "{said}");
}

/// Built on the Debian that it runs on, by the lock file, without a shell, and not as root.
#[test]
fn the_image_is_built_reproducibly_and_runs_as_nobody_special() {
    let dockerfile = read("Dockerfile");
    let (build, image) = dockerfile.split_once("\nFROM gcr.io/distroless/cc-debian13:nonroot\n").unwrap();
    assert!(build.contains("-trixie AS build\n"), "Debian 13 is trixie");
    assert!(read("Cargo.toml").contains(&format!(
        "rust-version = \"{}\"",
        build.split_once("FROM rust:").unwrap().1.split_once('-').unwrap().0
    )));
    assert!(image.contains("\nUSER 65532:65532\n"));
    assert!(!image.contains("\nRUN "), "there is no shell");
    let steps = read("scripts/image-steps.sh");
    for line in
        steps.lines().filter(|line| line.trim_start().starts_with("cargo ") && !line.contains("cyclonedx"))
    {
        assert!(line.contains("--locked"), "{line}");
    }
    let (_, build) = steps.split_once("\nbuild)\n").unwrap();
    let (before, _) = build.split_once("\n    cargo build").unwrap();
    assert!(before.contains("\n    export CARGO_NET_OFFLINE=true\n"), "for the bill of materials as well");
    let run: BTreeSet<_> = dockerfile
        .lines()
        .filter(|line| line.starts_with("RUN "))
        .filter_map(|line| line.split_once("image-steps.sh "))
        .map(|(_, step)| step.split(' ').next().unwrap())
        .collect();
    let without: BTreeSet<_> = read("scripts/image.sh")
        .lines()
        .find_map(|line| line.strip_prefix("for step in "))
        .map(|_| ["tools", "fetch", "build"])
        .unwrap()
        .into();
    assert_eq!(run, without, "the same steps with and without an engine");
}

/// Runs a build with something else in the place of what writes the bill of materials. It is written by another process than this
/// one, whose children could hold it open for writing.
const WITHOUT_BILL: &str = r#"mkdir -p bin && printf '#!/bin/sh\n: >countersign.cdx.json\n' >bin/cargo-cyclonedx &&
chmod +x bin/cargo-cyclonedx && PATH="$PWD/bin:$PATH" exec "$0" build out"#;

/// Builds share what they were compiled to, as in the image: at one path, and of sources with whatever times they had before.
#[test]
fn the_program_is_built_of_the_sources_that_are_there_and_of_no_older_build() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for name in ["src", "target"] {
        std::fs::create_dir(path(name)).unwrap();
    }
    std::fs::write(path("Cargo.toml"), "[package]\nname = \"countersign\"\nedition = \"2024\"\n").unwrap();
    std::fs::write(
        path("Cargo.lock"),
        "version = 4\n[[package]]\nname = \"countersign\"\nversion = \"0.0.0\"\n",
    )
    .unwrap();
    for (word, days) in [("first", 2), ("second", 1)] {
        let source = path("src/main.rs");
        std::fs::write(&source, format!("fn main() {{ println!(\"{word}\"); }}\n")).unwrap();
        let file = std::fs::File::options().append(true).open(&source).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_hours(24 * days)).unwrap();
        let built = Command::new("bash")
            .args(["-c", WITHOUT_BILL])
            .arg(root().join("scripts/image-steps.sh"))
            .current_dir(directory.path())
            .env("IMAGE_PROFILE", "dev")
            .env("CARGO_TARGET_DIR", path("target"))
            .output()
            .unwrap();
        success(&built);
        let output = Command::new(path("out/countersign")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&success(&output).stdout).trim(), word);
    }
    let mount = read("Dockerfile");
    let (_, mount) = mount.split_once("--mount=").unwrap();
    assert!(mount.starts_with("type=cache,target=/src/target,sharing=locked "), "{mount}");
}

/// The user, the arguments and the ports of the image are those that the chart has in mind.
#[test]
fn the_chart_and_the_image_fit_together() {
    let dockerfile = read("Dockerfile");
    let rendered = committed("minimal");
    let pod = &rendered.one("StatefulSet", "cs-countersign")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert!(dockerfile.contains(&format!(
        "\nUSER {}:{}\n",
        pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]
    )));
    assert!(container["command"].is_null(), "the image's entry point");
    let arguments: Vec<String> =
        serde_json::from_str(dockerfile.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap()).unwrap();
    assert_eq!(serde_json::json!(arguments), container["args"]);
    let ports: Vec<_> =
        container["ports"].as_array().unwrap().iter().map(|port| port["containerPort"].to_string()).collect();
    assert!(dockerfile.contains(&format!("\nEXPOSE {}\n", ports.join(" "))));
}

/// Whatever is compiled is let in, and nothing that could have a secret in it.
#[test]
fn only_what_the_image_is_built_of_is_let_in() {
    let ignore = read(".dockerignore");
    let rules: Vec<_> = ignore.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rules[0], "*", "nothing, but");
    let admitted: Vec<_> = rules[1..].iter().map(|rule| rule.strip_prefix('!').unwrap()).collect();
    for path in &admitted {
        assert!(root().join(path).exists(), "{path}");
    }
    let copied = read("Dockerfile");
    for path in ["Cargo.toml", "Cargo.lock", "LICENSE", "scripts/image-steps.sh"] {
        assert!(admitted.contains(&path) && copied.contains(path.rsplit('/').next().unwrap()), "{path}");
    }
    // cargo says what the last build read.
    let depends = Path::new(env!("CARGO_BIN_EXE_countersign")).with_extension("d");
    let text = std::fs::read_to_string(depends).unwrap();
    let mut seen = 0;
    for path in text.split_whitespace().skip(1).filter_map(|path| Path::new(path).strip_prefix(root()).ok()) {
        let path = path.to_str().unwrap();
        assert!(
            path.starts_with("target/")
                || admitted
                    .iter()
                    .any(|admitted| path == *admitted || path.starts_with(&format!("{admitted}/"))),
            "{path} is compiled, and .dockerignore keeps it out"
        );
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}
