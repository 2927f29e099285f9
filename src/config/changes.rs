//! What a reload cannot change.

use super::Config;
use crate::api::ServerSettings;

/// The keys whose change takes effect with a restart only, of those that differ, as docs/configuration.md names them.
pub fn needing_restart(running: &Config, wanted: &Config) -> Vec<&'static str> {
    // Whoever adds a section decides here which of the two it is.
    let Config { listen, server, admin, issuers: _, cache, store, limits: _, telemetry } = running;
    let ServerSettings { reflection, max_connection_age, keepalive, max_header_bytes } = server;
    let is_other = [
        ("listen", *listen != wanted.listen),
        ("admin.listen", *admin != wanted.admin),
        ("server.reflection", *reflection != wanted.server.reflection),
        ("server.max_connection_age", *max_connection_age != wanted.server.max_connection_age),
        ("server.keepalive", *keepalive != wanted.server.keepalive),
        ("server.max_header_bytes", *max_header_bytes != wanted.server.max_header_bytes),
        ("cache.max_bytes", cache.max_bytes != wanted.cache.max_bytes),
        ("cache.max_age", cache.max_age != wanted.cache.max_age),
        ("store.path", store.path != wanted.store.path),
        ("key_ring.file", store.key_ring != wanted.store.key_ring),
        ("telemetry.log", telemetry.log != wanted.telemetry.log),
        ("telemetry.format", telemetry.format != wanted.telemetry.format),
    ];
    is_other.into_iter().filter_map(|(key, is_other)| is_other.then_some(key)).collect()
}
