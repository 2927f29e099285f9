//! The sections `store` and `key_ring`: which store, and what seals it.

mod durability;
mod redis;
mod url;

use std::path::PathBuf;

use super::{key::Key, section::Section, written::FilePath};
use crate::store::{StoreKind, StoreSettings};

const STORE: Key = Key::restart("store", "Where state is kept.");
const KIND: Key = Key::restart(
    "kind",
    "The kind of store: `embedded` is a file for one replica, `redis` a Redis or Valkey (7.0 or later) that replicas share.",
);
const PATH: Key = Key::restart("path", "The embedded store's file. Not with `redis`.");
const KEY_RING: Key =
    Key::restart("key_ring", "The key ring that seals what is stored; the same on all replicas.")
        .or("made beside the embedded store; needed with `redis`");
const KEY_RING_FILE: Key = Key::restart(
    "file",
    "The key ring's file. It has to be there, and nobody but its owner may be able to write it (`chmod 600`).",
);

/// The word for a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Embedded,
    Redis,
}

/// Reads `store` and `key_ring`.
pub(super) fn read(root: &mut Section<'_, '_>) -> StoreSettings {
    let key_ring = key_ring(root);
    let kind = root.section(STORE, |store| {
        let kind = store.choice(KIND, Kind::Embedded, &[("embedded", Kind::Embedded), ("redis", Kind::Redis)]);
        // Otherwise nobody knows what else there should be.
        let is_known = store.is_sound();
        match kind {
            Kind::Embedded => {
                if is_known {
                    redis::refuse(store);
                }
                if store.reader().is_surveying() {
                    redis::read(store);
                }
                embedded(store)
            }
            Kind::Redis => {
                if store.has("path") {
                    store.problem("path", "is the embedded store's; with `kind: redis`, `url` says where it is");
                }
                if key_ring.is_none() {
                    let place = store.place_of("kind");
                    let message = "is needed with `kind: redis`, because all replicas share one: make it with \
                         `countersign keygen --out FILE`";
                    store.reader().problem(&place, "key_ring.file", message);
                }
                StoreKind::Redis(Box::new(redis::read(store)))
            }
        }
    });
    StoreSettings { kind, key_ring }
}

fn embedded(store: &mut Section<'_, '_>) -> StoreKind {
    let FilePath(path) = store.value(PATH, FilePath("./countersign.redb".to_owned()));
    StoreKind::Embedded { path: store.reader().resolve(&path) }
}

fn key_ring(root: &mut Section<'_, '_>) -> Option<PathBuf> {
    root.optional_section(KEY_RING, |key_ring| {
        let message = "is needed; without `key_ring`, a key ring is made beside the embedded store";
        key_ring
            .needed(KEY_RING_FILE, message)
            .map_or_else(PathBuf::new, |FilePath(written)| existing(key_ring, KEY_RING_FILE, &written))
    })
}

/// Where a path leads; a problem if nothing is there.
fn existing(section: &mut Section<'_, '_>, key: Key, written: &str) -> PathBuf {
    let path = section.reader().resolve(written);
    if !section.reader().files.is_there(&path) {
        section.problem(key.name, format!("there is no file {}", path.display()));
    }
    path
}
