//! The README's commands, run as they stand there, in its order.
//!
//! Every fenced `sh` block is run by bash in the repository's root. A `text` block after it is what it prints, where `...`
//! stands for anything. Two blocks are special: `make dev` is started, is told to end when all others are done, and the
//! `export` lines that it prints are pasted into what follows, as its reader is asked to; `make test` is what runs this.

use std::{path::Path, time::Duration};

use countersign::config::{Config, Environment};
use tokio::process::Command;

use crate::support::{
    process::Running,
    wait::{until, within},
};

/// `make test` builds the program first, so that this is the time to start, not to compile.
const TO_START: Duration = Duration::from_mins(5);
const TO_ANSWER: Duration = Duration::from_mins(1);

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'t> {
    pub(crate) language: &'t str,
    pub(crate) text: String,
}

#[tokio::test]
async fn the_readmes_commands_work_as_they_stand() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = blocks(&readme);
    let commands: Vec<_> = blocks.iter().filter(|block| block.language == "sh").collect();
    assert_eq!(commands[0].text, "make dev\n", "the first command sets everything up");
    assert_eq!(commands[1].text, "make test\n", "the second one tests");

    let mut dev = Dev::start();
    let exports = dev.exports().await;
    let mut printed = String::new();
    for block in &blocks {
        match (block.language, block.text.as_str()) {
            ("sh", "make dev\n" | "make test\n") => printed.clear(),
            ("sh", script) => printed = run(&exports, script).await,
            ("text", expected) => assert!(
                printed.is_empty() || matches(&printed, expected),
                "the README says:\n{expected}\nbut it printed:\n{printed}"
            ),
            _ => {}
        }
    }
    dev.stop().await;
}

#[test]
fn the_readmes_configurations_are_accepted() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let blocks = blocks(&readme);
    let configurations: Vec<_> = blocks.iter().filter(|block| block.language == "yaml").collect();
    assert!(!configurations.is_empty());
    for Block { text, .. } in configurations {
        let loaded = Config::parse(text, &Environment::default(), directory.path());
        assert!(loaded.is_ok(), "{text}\n{:?}", loaded.err());
    }
}

/// A running `make dev`, with everything that it started.
struct Dev(Running);

impl Dev {
    fn start() -> Self {
        // A process group of its own, so that make, cargo and the program get the signal together, as from a terminal.
        Self(Running::start(Command::new("make").arg("dev").current_dir(root()).process_group(0)))
    }

    /// The lines to paste, once the whole text is there.
    async fn exports(&mut self) -> String {
        let Self(running) = self;
        let said = until("`make dev` to be ready", TO_START, async || {
            let ended = running.child.try_wait().unwrap();
            let said = running.output.text();
            assert!(ended.is_none(), "`make dev` ended: {ended:?}\n{said}");
            said.contains("Ctrl-C").then_some(said)
        })
        .await;
        let exports: Vec<_> =
            said.lines().map(str::trim).filter(|line| line.starts_with("export ")).collect();
        assert!(!exports.is_empty(), "nothing to paste in:\n{said}");
        exports.join("\n")
    }

    /// Ctrl-C.
    async fn stop(&mut self) {
        self.signal("INT");
        // make itself ends by the signal, too, so its status says nothing about the program's.
        self.0.wait_exit().await;
        let said = self.0.output.text();
        assert!(!said.contains("panicked") && !said.contains(" Error "), "`make dev` after Ctrl-C:\n{said}");
    }

    fn signal(&self, name: &str) {
        if let Some(group) = self.0.child.id() {
            let kill = format!("kill -{name} -- -{group}");
            // Nothing to do about a group that is gone.
            drop(std::process::Command::new("bash").arg("-c").arg(kill).status());
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

/// Runs a script and returns what it printed.
pub(crate) async fn run(exports: &str, script: &str) -> String {
    let whole = format!("{exports}\n{script}");
    let command = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &whole])
        .current_dir(root())
        .kill_on_drop(true)
        .output();
    let output = within(script, TO_ANSWER, command).await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\nended with {}:\n{out}{err}", output.status);
    out.into_owned()
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The fenced blocks of a document.
pub(crate) fn blocks(markdown: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines
                .by_ref()
                .take_while(|line| *line != "```")
                .fold(String::new(), |text, line| text + line + "\n");
            blocks.push(Block { language, text });
        }
    }
    blocks
}

/// Whether the pieces between `...` come in this order, the first one at the beginning.
pub(crate) fn matches(printed: &str, expected: &str) -> bool {
    let mut pieces = expected.trim_end().split("...");
    let Some(mut rest) = printed.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    pieces.all(|piece| match rest.find(piece) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

#[test]
fn blocks_are_found_and_compared() {
    let found = blocks("a\n```sh\nls\n```\nb\n```text\nx ... z\n```\n");
    assert_eq!(found[0], Block { language: "sh", text: "ls\n".to_owned() });
    assert_eq!(found[1], Block { language: "text", text: "x ... z\n".to_owned() });
    assert!(matches("x y z\n", &found[1].text));
    assert!(!matches("x y\n", &found[1].text) && !matches("y x z\n", &found[1].text));
}
