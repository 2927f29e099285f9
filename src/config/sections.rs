//! The sections that concern the whole process.

use std::{path::PathBuf, time::Duration};

use super::{
    keys::{bytes, count},
    scalar::Size,
    section::Section,
    tree::Value,
};
use crate::{
    api::{LimitSettings, ServerSettings},
    state::cache::CacheSettings,
    store::StoreSettings,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// Reads `server`.
pub(super) fn server(root: &mut Section<'_, '_>) -> ServerSettings {
    root.section("server", |server| ServerSettings {
        reflection: server.value("reflection", false),
        max_connection_age: server.within_or_off(
            "max_connection_age",
            Some(HOUR / 2),
            &(SECOND..=24 * 7 * HOUR),
        ),
        keepalive: server.within_or_off("keepalive", Some(20 * SECOND), &(SECOND..=HOUR)),
        max_header_bytes: u32::try_from(
            server.within("max_header_bytes", Size::kib(64), &(Size::kib(8)..=Size::mib(1))).0,
        )
        .unwrap_or(u32::MAX),
    })
}

/// Reads `cache`.
pub(super) fn cache(root: &mut Section<'_, '_>) -> CacheSettings {
    root.section("cache", |cache| CacheSettings {
        max_bytes: cache.within("max_bytes", Size::mib(64), &(Size::mib(1)..=Size::gib(1_024))).0,
        max_age: cache.within("max_age", HOUR / 12, &(Duration::from_millis(1)..=24 * HOUR)),
    })
}

/// Reads `limits`.
pub(super) fn limits(root: &mut Section<'_, '_>) -> LimitSettings {
    root.section("limits", |limits| LimitSettings {
        max_token_bytes: bytes(limits.within("max_token_bytes", Size::kib(16), &(Size(256)..=Size::mib(1)))),
        max_concurrent: count(limits.within("max_concurrent", 4_096, &(1..=1_000_000))),
        drain: limits.within("drain", 25 * SECOND, &(Duration::ZERO..=HOUR)),
    })
}

/// Reads `store` and `key_ring`.
pub(super) fn store(root: &mut Section<'_, '_>) -> StoreSettings {
    let key_ring = key_ring(root);
    let path = root.section("store", |store| {
        match store.raw("kind").map(|node| &node.value) {
            Some(Value::Text(kind)) if kind == "redis" => {
                let message = "`redis` is documented, but not built in this version; only `embedded` is";
                store.problem("kind", message);
            }
            _ => store.choice("kind", (), &[("embedded", ())]),
        }
        for key in ["url", "cluster", "prefix", "durability"] {
            store.not_built(key);
        }
        let path = store.value("path", "./countersign.redb".to_owned());
        store.reader().resolve(&path)
    });
    StoreSettings { path, key_ring }
}

fn key_ring(root: &mut Section<'_, '_>) -> Option<PathBuf> {
    root.optional_section("key_ring", |key_ring| {
        let Some(written) = key_ring.optional::<String>("file") else {
            if key_ring.is_sound() {
                key_ring
                    .problem("file", "is needed; without `key_ring`, a key ring is made beside the store");
            }
            return PathBuf::new();
        };
        let path = key_ring.reader().resolve(&written);
        if !key_ring.reader().files.is_there(&path) {
            key_ring.problem("file", format!("there is no file {}", path.display()));
        }
        path
    })
}

/// Documented sections whose features are to come.
pub(super) fn not_built(root: &mut Section<'_, '_>) {
    let sections =
        ["http", "tls", "callers", "sessions", "revocation", "refresh", "cookies", "ext_authz", "events"];
    for key in sections {
        root.not_built(key);
    }
}
