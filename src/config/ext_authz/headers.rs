//! `ext_authz.headers`: what the identity headers are called.

use super::values::HeaderName;
use crate::{
    config::{key::Key, section::Section},
    domain::edge::settings::{Field, IdentityNames},
};

const HEADERS: Key = Key::reload(
    "headers",
    "What the headers are called that say who a request is from. Each of them is taken out of requests first, in each spelling.",
);

/// Reads the section: the names differ from each other, so that each says one thing.
pub(super) fn read(ext_authz: &mut Section<'_, '_>) -> IdentityNames {
    ext_authz.section(HEADERS, |section| {
        let sent = Field::ALL.map(|field| {
            let default = HeaderName(field.default_name().to_owned());
            section.value(key(field), Some(default)).map(|name| name.0)
        });
        for (index, (field, name)) in Field::ALL.into_iter().zip(&sent).enumerate() {
            let is_it = |(_, other): &(Field, &Option<String>)| name.is_some() && *other == name;
            let before = Field::ALL.into_iter().zip(&sent).take(index).find(is_it);
            if let (Some((other, _)), Some(name)) = (before, name) {
                // Of two, the one that was written is the one to change.
                let (written, taken) = if section.has(field.key()) { (field, other) } else { (other, field) };
                let message = format!("`{name}` is the header of `{}`, too", taken.key());
                section.problem(written.key(), message);
            }
        }
        let names = IdentityNames::new(sent);
        if names.of(Field::Omitted).is_none() {
            section.warning(
                Field::Omitted.key(),
                "with `off`, nothing tells a backend that a header was left out for want of room (`max_identity_bytes`) rather \
                 than that there is nothing to say",
            );
        }
        names
    })
}

fn key(field: Field) -> Key {
    let about = match field {
        Field::Subject => {
            "`sub`. `off`: this is not sent, and nobody's header of the default name gets through."
        }
        Field::Issuer => "`iss`.",
        Field::Expires => "`exp`, in seconds since 1970.",
        Field::Session => "The session.",
        Field::Organization => "The organization.",
        Field::Roles => "The roles.",
        Field::Scopes => "The scopes.",
        Field::Omitted => "Which of these were left out for want of room.",
    };
    Key::reload(field.key(), about)
}
