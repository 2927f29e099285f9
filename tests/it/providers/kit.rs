//! One provider's world: its configuration, its key, and its tokens at a fixed time.

use std::sync::Arc;

use countersign::{
    config::{Config, Environment},
    domain::{decide::Requirements, kind::TokenKind, reason::Reason},
    ops::drain::Tasks,
    service::validate::Question,
};
use serde_json::{Map, Value, json};

use crate::{
    support::{
        inprocess::{self, InProcess},
        tokens::Signer,
    },
    table::mint::{ManualClock, NOW},
};

/// What projects with a shared secret know.
pub(super) const SECRET: &str = "a legacy secret that has more than 32 bytes";

/// One provider as its users see it.
pub(super) struct Provider {
    pub(super) profile: &'static str,
    /// The whole configuration, which finds the key set in `jwks.json`.
    pub(super) configuration: String,
    /// What the key set holds.
    pub(super) keys: Vec<Value>,
    pub(super) rows: Vec<Row>,
}

/// A token and what becomes of it.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) token: String,
    pub(super) kind: TokenKind,
    pub(super) expected: Expected,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Good(Box<Info>),
    Refused(Reason),
}

/// What `TokenInfo` is made of, less the times. The default is what a token says nothing about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) is_of_client: bool,
    pub(super) audiences: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) permissions: Vec<String>,
    pub(super) client_id: String,
    pub(super) session_id: String,
    pub(super) token_id: String,
    pub(super) organization_id: String,
}

/// The fields of a good answer as a row writes them: `(name, value)`, lists as words.
pub(super) fn info(fields: &[(&str, &str)]) -> Expected {
    const FIELDS: [&str; 11] = [
        "issuer",
        "subject",
        "principal",
        "audiences",
        "scopes",
        "roles",
        "permissions",
        "client_id",
        "session_id",
        "token_id",
        "organization_id",
    ];
    assert!(fields.iter().all(|(name, _)| FIELDS.contains(name)), "{fields:?}");
    let text = |name: &str| {
        let field = fields.iter().find(|(field, _)| *field == name);
        field.map(|(_, value)| (*value).to_owned()).unwrap_or_default()
    };
    let list = |name: &str| text(name).split_whitespace().map(str::to_owned).collect();
    Expected::Good(Box::new(Info {
        issuer: text("issuer"),
        subject: text("subject"),
        is_of_client: match text("principal").as_str() {
            "user" => false,
            "client" => true,
            other => panic!("{other:?} is neither user nor client"),
        },
        audiences: list("audiences"),
        scopes: list("scopes"),
        roles: list("roles"),
        permissions: list("permissions"),
        client_id: text("client_id"),
        session_id: text("session_id"),
        token_id: text("token_id"),
        organization_id: text("organization_id"),
    }))
}

/// A row for a token that is presented as an access token.
pub(super) fn access(name: &'static str, token: String, expected: Expected) -> Row {
    Row { name, token, kind: TokenKind::Access, expected }
}

/// A row for one that is presented as an ID token.
pub(super) fn id(name: &'static str, token: String, expected: Expected) -> Row {
    Row { name, token, kind: TokenKind::Id, expected }
}

/// A row for one that is presented as an access token and refused.
pub(super) fn refused(name: &'static str, token: String, reason: Reason) -> Row {
    access(name, token, Expected::Refused(reason))
}

/// A token as its provider makes it, to be changed by a row.
#[derive(Clone)]
pub(super) struct Shape {
    signer: Signer,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Shape {
    /// With this `typ`, or none, and these claims besides the times: issued now, and good for five minutes.
    pub(super) fn new(signer: &Signer, typ: Option<&str>, claims: Value) -> Self {
        let mut header = object(json!({"alg": signer.algorithm(), "kid": signer.key_id()}));
        if let Some(typ) = typ {
            header.insert("typ".to_owned(), json!(typ));
        }
        let shape = Self { signer: signer.clone(), header, claims: Map::new() };
        shape.with(json!({"iat": NOW, "exp": NOW + 300})).with(claims)
    }

    /// With these claims too, or instead; `null` takes one away.
    pub(super) fn with(mut self, claims: Value) -> Self {
        for (name, value) in object(claims) {
            if value.is_null() {
                self.claims.remove(&name);
            } else {
                self.claims.insert(name, value);
            }
        }
        self
    }

    /// With another `typ` in the header.
    pub(super) fn typed(mut self, typ: &str) -> Self {
        self.header.insert("typ".to_owned(), json!(typ));
        self
    }

    /// Signed by another key.
    pub(super) fn signed_by(mut self, signer: &Signer) -> Self {
        self.header.insert("alg".to_owned(), json!(signer.algorithm()));
        self.header.insert("kid".to_owned(), json!(signer.key_id()));
        self.signer = signer.clone();
        self
    }

    pub(super) fn token(&self) -> String {
        self.signer.sign(json!(self.header).to_string(), json!(self.claims).to_string())
    }
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("not an object: {value}") };
    members
}

/// The validator that the provider's configuration comes to.
pub(super) struct World {
    inner: InProcess,
    _tasks: Tasks,
    _directory: tempfile::TempDir,
}

impl World {
    pub(super) async fn start(provider: &Provider) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let keys = json!({ "keys": provider.keys }).to_string();
        std::fs::write(directory.path().join("jwks.json"), keys).unwrap();
        let env = Environment::from_iter([("LEGACY_SECRET", SECRET)]);
        let loaded = Config::parse(&provider.configuration, &env, directory.path());
        let loaded = loaded.unwrap_or_else(|problems| panic!("{}: {problems}", provider.profile));
        assert!(loaded.warnings.is_empty(), "{}: {:?}", provider.profile, loaded.warnings);
        let tasks = Tasks::default();
        let clock = Arc::new(ManualClock::at(NOW));
        let inner = inprocess::validator(loaded.config, clock, &tasks).await;
        Self { inner, _tasks: tasks, _directory: directory }
    }

    pub(super) async fn ask(&self, row: &Row) -> Expected {
        let question = Question {
            token: row.token.as_bytes(),
            requirements: Requirements::of_kind(row.kind),
            min_revision: None,
            max_staleness: None,
        };
        let answer = self.inner.validator.validate(&question, |pass| {
            let token = pass.permit.token();
            assert_eq!(token.kind(), row.kind, "{}", row.name);
            let claims = token.claims();
            Info {
                issuer: token.policy().issuer.clone(),
                subject: claims.subject().to_owned(),
                is_of_client: claims.is_of_client,
                audiences: claims.audiences().iter().map(str::to_owned).collect(),
                scopes: claims.scopes().iter().map(str::to_owned).collect(),
                roles: claims.roles().iter().map(str::to_owned).collect(),
                permissions: claims.permissions().iter().map(str::to_owned).collect(),
                client_id: claims.client_id().to_owned(),
                session_id: claims.session_id().to_owned(),
                token_id: claims.token_id().to_owned(),
                organization_id: claims.organization_id().to_owned(),
            }
        });
        match answer.await.unwrap_or_else(|fault| panic!("{}: {fault:?}", row.name)).outcome {
            Ok(info) => Expected::Good(Box::new(info)),
            Err(refusal) => Expected::Refused(refusal.reason()),
        }
    }
}
