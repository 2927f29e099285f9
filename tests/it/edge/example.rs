//! examples/envoy, by the commands of its README and those that it prints.

use tokio::process::Command;

use super::client::LONG;
use crate::{
    readme::{blocks, matches, root, run},
    support::{ports, process::Running, wait::until},
};

/// All that was started. It is killed when this is dropped.
struct Example(Running);

impl Example {
    fn start(edge: &str, issuer: &str) -> Self {
        let mut command = Command::new("bash");
        command
            .arg(root().join("examples/envoy/run.sh"))
            .env("COUNTERSIGN", env!("CARGO_BIN_EXE_countersign"))
            .env("EDGE_PORT", edge)
            .env("ISSUER_PORT", issuer)
            .current_dir(root())
            .process_group(0);
        for name in ["ENVOY_ADMIN_PORT", "BACKEND_PORT", "GRPC_PORT", "ADMIN_PORT"] {
            command.env(name, ports::reserve().to_string());
        }
        Self(Running::start(&mut command))
    }

    /// What it printed, once it is ready.
    async fn ready(&mut self) -> String {
        let Self(running) = self;
        until("the example to be ready", LONG, async || {
            let ended = running.child.try_wait().unwrap();
            let said = running.output.text();
            assert!(ended.is_none(), "it ended: {ended:?}\n{said}");
            said.contains("Ctrl-C").then_some(said)
        })
        .await
    }

    fn signal(&self, name: &str) {
        if let Some(group) = self.0.child.id() {
            let kill = format!("kill -{name} -- -{group}");
            // Nothing to do about a group that is gone.
            drop(std::process::Command::new("bash").arg("-c").arg(kill).status());
        }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

#[tokio::test]
async fn the_examples_commands_work_as_they_stand() {
    let (edge, issuer) = (ports::reserve().to_string(), ports::reserve().to_string());
    let mut example = Example::start(&edge, &issuer);
    let said = example.ready().await;
    let lines = || said.lines().map(str::trim);
    let export = lines().find(|line| line.starts_with("export ")).unwrap();
    let commands: Vec<_> = lines().filter(|line| line.starts_with("curl ")).collect();
    let mut statuses = Vec::new();
    for command in commands {
        let printed = run(export, command).await;
        statuses.push(printed.lines().next().unwrap().to_owned());
    }
    assert_eq!(statuses, ["HTTP/1.1 200 OK", "HTTP/1.1 401 Unauthorized"]);

    let readme = std::fs::read_to_string(root().join("examples/envoy/README.md")).unwrap();
    let here =
        |text: &str| text.replace(":10000", &format!(":{edge}")).replace(":8400", &format!(":{issuer}"));
    let (mut printed, mut compared) = (String::new(), 0);
    for block in blocks(&readme) {
        match (block.language, block.text.as_str()) {
            ("sh", "examples/envoy/run.sh\n") => {}
            ("sh", script) => printed = run(export, &here(script)).await,
            ("text", expected) => {
                let expected = here(expected);
                assert!(matches(&printed, &expected), "it says:\n{expected}\nbut it printed:\n{printed}");
                compared += 1;
            }
            _ => {}
        }
    }
    assert_eq!(compared, 3);
    example.signal("INT");

    assert!(example.0.wait_exit().await.success(), "{}", example.0.output.text());
}
