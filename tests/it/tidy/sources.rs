//! The sources as text.

use std::{ffi::OsStr, fs, path::Path};

/// Directories that hold nothing of ours.
const FOREIGN: [&str; 7] = ["target", "node_modules", ".git", ".tools", ".venv", "gen", "build"];
/// Longer files are none that a person wrote.
const LONGEST: u64 = 512 * 1024;

/// A file of this repository.
pub(super) struct File {
    /// From the repository's root.
    pub(super) path: String,
    pub(super) text: String,
}

/// A Rust file under `src`, without its tests.
pub(super) struct Source {
    /// From `src`.
    pub(super) path: String,
    /// Its first part: `domain`, or `main` for `main.rs`.
    pub(super) room: String,
    /// Without comments and test modules.
    pub(super) code: String,
}

impl File {
    pub(super) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension() == Some(OsStr::new("rs"))
    }

    /// Where its inline tests begin, to the end; all of it for a file of tests, nothing for one without.
    pub(super) fn test_code(&self) -> &str {
        if is_test(&self.path) { &self.text } else { &self.text[tests_begin(&self.text)..] }
    }
}

impl Source {
    /// Whether the code holds this name, not as the end of a longer one.
    pub(super) fn names(&self, name: &str) -> bool {
        is_named(&self.code, name)
    }

    /// Whether it names `crate::room`, in a group of imports too.
    pub(super) fn uses_room(&self, room: &str) -> bool {
        let code = &self.code;
        is_named(code, &format!("crate::{room}::"))
            || code.match_indices("use crate::{").any(|(at, start)| {
                let group = &code[at + start.len()..];
                let end = group.find("};").unwrap_or(group.len());
                top_level(&group[..end]).iter().any(|item| item.split("::").next() == Some(room))
            })
    }
}

/// Every text file, from the repository's root.
pub(super) fn all_files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !FOREIGN.iter().any(|name| entry.file_name() == *name) {
                open.push(entry.path());
            } else if kind.is_file() && entry.metadata().unwrap().len() <= LONGEST {
                found.extend(read(root, &entry.path()));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// Every Rust file under `src` that is not a test.
pub(super) fn rust_sources() -> Vec<Source> {
    all_files()
        .into_iter()
        .filter(|file| file.is_rust() && !is_test(&file.path))
        .filter_map(|file| {
            let path = file.path.strip_prefix("src/")?.to_owned();
            let room = path.split(['/', '.']).next()?.to_owned();
            let code = &file.text[..tests_begin(&file.text)];
            let is_comment = |line: &&str| line.trim_start().starts_with("//");
            let code = code.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n");
            Some(Source { path, room, code })
        })
        .collect()
}

/// `None` for what is not text.
fn read(root: &Path, path: &Path) -> Option<File> {
    let text = String::from_utf8(fs::read(path).unwrap()).ok()?;
    let path = path.strip_prefix(root).unwrap().to_str()?.to_owned();
    Some(File { path, text })
}

fn is_test(path: &str) -> bool {
    ["/tests.rs", "/tests/", "/testing.rs", "/testing/"].iter().any(|part| path.contains(part))
}

fn tests_begin(text: &str) -> usize {
    text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len())
}

fn is_named(code: &str, name: &str) -> bool {
    let part_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first_is_part = name.bytes().next().is_some_and(part_of_a_name);
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].bytes().next_back();
        !(first_is_part && before.is_some_and(part_of_a_name))
    })
}

/// The items of an import group, each up to where its own group begins.
fn top_level(group: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0_u32;
    for character in group.chars().filter(|character| !character.is_whitespace()) {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => items.push(String::new()),
            other if depth == 0 => items.last_mut().unwrap().push(other),
            _ => {}
        }
    }
    items
}

#[test]
fn imports_are_found_alone_and_in_groups() {
    let source = |code: &str| Source { path: String::new(), room: String::new(), code: code.to_owned() };
    assert!(source("use crate::api::grpc;").uses_room("api"));
    assert!(source("use crate::{\n    api::{a, b},\n    domain::x,\n};").uses_room("api"));
    assert!(source("let x = crate::api::f();").uses_room("api"));
    assert!(!source("use crate::{domain::api, ops::{api::x}};").uses_room("api"));
    assert!(!source("use mycrate::api::x;").uses_room("api"));
    assert!(source("tonic::Status").names("tonic::") && !source("my_tonic::Status").names("tonic::"));
    assert!(source("secret.expose()").names(".expose("));
}
