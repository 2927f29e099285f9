//! Who a request is from, in headers that a backend can trust.
//!
//! Values are visible ASCII; every other byte of their UTF-8 text is percent-encoded (RFC 3986 section 2.1), as is `%`, and in a
//! list with commas the comma. A list in JSON is escaped as JSON is instead. So nothing in a claim can end a header, begin another or look like two entries, and what
//! was encoded can be read back.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::settings::{EdgeSettings, Field, ListFormat};
use crate::domain::{claims::TextList, verify::VerifiedToken};

/// What no value has in it. All that is not ASCII is encoded anyway.
const TEXT: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// What no entry of a list with commas has in it.
const ENTRY: &AsciiSet = &TEXT.add(b',');

/// What `Omitted` takes if it names all the others.
const ALL_WORDS: usize = "subject,issuer,expires,session,organization,roles,scopes".len();

/// The identity headers of one token.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct Identity<'s> {
    /// Names and values, each name once.
    pub headers: Vec<(&'s str, String)>,
}

impl<'s> Identity<'s> {
    /// Nobody's.
    pub fn none() -> Self {
        Self { headers: Vec::new() }
    }

    /// That of a token. What there is no room for is left out and named.
    pub fn of(token: &VerifiedToken, settings: &'s EdgeSettings) -> Self {
        let fields = Field::ALL.into_iter().filter_map(|field| {
            let name = settings.names.of(field)?;
            let value = value(field, token, settings.lists).filter(|value| !value.is_empty())?;
            Some((field, name, value))
        });
        let fields: Vec<_> = fields.collect();
        let bytes: usize = fields.iter().map(|(_, name, value)| name.len() + value.len()).sum();
        let mut room = settings.max_identity_bytes;
        if bytes > room {
            // For saying so.
            room = room
                .saturating_sub(settings.names.of(Field::Omitted).map_or(0, |name| name.len() + ALL_WORDS));
        }
        let mut headers = Vec::with_capacity(Field::ALL.len());
        let mut omitted: Vec<&str> = Vec::new();
        for (field, name, value) in fields {
            match room.checked_sub(name.len() + value.len()) {
                Some(rest) => {
                    room = rest;
                    headers.push((name, value));
                }
                None => omitted.push(field.key()),
            }
        }
        if let Some(name) = settings.names.of(Field::Omitted).filter(|_| !omitted.is_empty()) {
            headers.push((name, omitted.join(",")));
        }
        Self { headers }
    }

    /// Every name that must not get through from the client (E2): every spelling of each, except those that are set, because
    /// Envoy removes after it has set.
    pub fn removed<'a>(&'a self, settings: &'s EdgeSettings) -> impl Iterator<Item = &'s str> + use<'a, 's> {
        let is_set = |name: &str| self.headers.iter().any(|(set, _)| *set == name);
        settings.names.spellings().iter().map(String::as_str).filter(move |name| !is_set(name))
    }
}

fn value(field: Field, token: &VerifiedToken, lists: ListFormat) -> Option<String> {
    let claims = token.claims();
    Some(match field {
        Field::Subject => text(claims.subject()),
        Field::Issuer => text(&token.policy().issuer),
        Field::Session => text(claims.session_id()),
        Field::Organization => text(claims.organization_id()),
        Field::Scopes => list(claims.scopes(), lists),
        Field::Roles => list(claims.roles(), lists),
        Field::Expires => claims.expires_at.as_secs().to_string(),
        Field::Omitted => return None,
    })
}

fn text(text: &str) -> String {
    utf8_percent_encode(text, TEXT).to_string()
}

fn list(entries: TextList<'_>, format: ListFormat) -> String {
    if entries.is_empty() {
        return String::new();
    }
    match format {
        ListFormat::Comma => {
            let entries: Vec<_> =
                entries.iter().map(|entry| utf8_percent_encode(entry, ENTRY).to_string()).collect();
            entries.join(",")
        }
        ListFormat::Json => json(entries),
    }
}

/// JSON in visible ASCII (RFC 8259 section 7).
fn json(entries: TextList<'_>) -> String {
    let entries: Vec<_> = entries.iter().collect();
    let mut ascii = String::new();
    for character in serde_json::Value::from(entries).to_string().chars() {
        if character.is_ascii() && !character.is_ascii_control() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                ascii.extend(format!("\\u{unit:04x}").chars());
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests;
