//! The JSON Schema and the reader are held to each other.

use std::collections::BTreeSet;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use super::*;
use crate::config::{
    schema::document,
    survey::{Row, Shape},
};

const DRAFTS: [&str; 2] =
    ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"];

/// The schema, as a validator has it.
struct Validator(Schemas, SchemaIndex);

impl Validator {
    fn of(draft: &str) -> Self {
        let mut schema = document(&survey::rows());
        schema["$schema"] = draft.into();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("countersign.json", schema).unwrap();
        let index = compiler.compile("countersign.json", &mut schemas).unwrap();
        Self(schemas, index)
    }

    fn check(&self, configuration: &Value) -> Result<(), String> {
        self.0.validate(configuration, self.1).map_err(|error| error.to_string())
    }
}

fn json_of(text: &str) -> Value {
    tree::parse(text, &"c.yaml".into()).unwrap().value.as_json()
}

/// Those in a page's blocks.
fn blocks(page: &'static str) -> impl Iterator<Item = &'static str> {
    page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap())
}

#[test]
fn every_configuration_that_is_shown_is_valid_and_so_is_what_it_means() {
    let env = full_environment();
    let examples = [
        include_str!("../../../examples/countersign.yaml"),
        include_str!("../../../examples/scalekit.yaml"),
        FULL,
        SHARED,
    ];
    let readme = blocks(include_str!("../../../README.md"));
    let texts: Vec<_> = examples
        .into_iter()
        .chain(readme)
        .chain(blocks(include_str!("../../../docs/providers.md")))
        .collect();
    assert!(texts.len() > 15);
    for validator in DRAFTS.map(Validator::of) {
        for text in &texts {
            assert_eq!(validator.check(&json_of(text)), Ok(()), "{text}");
            let effective = load_here(text, &env).unwrap().effective;
            assert_eq!(validator.check(&json_of(&effective)), Ok(()), "{effective}");
        }
    }
}

#[test]
fn what_is_written_wrong_is_refused_by_both() {
    let issuer = |line: &str| format!("issuers: [{{issuer: https://a.example, audiences: [a], {line}}}]");
    let mut texts: Vec<String> = [
        "listn: x",
        "listen: 5",
        "listen: localhost:5",
        "listen: []",
        "listen: [unix:a]",
        "admin: 5",
        "admin: {listn: off}",
        "server: {reflection: maybe}",
        "server: {keepalive: 20}",
        "cache: {max_bytes: 64MB}",
        "cache: {max_age: off}",
        "cache: []",
        "cache: {max_byte: 1MiB}",
        "limits: {max_concurrent: 1.5}",
        "limits: {max_concurrent: 0}",
        "limits: {drain: 1w}",
        "store: {kind: sqlite}",
        "store: {url: x}",
        "store: {kind: redis, url: 5}",
        "store: {kind: redis, url: http://a}",
        "store: {kind: redis, url: {path: x}}",
        "store: {kind: redis, cluster: maybe}",
        "store: {kind: redis, prefix: 'a{b}'}",
        "store: {kind: redis, durability: always}",
        "store: {kind: redis, durability: {replicas: 0}}",
        "store: {kind: redis, durability: {replicas: 17}}",
        "store: {kind: redis, durability: {}}",
        "store: {kind: redis, sentinel: x}",
        "store: {kind: redis, sentinel: {}}",
        "store: {kind: redis, sentinel: {master: a, password: hunter2}}",
        "store: {kind: redis, tls: {ca: 5}}",
        "store: {kind: redis, tls: {cert: x}}",
        "store: {path: 5}",
        "key_ring: {}",
        "key_ring:",
        "key_ring: ./file",
        "telemetry: {format: text}",
        "http: {listen: 5}",
        "http: {forwarded: x-forwarded}",
        "ext_authz: off",
        "ext_authz: {cannot_tell: deny}",
        "ext_authz: {sources: [cookie]}",
        "ext_authz: {sources: []}",
        "ext_authz: {headers: {user: x-user}}",
        "ext_authz: {headers: {subject: x_user}}",
        "ext_authz: {lists: yaml}",
        "ext_authz: {max_identity_bytes: 255}",
        "ext_authz: {dynamic_metadata: on}",
        "ext_authz: {realm: 'a\"b'}",
        "ext_authz: {resource_metadata: a.example}",
        "ext_authz: {login: {return_to: a}}",
        "ext_authz: {login: {url: https://a.example, return_to: 'a b'}}",
        "telemetry: {sample_ratio: 1.5}",
        "telemetry: {otlp_endpoint: collector}",
        "tls: {certificate: a}",
        "callers: [{name: x}]",
    ]
    .map(|line| format!("{line}\n{ISSUER}"))
    .into();
    texts.extend(
        [
            "name: 5",
            "profile: scale-kit",
            "algorithms: RS256",
            "algorithms: [none]",
            "audience_claim: azp",
            "jwks_uri: keys",
            "secret: hunter2",
            "secret:",
            "secret: {path: x}",
            "secret: {file: x, encoding: hex}",
            "leeway: 60",
            "max_token_age: never",
            "required_claims: sub",
            "required_claims: ['/a~b']",
            "claims: {sid: [a]}",
            "kinds: {access: {typ: JWT}}",
            "kinds: {access: {require: [[]]}}",
            "kinds: {acces: {}}",
            "keys: {max_keys: x}",
            "clients: off",
            "clients: [{auth: none}]",
            "clients: [{id: x, auth: post}]",
            "clients: [x]",
            "refresh: {a: 1}",
        ]
        .map(issuer),
    );
    texts.extend(
        ["issuers: []", "issuers: {}", "listen: 127.0.0.1:5", "issuers: [{audiences: [a]}]", "issuers: [x]"]
            .map(str::to_owned),
    );
    texts.push("issuers: [{issuer: https://a.example}]".to_owned());
    texts.push("issuers: [{issuer: https://a.example, audiences: []}]".to_owned());
    for validator in DRAFTS.map(Validator::of) {
        for text in &texts {
            assert!(load(text).is_err(), "{text}");
            assert!(validator.check(&json_of(text)).is_err(), "{text}");
        }
    }
}

