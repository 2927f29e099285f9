//! The effective configuration as YAML: every key with the value that counts, secrets as the references they are.

use std::fmt;

/// A value as it will be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// One word that needs no quotes, or text quoted already.
    Scalar(String),
    /// `[a, b]`.
    List(Vec<Self>),
    /// One item a paragraph: `- name: ...`.
    Sections(Vec<Self>),
    /// `key: value` lines.
    Section(Vec<(&'static str, Self)>),
}

impl Shown {
    /// A word that YAML reads back as itself: a number with its unit, a known name.
    pub(super) fn plain(word: impl Into<String>) -> Self {
        Self::Scalar(word.into())
    }

    /// Somebody's text, in quotes if it needs them.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Scalar(if is_plain(&text) { text } else { in_quotes(&text) })
    }

    /// The whole document.
    pub(super) fn document(&self) -> String {
        Document(self).to_string()
    }

    fn after_key(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        match self {
            Self::Section(entries) if !entries.is_empty() => {
                writeln!(f)?;
                lines(f, entries, indent + 2, "")
            }
            Self::Sections(items) if !items.is_empty() => {
                writeln!(f)?;
                items.iter().try_for_each(|item| match item {
                    Self::Section(entries) => lines(f, entries, indent + 2, "- "),
                    Self::Scalar(_) | Self::List(_) | Self::Sections(_) => {
                        writeln!(f, "{:1$}- {item}", "", indent + 2)
                    }
                })
            }
            Self::Scalar(_) | Self::List(_) | Self::Section(_) | Self::Sections(_) => writeln!(f, " {self}"),
        }
    }
}

/// As a block: a key a line.
struct Document<'s>(&'s Shown);

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Shown::Section(entries) => lines(f, entries, 0, ""),
            single @ (Shown::Scalar(_) | Shown::List(_) | Shown::Sections(_)) => writeln!(f, "{single}"),
        }
    }
}

/// `key: value` lines, the first behind a mark, the others below it.
fn lines(
    f: &mut fmt::Formatter<'_>,
    entries: &[(&'static str, Shown)],
    indent: usize,
    mark: &str,
) -> fmt::Result {
    let inner = indent + mark.len();
    for (index, (key, value)) in entries.iter().enumerate() {
        if index == 0 {
            write!(f, "{:indent$}{mark}{key}:", "")?;
        } else {
            write!(f, "{:inner$}{key}:", "")?;
        }
        value.after_key(f, inner)?;
    }
    Ok(())
}

/// On one line, as in `[a, b]` and `{file: x}`.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |f: &mut fmt::Formatter<'_>, items: &[Self]| {
            f.write_str("[")?;
            for (index, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
            }
            f.write_str("]")
        };
        match self {
            Self::Scalar(word) => f.write_str(word),
            Self::List(items) | Self::Sections(items) => listed(f, items),
            Self::Section(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Whether the text is a plain scalar that YAML reads as this text: it begins with a letter, a slash or `./`, holds no
/// character with a meaning, and is no word with one.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let begins = text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '/')
        || text.starts_with("./")
        || text.starts_with("../");
    let ordinary = |char: char| char.is_ascii_alphanumeric() || "_-./:+@=".contains(char);
    begins
        && text.chars().all(ordinary)
        && !text.ends_with(':')
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn in_quotes(text: &str) -> String {
    let escaped = |char: char| match char {
        '"' | '\\' => format!("\\{char}"),
        ' ' => char.to_string(),
        _ if char.is_ascii_graphic() || char.is_alphanumeric() => char.to_string(),
        _ => format!("\\U{:08x}", u32::from(char)),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::tree::{Value, parse};

    fn read_back(shown: &str) -> Value {
        let tree = parse(&format!("k: {shown}\nl: [{shown}]\n"), &"c.yaml".into()).unwrap();
        let Value::Map(entries) = tree.value else { panic!("{shown}") };
        let Value::List(items) = &entries[1].node.value else { panic!("{shown}") };
        assert_eq!(entries[0].node.value, items[0].value, "{shown}");
        entries[0].node.value.clone()
    }

    #[test]
    fn text_that_could_be_misread_is_quoted() {
        for text in
            ["off", "True", "null", "~", "12", "1e3", "0x10", "a: b", "a #b", "- a", "a,b", "{a}", "é\n"]
        {
            assert!(Shown::text(text).to_string().starts_with('"'), "{text}");
        }
        for text in ["https://acme.scalekit.dev/", "at+jwt", "./countersign.redb", "skc_123"] {
            assert_eq!(Shown::text(text).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_reads_back_as_itself(text in ".*") {
            prop_assert_eq!(read_back(&Shown::text(text.as_str()).to_string()), Value::Text(text));
        }
    }

    #[test]
    fn sections_are_indented_lines() {
        let item = |name: &str| {
            Shown::Section(vec![
                ("name", Shown::text(name)),
                ("keys", Shown::Section(vec![("timeout", Shown::plain("5s"))])),
            ])
        };
        let document = Shown::Section(vec![
            ("listen", Shown::List(vec![Shown::plain("127.0.0.1:1"), Shown::text("unix:/a b")])),
            ("issuers", Shown::Sections(vec![item("a"), item("b")])),
            ("none", Shown::Section(vec![])),
        ]);
        assert_eq!(
            document.document(),
            "listen: [127.0.0.1:1, \"unix:/a b\"]\n\
             issuers:\n  - name: a\n    keys:\n      timeout: 5s\n  - name: b\n    keys:\n      timeout: 5s\n\
             none: {}\n"
        );
    }
}
