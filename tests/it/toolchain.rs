//! What the test runs rely on and would not miss: it could stop working unseen.

use std::{path::Path, process::Command};

/// `compile_fail,E0451` proves something only where the code is compared, which a stable rustdoc leaves out.
#[test]
fn doctests_check_the_error_code_they_name() {
    let directory = tempfile::tempdir().unwrap();
    let passes = |code: &str| {
        let file = directory.path().join(format!("{code}.rs"));
        let unmatched_types = "let _number: u8 = \"text\";";
        std::fs::write(&file, format!("//! ```compile_fail,{code}\n//! {unmatched_types}\n//! ```\n"))
            .unwrap();
        let rustdoc = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/rustdoc.sh");
        let output = Command::new(rustdoc).arg("--test").arg(&file).output().unwrap();
        output.status.success()
    };
    assert!(passes("E0308"), "the code of this very mistake");
    assert!(!passes("E0451"), "another code must not do");
}
