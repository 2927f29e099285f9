//! Helm, and the other programs that the chart's tests run.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::LazyLock,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::readme::root;

/// What came of a set of values.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Rendered {
    /// The manifests, as Helm prints them.
    #[serde(default)]
    pub(super) text: String,
    /// The same, read; behind them an application's Deployment with the sidecar in it, where there is a patch.
    #[serde(default)]
    pub(super) objects: Vec<Value>,
    #[serde(default)]
    pub(super) notes: String,
    /// What Kubernetes' schemas say against them.
    #[serde(default)]
    pub(super) invalid: Vec<String>,
    /// Why nothing was rendered.
    #[serde(default)]
    pub(super) error: String,
}

impl Rendered {
    /// Those of a kind.
    pub(super) fn all(&self, kind: &str) -> Vec<&Value> {
        self.objects.iter().filter(|object| object["kind"] == kind).collect()
    }

    /// The only one of a kind, with this name.
    #[track_caller]
    pub(super) fn one(&self, kind: &str, name: &str) -> &Value {
        let mut found = self.all(kind).into_iter().filter(|object| object["metadata"]["name"] == name);
        let one = found.next().unwrap_or_else(|| panic!("no {kind} {name} in {}", self.text));
        assert!(found.next().is_none(), "two of {kind} {name}");
        one
    }

    /// The service's configuration.
    #[track_caller]
    pub(super) fn configuration(&self) -> &str {
        let map = self.all("ConfigMap").into_iter().find_map(|map| map["data"]["countersign.yaml"].as_str());
        map.unwrap_or_else(|| panic!("no configuration: {}{}", self.error, self.text))
    }
}

pub(super) fn chart() -> PathBuf {
    root().join("helm/countersign")
}

/// The committed sets of values, by name.
pub(super) fn sets() -> BTreeMap<String, String> {
    let directory = root().join("tests/it/chart/values");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let sets: BTreeMap<_, _> =
        files.map(|path| (stem(&path), std::fs::read_to_string(&path).unwrap())).collect();
    assert!(sets.len() >= 12, "values of every kind");
    sets
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// Renders all of them with one start of Python.
pub(super) fn render(sets: &BTreeMap<String, String>) -> BTreeMap<String, Rendered> {
    render_with(&chart(), sets, &[])
}

/// The same, with what Kubernetes' schemas say against the objects.
pub(super) fn validated(sets: &BTreeMap<String, String>) -> BTreeMap<String, Rendered> {
    render_with(&chart(), sets, &["--validate"])
}

fn render_with(chart: &Path, sets: &BTreeMap<String, String>, more: &[&str]) -> BTreeMap<String, Rendered> {
    let mut command = Command::new(tool("chart/bin/python"));
    command.arg(root().join("tests/it/chart/render.py")).arg(chart).args(more);
    let output = with_input(&mut command, &serde_json::to_string(sets).unwrap());
    serde_json::from_slice(&success(&output).stdout).unwrap()
}

/// Renders one with a chart that has no schema: the templates know keys of the configuration that not every version of the service
/// has.
pub(super) fn render_without_schema(values: &str) -> Rendered {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("countersign");
    success(&Command::new("cp").arg("-r").arg(chart()).arg(&copy).output().unwrap());
    std::fs::remove_file(copy.join("values.schema.json")).unwrap();
    let sets = [("one".to_owned(), values.to_owned())].into();
    render_with(&copy, &sets, &[]).remove("one").unwrap()
}

/// The committed sets of values, rendered.
pub(super) fn all_rendered() -> &'static BTreeMap<String, Rendered> {
    static ALL: LazyLock<BTreeMap<String, Rendered>> = LazyLock::new(|| {
        let all = render(&sets());
        for (name, rendered) in &all {
            assert_eq!(rendered.error, "", "{name}");
        }
        all
    });
    &ALL
}

/// Renders one.
pub(super) fn render_one(values: &str) -> Rendered {
    let sets = [("one".to_owned(), values.to_owned())].into();
    render(&sets).remove("one").unwrap()
}

/// The committed set of that name.
pub(super) fn committed(name: &str) -> &'static Rendered {
    &all_rendered()[name]
}

/// What the installing scripts put into `.tools`.
pub(super) fn tool(path: &str) -> PathBuf {
    let tool = root().join(".tools").join(path);
    assert!(tool.exists(), "run `make test`, which installs {}", tool.display());
    tool
}

pub(super) fn with_input(command: &mut Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // Beside reading what it prints, which could otherwise fill up the pipe.
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    drop(writing.join().unwrap());
    output
}

#[track_caller]
pub(super) fn success(output: &Output) -> &Output {
    let said = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {said}{printed}", output.status);
    output
}

/// Decodes manifests strictly into their projects' types. Returns the kinds of the custom resources, or what is wrong.
pub(super) fn decode(files: &[PathBuf]) -> Result<Vec<String>, String> {
    let output =
        Command::new(tool("bin/decode-manifests")).arg(tool("definitions")).args(files).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    Ok(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

/// A directory with these files in it.
pub(super) fn files(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}
