//! Rules about the sources that no compiler checks: who may depend on what, and what nobody may write.
//!
//! A rule that is in the way is changed here, in the open, with its reason; ARCHITECTURE.md says what the rooms are for.

mod logging;
mod sources;

use std::collections::BTreeSet;

use sources::{Source, all_files, rust_sources};

/// Which rooms a room may name. Dependencies point down only.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("domain", &[]),
    ("ops", &["domain"]),
    ("store", &["domain", "ops"]),
    ("issuer", &["domain", "ops", "store"]),
    ("state", &["domain", "ops", "store", "issuer"]),
    ("service", &["domain", "ops", "store", "issuer", "state"]),
    ("proto", &[]),
    ("api", &["domain", "ops", "proto", "service"]),
    ("dev", &["domain", "ops"]),
    ("config", &["domain", "ops", "store", "issuer", "state", "api"]),
    ("app", &["domain", "ops", "store", "issuer", "state", "service", "proto", "api", "config"]),
    ("cli", &["domain", "ops", "store", "issuer", "proto", "dev", "config", "app"]),
    // Not part of the service.
    ("fuzzing", &["domain", "issuer", "api", "config"]),
];

/// Which rooms may name a crate.
const CRATES: [(&str, &[&str]); 25] = [
    ("envoy_types", &["api"]),
    ("tonic", &["api", "app", "cli"]),
    ("tonic_health", &["api", "app", "cli"]),
    ("tonic_reflection", &["api"]),
    // In ops: a module of opentelemetry_otlp that is called the same.
    ("tonic_types", &["api", "cli", "ops"]),
    ("prost", &["api", "cli", "proto"]),
    ("axum", &["api", "dev"]),
    ("hyper", &["api"]),
    ("hyper_util", &["api"]),
    ("tower", &["api", "app"]),
    ("reqwest", &["issuer"]),
    ("h2", &["issuer"]),
    ("redb", &["store"]),
    // In config: a module of its own that is called the same.
    ("redis", &["store", "config"]),
    ("rustls_native_certs", &["store"]),
    ("tokio_rustls", &["store"]),
    ("moka", &["state"]),
    ("arc_swap", &["issuer", "state", "service"]),
    ("clap", &["cli", "main"]),
    ("serde_saphyr", &["config"]),
    ("opentelemetry", &["ops"]),
    ("opentelemetry_sdk", &["ops"]),
    ("opentelemetry_otlp", &["ops"]),
    ("prometheus_client", &["ops", "issuer", "state", "service", "api"]),
    ("jsonwebtoken", &["issuer", "dev"]),
];

/// The files that may take a secret or a token out of its wrapper, and what for.
const EXPOSES: [(&str, &str); 21] = [
    ("config/secret.rs", "reads them from files and variables"),
    ("config/store/url.rs", "takes Redis's password out of its address"),
    ("domain/jws.rs", "takes a token apart"),
    ("domain/key.rs", "makes a key of a shared secret"),
    ("domain/revocation.rs", "digests a token that only its issuer can read"),
    ("issuer/client.rs", "sends them to the token endpoint"),
    ("issuer/introspection.rs", "sends a token to the introspection endpoint"),
    ("issuer/client/assertion.rs", "makes a key of a client's"),
    ("issuer/revoker/token.rs", "sends a token to the revocation endpoint"),
    ("issuer/token_endpoint/form.rs", "sends what is exchanged to the token endpoint"),
    ("service/propagate/content.rs", "writes down what an issuer is still to be told"),
    ("state/digest.rs", "digests the token"),
    ("store/key_ring.rs", "derives keys"),
    ("store/key_ring/format.rs", "writes the key ring's file"),
    ("store/redis/link/connect.rs", "logs in"),
    ("store/rotations/content.rs", "writes tokens down, to be sealed"),
    ("store/rotations/digests.rs", "digests refresh tokens"),
    ("store/seal.rs", "derives keys, and seals secrets"),
    ("api/grpc/token/refresh.rs", "answers with tokens"),
    ("service/refresh/login.rs", "reads the tokens that are handed over"),
    ("service/refresh/vet.rs", "reads the tokens that are handed out"),
];

/// The constructors of `tonic::Status`.
const STATUSES: [&str; 22] = [
    "new",
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
    "with_details",
    "with_metadata",
    "with_error_details",
    "from_error",
];

const LONGEST: usize = 400;

#[test]
fn rooms_depend_on_lower_rooms_only() {
    let mut wrong = BTreeSet::new();
    for source in rust_sources() {
        let Some((_, allowed)) = MAY_USE.iter().find(|(room, _)| *room == source.room) else {
            assert!(["lib", "main"].contains(&source.room.as_str()), "{} belongs to no room", source.path);
            continue;
        };
        for (room, _) in MAY_USE {
            if room != source.room && !allowed.contains(&room) && source.uses_room(room) {
                wrong.insert(format!("{} names crate::{room}", source.path));
            }
        }
    }
    none(&wrong);
}

