//! `store.sentinel`: the hosts of `url` are sentinels, which know the primary.

use crate::{
    config::{key::Key, secret, section::Section},
    store::Topology,
};

pub(super) const SENTINEL: Key = Key::restart(
    "sentinel",
    "The hosts of `url` are sentinels, and say which server is the primary; the user, password and database of `url` are the \
     server's.",
)
.or("they are the server");
const MASTER: Key =
    Key::restart("master", "What the sentinels call the primary (`sentinel monitor NAME ...`).");
const USERNAME: Key = Key::restart("username", "The ACL user at the sentinels.");
const PASSWORD: Key = Key::restart("password", "The password at the sentinels.").or("none");

/// Reads it.
pub(super) fn read(store: &mut Section<'_, '_>) -> Option<Topology> {
    store.optional_section(SENTINEL, |sentinel| {
        let message = "is needed: what the sentinels call the primary, as in `sentinel monitor NAME ...`";
        let master = sentinel.needed::<String>(MASTER, message).unwrap_or_default();
        let username = sentinel.optional::<String>(USERNAME);
        let password = secret::read(sentinel, PASSWORD);
        if username.is_some() && !sentinel.has(PASSWORD.name) {
            sentinel.problem(USERNAME.name, "is of no use without `password`; add it, or remove this");
        }
        Topology::Sentinel { master, username, password }
    })
}
