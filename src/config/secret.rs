//! Secrets: named by a file or a variable, never written into the configuration.

use base64::{Engine as _, engine::DecodePaddingMode, engine::GeneralPurpose, engine::GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::{key::Key, reader::Reader, section::Section, survey::Presence, tree::Value, written::FilePath};
use crate::domain::secret::Secret;

/// Longer files are not secrets.
const LONGEST: u64 = 64 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const FILE: Key = Key::reload("file", "The file that holds it.");
const ENV: Key = Key::reload("env", "Instead of `file`: the variable of the environment that holds it.");
const ENCODING: Key = Key::reload("encoding", "How its bytes are written.");

/// How the bytes are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Raw,
    Base64,
}

/// Reads `{file: path}` or `{env: NAME}`, with or without `encoding: base64`. No message repeats what was written.
pub(super) fn read(section: &mut Section<'_, '_>, key: Key) -> Option<Secret> {
    if section.raw(key.name).is_some_and(|node| !matches!(node.value, Value::Map(_))) {
        // Not even its kind or length is told.
        section
            .problem(key.name, "secrets are not written here: name one with `{file: path}` or `{env: NAME}`");
        return None;
    }
    named(section, key, Presence::Optional)
}

/// The same for an address that may also be written as text, when it is not.
pub(super) fn instead_of_address(section: &mut Section<'_, '_>, key: Key) -> Option<Secret> {
    named(section, key, Presence::OptionalOrAddress)
}

fn named(section: &mut Section<'_, '_>, key: Key, presence: Presence) -> Option<Secret> {
    // A change of the secret takes effect when one of what it is for does.
    let change = key.change;
    section.optional_section_or(key, presence, |reference| {
        let file = reference.optional(Key { change, ..FILE }).map(|FilePath(file)| file);
        let env = reference.optional::<String>(Key { change, ..ENV });
        let encoding = reference.choice(
            Key { change, ..ENCODING },
            Encoding::Raw,
            &[("raw", Encoding::Raw), ("base64", Encoding::Base64)],
        );
        let (at, found) = match (file, env) {
            (Some(file), None) => ("file", from_file(reference.reader(), &file)),
            (None, Some(name)) => ("env", from_variable(reference.reader(), &name)),
            (None, None) => {
                if reference.is_sound() {
                    reference.problem("", "names no secret: write `{file: path}` or `{env: NAME}`");
                }
                return None;
            }
            (Some(_), Some(_)) => ("env", Err("name a file or a variable, not both".to_owned())),
        };
        match found.and_then(|bytes| decoded(bytes, encoding)) {
            Ok(secret) => Some(secret),
            Err(message) => {
                reference.problem(at, message);
                None
            }
        }
    })?
}

fn from_file(reader: &mut Reader<'_>, written: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let path = reader.resolve(written);
    let bytes = reader.files.read(&path, LONGEST);
    let bytes = bytes.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= LONGEST) {
        Ok(bytes)
    } else {
        Err(format!("{} is longer than a secret can be ({LONGEST} bytes)", path.display()))
    }
}

fn from_variable(reader: &Reader<'_>, name: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    match reader.env.bytes(name) {
        Some(bytes) => Ok(Zeroizing::new(bytes.to_vec())),
        None if is_usual_name(name) => Err(format!("the environment variable {name} is not set")),
        // Somebody may have written the secret itself here.
        None => Err("the environment variable of this name (not shown) is not set".to_owned()),
    }
}

fn is_usual_name(name: &str) -> bool {
    let usual = |char: char| char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_';
    name.len() <= 40 && name.starts_with(|char: char| char.is_ascii_uppercase()) && name.chars().all(usual)
}

/// The bytes as they are, less the one newline that editors and `echo` add.
fn decoded(mut bytes: Zeroizing<Vec<u8>>, encoding: Encoding) -> Result<Secret, String> {
    if bytes.pop_if(|last| *last == b'\n').is_some() {
        bytes.pop_if(|last| *last == b'\r');
    }
    let mut bytes = match encoding {
        Encoding::Raw => bytes,
        Encoding::Base64 => {
            let decoded = BASE64.decode(&*bytes).ok().map(Zeroizing::new);
            decoded.ok_or_else(|| "is not base64".to_owned())?
        }
    };
    if bytes.is_empty() {
        return Err("the secret is empty".to_owned());
    }
    Ok(Secret::new(std::mem::take(&mut *bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(bytes: &[u8], encoding: Encoding) -> Result<Vec<u8>, String> {
        decoded(Zeroizing::new(bytes.to_vec()), encoding).map(|secret| secret.expose().to_vec())
    }

    #[test]
    fn one_trailing_newline_is_not_part_of_a_secret() {
        for (written, bytes) in [
            (&b"abc"[..], &b"abc"[..]),
            (b"abc\n", b"abc"),
            (b"abc\r\n", b"abc"),
            (b"abc\n\n", b"abc\n"),
            (b"abc\r", b"abc\r"),
            (b" a\0b \n", b" a\0b "),
            (b"\xff\xfe", b"\xff\xfe"),
        ] {
            assert_eq!(secret(written, Encoding::Raw).unwrap(), bytes, "{written:?}");
        }
    }

    #[test]
    fn base64_is_decoded_with_or_without_padding() {
        for written in [&b"AAECAw=="[..], b"AAECAw", b"AAECAw==\n"] {
            assert_eq!(secret(written, Encoding::Base64).unwrap(), [0, 1, 2, 3]);
        }
        assert_eq!(secret(b"not base64!", Encoding::Base64).unwrap_err(), "is not base64");
    }

    #[test]
    fn an_empty_secret_is_none() {
        for encoding in [Encoding::Raw, Encoding::Base64] {
            assert_eq!(secret(b"\n", encoding).unwrap_err(), "the secret is empty");
        }
    }
}
