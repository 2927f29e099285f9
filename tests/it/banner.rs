//! What `countersign dev` prints works when it is pasted.

use std::{path::Path, time::Duration};

use tokio::process::Command;

use crate::support::{
    ports,
    process::Running,
    wait::{until, within},
};

const TO_START: Duration = Duration::from_mins(1);
const TO_RUN: Duration = Duration::from_mins(2);

#[tokio::test]
async fn the_python_commands_work_when_pasted() {
    let address = || format!("127.0.0.1:{}", ports::reserve());
    let mut dev = Running::start(Command::new(env!("CARGO_BIN_EXE_countersign")).args([
        "dev",
        "--listen",
        &address(),
        "--admin",
        &address(),
        "--issuer",
        &address(),
    ]));
    let said = until("`countersign dev` to be ready", TO_START, async || {
        let ended = dev.child.try_wait().unwrap();
        let said = dev.output.text();
        assert!(ended.is_none(), "it ended: {ended:?}\n{said}");
        said.contains("Ctrl-C").then_some(said)
    })
    .await;
    let export = said.lines().find(|line| line.trim().starts_with("export TOKEN=")).unwrap();
    let begin = said.find("Validate it in Python").unwrap();
    let (_heading, rest) = said[begin..].split_once('\n').unwrap();
    let (script, _) = rest.split_once("\nPY\n").unwrap();
    let script = format!("{script}\nPY\n");

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root.join("proto"), directory.path().join("proto")).unwrap();
    // Where `pip install` finds everything there: scripts/install-python.sh.
    let installed = root.join(".tools/venv");
    assert!(installed.is_dir(), "scripts/install-peers.sh has not been run");
    std::os::unix::fs::symlink(installed, directory.path().join(".venv")).unwrap();

    let begin = said.find("Revoke it, and everything").unwrap();
    let revoke: Vec<_> = said[begin..].lines().filter(|line| line.contains(" revoke --address ")).collect();
    assert_eq!(revoke.len(), 2, "{said}");

    let good = paste(directory.path(), &format!("{export}\n{script}")).await;
    assert!(good.lines().any(|line| line.starts_with("good: ")), "{good}");
    let refused = paste(directory.path(), &format!("export TOKEN=a.b.c\n{script}")).await;
    assert!(refused.lines().any(|line| line.starts_with("refused: ")), "{refused}");
    assert!(!refused.contains("good: "), "{refused}");

    for command in revoke {
        let revoked = paste(directory.path(), &format!("{export}\n{command}")).await;
        assert!(revoked.starts_with("revoked\n"), "{command}: {revoked}");
    }
    let refused = paste(directory.path(), &format!("{export}\n{script}")).await;
    assert!(refused.contains("refused: ") && refused.contains("revoked"), "{refused}");
}

async fn paste(directory: &Path, script: &str) -> String {
    let command = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(directory)
        .kill_on_drop(true)
        .output();
    let output = within("the pasted commands", TO_RUN, command).await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\nended with {}:\n{out}{err}", output.status);
    out.into_owned()
}
