//! The whole configuration: one row for each rule.

mod environment;
mod page;
mod problems;
mod providers;
mod refresh;
mod schema;
mod secrets;
mod store;
mod telemetry;
mod values;

use std::path::Path;

use super::*;

const ISSUER: &str = "issuers:\n  - issuer: https://a.example\n    audiences: [api]\n";

fn load_with(text: &str, env: &Environment) -> Result<Loaded, Vec<String>> {
    Config::parse(text, env, Path::new("/nowhere"))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// The directory of a configuration that names files.
fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load_here(text: &str, env: &Environment) -> Result<Loaded, Vec<String>> {
    Config::parse(text, env, here()).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn load(text: &str) -> Result<Loaded, Vec<String>> {
    load_with(text, &Environment::default())
}

/// What a configuration gives that has nothing wrong with it.
fn good(text: &str) -> Loaded {
    load(text).unwrap_or_else(|problems| panic!("{text}\n{}", problems.join("\n")))
}

/// The only issuer of a configuration with these lines in its entry.
fn issuer_with(lines: &str) -> IssuerSettings {
    good(&with_issuer_lines(lines)).config.issuers.remove(0)
}

/// The lines begin at line 4.
fn with_issuer_lines(lines: &str) -> String {
    let indented: Vec<String> = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("{ISSUER}{}", indented.concat())
}

#[test]
fn the_examples_are_accepted() {
    for text in
        [include_str!("../../examples/countersign.yaml"), include_str!("../../examples/scalekit.yaml")]
    {
        assert_eq!(good(text).warnings, []);
    }
}

#[test]
fn the_example_states_the_defaults() {
    let example = include_str!("../../examples/countersign.yaml");
    let short = "issuers: [{name: acme, issuer: https://id.acme.example, algorithms: [RS256, ES256], \
         audiences: [https://api.acme.example]}]";
    assert_eq!(good(example).effective, good(short).effective);
}

/// Everything that a configuration can hold.
const FULL: &str = "
listen: [127.0.0.1:1, '[::1]:2', 'unix:/run/a b.sock']
admin: {listen: off}
server: {reflection: on, max_connection_age: off, keepalive: 1500ms, max_header_bytes: 8193}
issuers:
  - issuer: https://a.example/x/
    profile: scalekit
    audiences: ['true', '12', 'a b', \"tab\\there\", é]
    jwks_uri: https://a.example/keys?p=1
    max_token_age: 90m
    claims: {roles: [/realm_access/roles, 'https://a.example/roles'], permissions: []}
  - issuer: http://[::1]:8080
    audiences: [c1]
    audience_claim: client_id
    secret: {env: SHARED, encoding: base64}
    algorithms: [HS256]
    kinds: {access: {typ: [JWT], require: [scope]}, id: {typ: []}}
    required_claims: []
  - name: third
    issuer: http://c.example
    audiences: [c]
    allow_http: true
    leeway: 0s
    clients:
      - {id: c1, secret: {env: OTHER}}
      - {id: 'a b', secret: {env: SHARED, encoding: base64}, auth: client_secret_post}
      - {id: public, auth: none}
      - {id: signs, auth: private_key_jwt, key: {env: PEM}, algorithm: ES256, key_id: k1}
    refresh: {rotation: graceful, grace: 20s, resource: ['urn:a'], audience: api}
    introspection: {prefix: [c_], cache: 10s, client: c1, max_concurrent: 8, max_per_second: 50}
    keys: {refresh_after: 2s, max_age: 2d, min_refetch: 1s, timeout: 1ms, max_bytes: 1KiB, max_keys: 1}
cache: {max_bytes: 1MiB, max_age: 1ms}
refresh: {early: 30s, lease: 10s, limit: {burst: 5}}
http: {listen: 'unix:/run/check.sock', forwarded: x_forwarded}
ext_authz:
  cannot_tell: rpc_error
  sources: [authorization, 'header:X-Token', 'query:access_token']
  upstream_authorization: access_token
  headers: {subject: X-User, issuer: off, omitted: x-left-out}
  lists: json
  max_identity_bytes: 32KiB
  dynamic_metadata: off
  realm: 'off'
  resource_metadata: https://a.example/.well-known/oauth-protected-resource
  login: {url: 'https://a.example/login?app=é', return_to: rd}
store: {path: /var/lib/x.redb}
limits: {max_token_bytes: 256, max_concurrent: 1, drain: 0s}
telemetry: {log: 'info,countersign=debug', format: pretty, otlp_endpoint: 'https://otel.example:4317', sample_ratio: 0.25}
";

/// The same with Redis.
const SHARED: &str = "
issuers: [{issuer: https://a.example, audiences: [a]}]
key_ring: {file: Cargo.toml}
store:
  kind: redis
  url: {env: REDIS_URL}
  prefix: 'a:b'
  durability: {replicas: 2}
  sentinel: {master: primary, username: watcher, password: {env: OTHER}}
  tls: {ca: Cargo.toml, certificate: Cargo.toml, key: Cargo.toml}
";

/// A key that was made for this and is used nowhere.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgig9QJDuKJEIu2H9N\n\
    zRZPV6grRGacuWZAdI6jbxG7opuhRANCAAQ8H+i0j0+nfy/gEeJWiSkRIPWeXq9f\n\
    wL0ts8yo0ft90MPzPZdh9SLnw6INDEESK+jZx59Aps6yResFNJ/dWWTK\n\
    -----END PRIVATE KEY-----\n";

fn full_environment() -> Environment {
    Environment::from_iter([
        ("SHARED", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="),
        ("OTHER", "x"),
        ("PEM", PEM),
        ("HYDRA_SECRET", "x"),
        ("REDIS_URL", "rediss://me:hunter2@a.example:1,[::1]/3"),
        ("SUPABASE_JWT_SECRET", "a secret that is 32 bytes long...."),
    ])
}

#[test]
fn the_effective_configuration_reads_as_the_same_again() {
    let env = full_environment();
    for text in [FULL, SHARED, include_str!("../../examples/scalekit.yaml")] {
        let first = load_here(text, &env).unwrap();
        let again = load_here(&first.effective, &env).unwrap();
        assert_eq!(format!("{:?}", again.config), format!("{:?}", first.config), "{}", first.effective);
        assert_eq!(again.effective, first.effective);
    }
}

#[test]
fn the_effective_configuration_looks_like_this() {
    let loaded = load_with(FULL, &full_environment()).unwrap();
    insta::assert_snapshot!(loaded.effective);
}
