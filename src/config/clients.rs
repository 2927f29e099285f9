//! `issuers[].clients`: who this service is at the issuer, and how it proves that.

use super::{effective::Shown, key::Key, secret, section::Section, tree::Value};
use crate::{
    domain::secret::Secret,
    issuer::{ClientAuthentication, OAuthClient},
};

const CLIENTS: Key = Key::reload("clients", "Who Countersign is at the issuer.").or("none");
const ID: Key = Key::reload("id", "The `client_id` that the issuer gave. Each once.");
const AUTH: Key = Key::reload(
    "auth",
    "How it authenticates at the token and revocation endpoints; `none` is for a public client. `private_key_jwt` is not built yet.",
);
const SECRET: Key = Key::reload("secret", "The client's secret; needed, unless `auth: none`.");

/// How a client authenticates, before its secret is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Basic,
    Post,
    Public,
}

const METHODS: [(&str, Method); 3] =
    [("client_secret_basic", Method::Basic), ("client_secret_post", Method::Post), ("none", Method::Public)];

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
    let method = method(client);
    let secret = secret::read(client, SECRET);
    let authentication = authentication(client, method, secret);
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

fn method(client: &mut Section<'_, '_>) -> Option<Method> {
    if matches!(client.raw("auth").map(|node| &node.value), Some(Value::Text(name)) if name == "private_key_jwt")
    {
        let message = "`private_key_jwt` is documented, but not built in this version; use \
             `client_secret_basic`, `client_secret_post` or `none`";
        client.problem("auth", message);
        client.show("auth", Shown::plain("private_key_jwt"));
        return None;
    }
    // What a client uses that registered nothing else (OpenID Connect Core section 9).
    Some(client.choice(AUTH, Method::Basic, &METHODS))
}

fn authentication(
    client: &mut Section<'_, '_>,
    method: Option<Method>,
    secret: Option<Secret>,
) -> Option<ClientAuthentication> {
    let written = client.has("secret");
    match (method?, secret) {
        (Method::Basic, Some(secret)) => Some(ClientAuthentication::SecretBasic(secret)),
        (Method::Post, Some(secret)) => Some(ClientAuthentication::SecretPost(secret)),
        (Method::Public, None) if !written => Some(ClientAuthentication::Public),
        (Method::Public, _) => {
            client.problem("secret", "with `auth: none` there is no secret; remove one of the two");
            None
        }
        (Method::Basic | Method::Post, None) => {
            if !written {
                let message = "is needed: `{file: path}` or `{env: NAME}`; a public client has `auth: none`";
                client.problem("secret", message);
            }
            None
        }
    }
}