/// A configuration with one value somewhere in it.
fn with(path: &str, value: &Value) -> Value {
    let mut root = json!({ "issuers": [{ "issuer": "https://a.example", "audiences": ["a"] }] });
    if path.starts_with("store.") && !["store.kind", "store.path"].contains(&path) {
        root["store"] = json!({ "kind": "redis" });
        if path.starts_with("store.sentinel.") {
            root["store"]["sentinel"] = json!({ "master": "m" });
        }
    }
    let mut node = &mut root;
    for name in path.split('.') {
        let (name, is_list) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
        node = &mut node[name];
        if is_list {
            if node.is_null() {
                *node = json!([{ "id": "c", "auth": "none" }]);
            }
            node = &mut node[0];
        }
    }
    *node = value.clone();
    root
}

/// JSON is YAML, too. What is refused because of how it is written is refused by both, for every key and whatever is
/// written; what means nothing good is refused by the reader alone.
#[test]
fn both_take_the_same_for_every_key() {
    let values = json!([
        null, true, false, 0, 5, -1, 0.5, 1.5, "", "5", "off", "on", "x", " x", "5m", "5min", "64KiB", "64KB", "none",
        "client_id", "RS256", "https://a.example", "127.0.0.1:5", "[::1]:5", "unix:/a", "/a/b", "/a~b", [], [5], ["x"],
        [[]], [["x"]], ["RS256"], ["127.0.0.1:5"], [null], [{}], {}, { "x": 1 }
    ]);
    let validator = Validator::of(DRAFTS[0]);
    let rows = survey::rows();
    for row in rows.iter().filter(|row| !matches!(row.shape, Shape::NotBuilt)) {
        let path = row.path();
        for value in values.as_array().unwrap() {
            let configuration = with(&path, value);
            let problems = load(&configuration.to_string()).map(|_| ()).err().unwrap_or_default();
            let refused = validator.check(&configuration);
            assert!(refused.is_ok() || !problems.is_empty(), "only the schema refuses {path}: {value}");
            let is_of_form =
                |problem: &&String| problem.contains(", found ") || problem.ends_with(": unknown key");
            let of_form = problems.iter().find(is_of_form);
            assert!(of_form.is_none() || refused.is_err(), "the schema takes {path}: {value}; {of_form:?}");
        }
    }
}

/// Every key that is asked for.
fn keys_that_are_read() -> BTreeSet<String> {
    let env = full_environment();
    let known = [FULL, SHARED].map(|text| {
        let root = tree::parse(text, &"c.yaml".into()).unwrap();
        let mut reader = Reader::new("c.yaml".into(), &env, here());
        let (_, _) = section::read_root(&mut reader, &root, all_sections);
        reader.finish().unwrap().known
    });
    known.into_iter().flatten().collect()
}

#[test]
fn the_survey_finds_every_key_that_is_read_and_each_once() {
    let found: Vec<String> = survey::rows().iter().map(Row::path).collect();
    assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), keys_that_are_read());
    assert_eq!(found.len(), keys_that_are_read().len());
}

/// The paths of all properties.
fn properties(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let alternatives = schema["anyOf"].as_array().into_iter().flatten();
    for object in alternatives.chain([schema]) {
        for (name, property) in object["properties"].as_object().into_iter().flatten() {
            assert!(
                property["description"].as_str().is_some_and(|about| about.ends_with('.')),
                "{path}.{name}"
            );
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            properties(property, &path, found);
            properties(&property["items"], &format!("{path}[]"), found);
            found.insert(path);
        }
    }
}

#[test]
fn the_schema_has_every_key_that_is_built_and_no_other() {
    let rows = survey::rows();
    let built = rows.iter().filter(|row| !matches!(row.shape, Shape::NotBuilt));
    let mut found = BTreeSet::new();
    properties(&document(&rows), "", &mut found);
    // Part of a value.
    assert!(found.remove("store.durability.replicas"));
    assert_eq!(found, built.map(Row::path).collect());
}

#[test]
fn every_default_is_valid_and_what_is_in_effect_without_the_key() {
    let effective = json_of(&good(ISSUER).effective);
    let validator = Validator::of(DRAFTS[0]);
    for row in survey::rows() {
        let Shape::Value { default: Some(default), .. } = &row.shape else { continue };
        let default = json_of(&format!("k: {default}"))["k"].clone();
        let path = row.path();
        assert_eq!(validator.check(&with(&path, &default)), Ok(()), "{path}");
        let pointer = format!("/{}", path.replace("[]", "/0").replace('.', "/"));
        let in_effect = effective.pointer(&pointer);
        assert!(in_effect.is_none_or(|value| *value == default), "{path}: {in_effect:?}");
        let is_of_redis = path.starts_with("store.");
        assert!(
            in_effect.is_some()
                || path.ends_with("encoding")
                || path.contains("clients")
                || path.contains("introspection")
                || is_of_redis,
            "{path}"
        );
    }
}

#[test]
fn the_examples_name_the_schema() {
    for text in
        [include_str!("../../../examples/countersign.yaml"), include_str!("../../../examples/scalekit.yaml")]
    {
        let first = text.lines().next().unwrap();
        assert_eq!(first, "# yaml-language-server: $schema=../docs/countersign.schema.json");
    }
}