#[test]
fn each_crate_is_named_only_where_it_belongs() {
    let mut wrong = BTreeSet::new();
    for source in rust_sources() {
        for (name, rooms) in CRATES {
            if !rooms.contains(&source.room.as_str()) && source.names(&format!("{name}::")) {
                wrong.insert(format!("{} names {name}", source.path));
            }
        }
    }
    none(&wrong);
}

#[test]
fn only_the_client_commands_have_a_grpc_client() {
    let client =
        |source: &Source| source.names("proto::client") || source.names("tonic::transport::Endpoint");
    none(&paths(|source| source.room != "cli" && client(source)));
}

#[test]
fn domain_knows_no_runtime_and_does_no_io() {
    let io = ["tokio::", "std::fs", "std::net", "std::io", "tracing::", "SystemTime", "Instant"];
    none(&paths(|source| source.room == "domain" && io.iter().any(|name| source.names(name))));
}

#[test]
fn secrets_are_exposed_only_where_they_are_used() {
    let listed = |source: &Source| EXPOSES.iter().any(|(path, _)| *path == source.path);
    none(&paths(|source| !listed(source) && source.names(".expose(")));
}

/// What an issuer says about a token is as good as a signature, so nobody else makes it up.
#[test]
fn what_an_issuer_says_about_a_token_comes_from_its_endpoint_only() {
    let receives = |source: &Source| source.names("Introspection::received(");
    none(&paths(|source| source.path != "issuer/introspection.rs" && receives(source)));
}

#[test]
fn statuses_are_made_in_one_file() {
    let makes = |source: &Source| STATUSES.iter().any(|name| source.names(&format!("Status::{name}(")));
    none(&paths(|source| source.path != "api/grpc/status.rs" && makes(source)));
}

/// E6: Envoy takes every response with code 0 for an allow, so each is made where an admission is at hand.
#[test]
fn e6_envoys_answers_are_made_in_one_file() {
    let makes = |source: &Source| source.names("CheckResponse {") || source.names("CheckResponse::default");
    none(&paths(|source| source.path != "api/grpc/ext_authz/answer.rs" && makes(source)));
}

#[test]
fn the_environment_is_read_in_config_only() {
    let reads =
        |source: &Source| ["env::var", "env::vars", "env::var_os"].iter().any(|name| source.names(name));
    none(&paths(|source| source.room != "config" && reads(source)));
}

#[test]
fn files_stay_small() {
    none(&paths(|source| source.code.lines().count() > LONGEST));
}

#[test]
fn main_only_starts() {
    let main = rust_sources().into_iter().find(|source| source.path == "main.rs").unwrap();
    assert!(main.code.lines().count() <= 80, "main.rs is longer than 80 lines");
}

#[test]
fn modules_are_named_after_themselves() {
    none(
        &all_files()
            .iter()
            .filter(|file| file.path.ends_with("/mod.rs"))
            .map(|file| file.path.clone())
            .collect(),
    );
}

/// Virtual time may pass by sleeping; real time may not.
#[test]
fn no_test_sleeps_or_is_left_out() {
    let never = [concat!("thread", "::sleep"), concat!("#[", "ignore")];
    let sleep = concat!("time", "::sleep");
    let mut wrong = BTreeSet::new();
    for file in all_files().iter().filter(|file| file.is_rust()) {
        let in_tests = file.path.starts_with("tests/");
        let test_code = if in_tests { file.text.as_str() } else { file.test_code() };
        let virtual_time = !in_tests && test_code.contains("start_paused = true");
        if never.iter().any(|word| test_code.contains(word)) || !virtual_time && test_code.contains(sleep) {
            wrong.insert(file.path.clone());
        }
    }
    none(&wrong);
}

/// Absolute paths of one machine are of no use on another.
#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let mut places: Vec<String> =
        ["home", "root", "Users"].iter().map(|directory| format!("/{directory}/")).collect();
    let here = env!("CARGO_MANIFEST_DIR");
    if here.matches('/').count() >= 3 {
        places.push(format!("{here}/"));
    }
    let known = |text: &str| places.iter().any(|place| text.contains(place.as_str()));
    none(&all_files().iter().filter(|file| known(&file.text)).map(|file| file.path.clone()).collect());
}

#[test]
fn documents_link_to_files_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = BTreeSet::new();
    for file in all_files().iter().filter(|file| file.path.to_lowercase().ends_with(".md")) {
        let directory = root.join(&file.path).parent().unwrap().to_owned();
        let links = file.text.match_indices("](").map(|(at, start)| &file.text[at + start.len()..]);
        for link in links.filter_map(|rest| rest.split([')', '#']).next()) {
            if !link.is_empty() && !link.contains("://") && !directory.join(link).exists() {
                missing.insert(format!("{} links to {link}", file.path));
            }
        }
    }
    none(&missing);
}

fn paths(wrong: impl Fn(&Source) -> bool) -> BTreeSet<String> {
    rust_sources().iter().filter(|source| wrong(source)).map(|source| source.path.clone()).collect()
}

#[track_caller]
fn none(wrong: &BTreeSet<String>) {
    assert!(wrong.is_empty(), "{wrong:#?}");
}
