//! The configuration that `countersign dev` runs with.

use std::path::Path;

use serde_json::Value;

use super::{AUDIENCE, client};

/// The variable that holds the client's secret where the configuration is read.
pub const CLIENT_SECRET: &str = "DEV_CLIENT_SECRET";

/// What differs from one run to the next.
#[derive(Clone, Copy, Debug)]
pub struct DevConfig<'a> {
    /// [`super::DevIssuer::issuer_url`].
    pub issuer: &'a str,
    /// Where gRPC is served.
    pub listen: &'a str,
    /// Where the admin port is.
    pub admin: &'a str,
    /// The embedded store's file.
    pub store: &'a Path,
}

impl DevConfig<'_> {
    /// As YAML, like a configuration file: what is tried in development is written the same way in production.
    pub fn to_yaml(self) -> String {
        let listen = quoted(self.listen);
        let admin = quoted(self.admin);
        let issuer = quoted(self.issuer);
        let store = quoted(&self.store.to_string_lossy());
        let client = client::ID;
        format!(
            "\
listen: {listen}
server: {{ reflection: true }}
admin: {{ listen: {admin} }}
issuers:
  - name: dev
    profile: generic
    issuer: {issuer}
    audiences: [{AUDIENCE}]
    clients: [{{ id: {client}, secret: {{ env: {CLIENT_SECRET} }} }}]
    refresh: {{ rotation: strict }}
    keys: {{ refresh_after: 1m, min_refetch: 1s, max_age: 1h }}
store: {{ path: {store} }}
telemetry: {{ log: warn, format: pretty }}
"
        )
    }
}

/// A JSON string, which YAML reads alike.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_text_is_yaml_whatever_the_paths_hold() {
        let config = DevConfig {
            issuer: "http://127.0.0.1:8080",
            listen: "unix:/run/a: b#c",
            admin: "127.0.0.1:9090",
            store: Path::new("/tmp/it's \"here\"/é: #x/countersign.redb"),
        };
        let read: Value = serde_saphyr::from_str(&config.to_yaml()).unwrap();
        let expected = json!({
            "listen": "unix:/run/a: b#c",
            "server": { "reflection": true },
            "admin": { "listen": "127.0.0.1:9090" },
            "issuers": [{
                "name": "dev",
                "profile": "generic",
                "issuer": "http://127.0.0.1:8080",
                "audiences": ["countersign-dev"],
                "clients": [{ "id": "dev-client", "secret": { "env": "DEV_CLIENT_SECRET" } }],
                "refresh": { "rotation": "strict" },
                "keys": { "refresh_after": "1m", "min_refetch": "1s", "max_age": "1h" },
            }],
            "store": { "path": "/tmp/it's \"here\"/é: #x/countersign.redb" },
            "telemetry": { "log": "warn", "format": "pretty" },
        });
        assert_eq!(read, expected);
    }
}
