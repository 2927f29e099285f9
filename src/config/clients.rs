//! `issuers[].clients`: who this service is at the issuer, and how it proves that.

use super::{key::Key, secret, section::Section};
use crate::{
    domain::{algorithm::Algorithm, secret::Secret},
    issuer::{AssertionKey, BadAssertionKey, ClientAuthentication, OAuthClient},
};

const CLIENTS: Key = Key::reload("clients", "Who Countersign is at the issuer.").or("none");
const ID: Key = Key::reload("id", "The `client_id` that the issuer gave. Each once.");
const AUTH: Key = Key::reload(
    "auth",
    "How it authenticates at the token and revocation endpoints; `none` is for a public client.",
);
const SECRET: Key =
    Key::reload("secret", "The client's secret; needed for `client_secret_basic` and `client_secret_post`.");

const KEY: Key = Key::reload(
    "key",
    "With `auth: private_key_jwt`, the private key that assertions are signed with, as PEM: RSA of at least 2048 bits, EC with \
     P-256, P-384 or P-521, or Ed25519. Its public half is registered at the issuer.",
);
const ALGORITHM: Key = Key::reload("algorithm", "With a `key`, what assertions are signed with.")
    .or("RS256 for RSA, and what fits the key for the others");
const KEY_ID: Key =
    Key::reload("key_id", "With a `key`, its `kid` among those that are registered for the client.")
        .or("none");

/// How a client authenticates, before its secret is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Basic,
    Post,
    Key,
    Public,
}

const METHODS: [(&str, Method); 4] = [
    ("client_secret_basic", Method::Basic),
    ("client_secret_post", Method::Post),
    ("private_key_jwt", Method::Key),
    ("none", Method::Public),
];

/// What proves it, as far as it was written and can be read.
struct Proofs {
    secret: Option<Secret>,
    key: Option<Secret>,
    algorithm: Option<Algorithm>,
    key_id: Option<String>,
}

/// Reads the list. `issuer` is where their token endpoint is found.
pub(super) fn read(section: &mut Section<'_, '_>, issuer: &str) -> Vec<OAuthClient> {
    let mut clients: Vec<OAuthClient> = Vec::new();
    section.sections(CLIENTS, |section| {
        let Some(client) = read_one(section) else { return };
        if clients.iter().any(|before| before.id == client.id) {
            section.problem("id", "another client has the same id; write each client once");
        }
        clients.push(client);
    });
    // Only an issuer with a shared secret may be called by a word.
    if !clients.is_empty() && !issuer.is_empty() && !issuer.contains("://") {
        section.problem("clients", "the token endpoint is discovered from `issuer`, and that is no address");
    }
    clients
}

fn read_one(client: &mut Section<'_, '_>) -> Option<OAuthClient> {
    let id = id(client);
    // What a client uses that registered nothing else (OpenID Connect Core section 9).
    let method = client.choice(AUTH, Method::Basic, &METHODS);
    let proofs = Proofs {
        secret: secret::read(client, SECRET),
        key: secret::read(client, KEY),
        algorithm: client.optional(ALGORITHM),
        key_id: client.optional(KEY_ID),
    };
    let fits = refuse_what_does_not_fit(client, method);
    let authentication = if fits { authentication(client, method, proofs) } else { None };
    Some(OAuthClient { id: id?, authentication: authentication? })
}

fn id(client: &mut Section<'_, '_>) -> Option<String> {
    let id = client.needed::<String>(ID, "is needed: the `client_id` that the issuer gave")?;
    // RFC 6749 appendix A.1; anything else was pasted by mistake.
    if id.chars().all(|char| char == ' ' || char.is_ascii_graphic()) {
        return Some(id);
    }
    client.problem("id", "a client id is made of visible ASCII characters");
    None
}

/// A proof that the method has no use for was meant for another one.
fn refuse_what_does_not_fit(client: &mut Section<'_, '_>, method: Method) -> bool {
    let (for_none, for_secret, for_key) = (
        "with `auth: none` nothing proves who the client is; remove one of the two",
        "is for `auth: private_key_jwt`; with this `auth` there is a `secret`",
        "is for other ways to authenticate; with `auth: private_key_jwt` there is a `key`",
    );
    let unfit: &[(&'static str, &str)] = match method {
        Method::Basic | Method::Post => {
            &[("key", for_secret), ("algorithm", for_secret), ("key_id", for_secret)]
        }
        Method::Key => &[("secret", for_key)],
        Method::Public => {
            &[("secret", for_none), ("key", for_none), ("algorithm", for_none), ("key_id", for_none)]
        }
    };
    let written: Vec<_> = unfit.iter().filter(|(key, _)| client.has(key)).collect();
    for (key, message) in &written {
        client.problem(key, *message);
    }
    written.is_empty()
}

fn authentication(
    client: &mut Section<'_, '_>,
    method: Method,
    proofs: Proofs,
) -> Option<ClientAuthentication> {
    let Proofs { secret, key, algorithm, key_id } = proofs;
    let mut missing = |key: &'static str, message: &str| {
        // One that was written and cannot be read has been reported.
        if !client.has(key) {
            client.problem(key, message);
        }
        None
    };
    let no_secret = "is needed: `{file: path}` or `{env: NAME}`; a public client has `auth: none`";
    match method {
        Method::Basic => {
            secret.map(ClientAuthentication::SecretBasic).or_else(|| missing("secret", no_secret))
        }
        Method::Post => secret.map(ClientAuthentication::SecretPost).or_else(|| missing("secret", no_secret)),
        Method::Public => Some(ClientAuthentication::Public),
        Method::Key => match key {
            Some(key) => assertion_key(client, key, algorithm, key_id),
            None => missing("key", "is needed: `{file: path}`, a private key in PEM form"),
        },
    }
}

fn assertion_key(
    client: &mut Section<'_, '_>,
    key: Secret,
    algorithm: Option<Algorithm>,
    key_id: Option<String>,
) -> Option<ClientAuthentication> {
    // One that was written and cannot be read has been reported.
    if algorithm.is_none() && client.has("algorithm") {
        return None;
    }
    match AssertionKey::new(key, algorithm, key_id) {
        Ok(key) => Some(ClientAuthentication::PrivateKeyJwt(key)),
        Err(problem @ BadAssertionKey::Algorithm(_)) => {
            client.problem("algorithm", format!("the key {problem}"));
            None
        }
        Err(problem @ (BadAssertionKey::NotPem | BadAssertionKey::Kind)) => {
            client.problem("key", problem.to_string());
            None
        }
    }
}
