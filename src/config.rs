//! The configuration: raw tree -> checked [`Config`]. Every problem is reported at once, with its path and line.
//!
//! `tree` reads the YAML, `overlay` lays the environment over it, `section` reads one section of it key by key; the
//! other files each know a few sections. What can be written is described where it is read (`key`), and `survey` makes
//! docs/configuration.md and the JSON Schema of that.

mod tree;

mod env;
mod files;
mod overlay;

mod problem;
mod reader;

mod effective;
mod key;
mod notation;
mod scalar;
mod section;
mod written;

mod secret;

mod ext_authz;
mod http;
mod listen;
mod sections;
mod store;
mod telemetry;

mod clients;
mod introspection;
mod issuers;
mod keys;
mod kinds;
mod profile;
mod refresh;

mod changes;

mod page;
mod schema;
mod survey;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

pub use self::{
    changes::needing_restart,
    env::Environment,
    files::Files,
    page::{Incomplete, renewed as renewed_page},
    problem::{Problem, Problems},
    schema::text as schema,
};
use self::{listen::Listeners, problem::Place, reader::Reader, section::Section};
use crate::{
    api::{
        LimitSettings, ListenAddress, ServerSettings,
        http::{HttpSettings, admin::MetricsReaders},
    },
    domain::{edge::settings::EdgeSettings, refresh::RefreshSettings},
    issuer::IssuerSettings,
    ops::telemetry::TelemetrySettings,
    state::{cache::CacheSettings, revocations::RevocationSettings},
    store::StoreSettings,
};

/// Everything that `serve` needs to know, checked.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "named as in docs/configuration.md")]
pub struct Config {
    pub listen: Vec<ListenAddress>,
    pub server: ServerSettings,
    /// The admin port; `None`: off.
    pub admin: Option<ListenAddress>,
    pub metrics: MetricsReaders,
    pub http: HttpSettings,
    pub issuers: Vec<IssuerSettings>,
    pub cache: CacheSettings,
    pub revocation: RevocationSettings,
    pub refresh: RefreshSettings,
    pub store: StoreSettings,
    pub ext_authz: EdgeSettings,
    pub limits: LimitSettings,
    pub telemetry: TelemetrySettings,
}

/// A configuration that was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// To run with.
    pub config: Config,
    /// The effective configuration as YAML: every key with the value that counts. Secrets are the references to them.
    pub effective: String,
    /// What is allowed and probably not meant.
    pub warnings: Vec<Problem>,
}

/// Longer files are not configurations.
const LONGEST: u64 = 1024 * 1024;

/// What reading a configuration's file brought.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is its type")]
pub struct Reading {
    pub outcome: Result<Loaded, Problems>,
    /// What it was read from, whether or not it is one.
    pub files: Files,
}

impl Config {
    /// Reads and checks a file. Paths in it lead from the directory that the file is in, wherever the process was
    /// started, so that a configuration means the same to `serve`, to `check` and to a service manager.
    pub fn load(path: &Path, env: &Environment) -> Result<Loaded, Problems> {
        Self::read(path, env).outcome
    }

    /// The same, and what it was read from.
    pub fn read(path: &Path, env: &Environment) -> Reading {
        let file: Arc<str> = path.display().to_string().into();
        let mut files = Files::default();
        let base_dir = path.parent().unwrap_or_else(|| Path::new(""));
        let outcome = match text(path, &mut files) {
            Ok(text) => checked(&text, env, base_dir, file, &mut files),
            Err(message) => Err(Problem::new(&file, Place::File, "", message).into()),
        };
        Reading { outcome, files }
    }

    /// The first address of `listen` that a file names, or the default. Nothing else in it has to be right, and no secret is
    /// read.
    pub fn first_address(path: &Path, env: &Environment) -> Result<ListenAddress, Problem> {
        let file: Arc<str> = path.display().to_string().into();
        let text = text(path, &mut Files::default())
            .map_err(|message| Problem::new(&file, Place::File, "", message))?;
        let mut root = tree::parse(&text, &file)?;
        // What is wrong with other variables concerns others.
        drop(overlay::lay_over(&mut root, env));
        listen::first(&root, &file)
    }

    /// Checks a configuration that is at hand; paths in it lead from `base_dir`.
    pub fn parse(text: &str, env: &Environment, base_dir: &Path) -> Result<Loaded, Problems> {
        checked(text, env, base_dir, "countersign.yaml".into(), &mut Files::default())
    }
}

fn text(path: &Path, files: &mut Files) -> Result<String, String> {
    let bytes = files.read(path, LONGEST).map_err(|error| format!("cannot be read: {error}"))?;
    if !u64::try_from(bytes.len()).is_ok_and(|length| length <= LONGEST) {
        return Err(format!("is longer than a configuration can be ({LONGEST} bytes)"));
    }
    match str::from_utf8(&bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err("cannot be read: it is not UTF-8 text".to_owned()),
    }
}

fn checked(
    text: &str,
    env: &Environment,
    base_dir: &Path,
    file: Arc<str>,
    files: &mut Files,
) -> Result<Loaded, Problems> {
    let mut root = tree::parse(text, &file)?;
    let mut reader = Reader::new(file, env, base_dir);
    reader.files = std::mem::take(files);
    for (place, message) in overlay::lay_over(&mut root, env) {
        reader.problem(&place, "", message);
    }
    let (config, shown) = section::read_root(&mut reader, &root, all_sections);
    *files = std::mem::take(&mut reader.files);
    let outcome = reader.finish()?;
    Ok(Loaded { config, effective: shown.document(), warnings: outcome.warnings })
}

fn all_sections(root: &mut Section<'_, '_>) -> Config {
    let Listeners { listen, admin, metrics, http } = listen::read(root);
    let server = sections::server(root);
    let refresh = refresh::read(root);
    let issuers = issuers::read(root, &refresh);
    let cache = sections::cache(root);
    let revocation = sections::revocation(root);
    let store = store::read(root);
    let ext_authz = ext_authz::read(root);
    http::compare(root, &http, &ext_authz);
    let limits = sections::limits(root);
    let telemetry = telemetry::read(root);
    sections::not_built(root);
    Config {
        listen,
        server,
        admin,
        metrics,
        http,
        issuers,
        cache,
        revocation,
        refresh,
        store,
        ext_authz,
        limits,
        telemetry,
    }
}
