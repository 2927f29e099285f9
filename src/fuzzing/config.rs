//! Configuration files.

use std::path::Path;

use super::fixed;
use crate::config::Config;

/// Reads a configuration.
///
/// # Panics
///
/// If what is in effect does not read as the same again, or a problem takes more than its line.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = |text: &str| Config::parse(text, &fixed::environment(), Path::new("/nowhere"));
    match read(text) {
        Ok(loaded) => {
            let again = read(&loaded.effective);
            let again = again.map(|again| (again.effective, format!("{:?}", again.config)));
            let first = (loaded.effective, format!("{:?}", loaded.config));
            assert!(again.is_ok_and(|again| again == first), "in effect, but read otherwise:\n{}", first.0);
        }
        Err(problems) => {
            for problem in problems.iter() {
                let problem = problem.to_string();
                assert!(!problem.contains(char::is_control), "not one line: {problem:?}");
            }
        }
    }
}
