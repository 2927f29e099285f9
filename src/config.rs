//! The configuration: raw tree -> checked [`Config`]. Every problem is reported at once, with its path and line.
//!
//! `tree` reads the YAML, `overlay` lays the environment over it, `section` reads one section of it key by key; the
//! other files each know a few sections. docs/configuration.md lists every key.

mod tree;

mod env;
mod overlay;

mod problem;
mod reader;

mod effective;
mod scalar;
mod section;

mod secret;

mod listen;
mod sections;
mod telemetry;

mod clients;
mod issuers;
mod keys;
mod kinds;
mod profile;

#[cfg(test)]
mod tests;

use std::{fs::File, io::Read as _, path::Path, sync::Arc};

pub use self::{
    env::Environment,
    problem::{Problem, Problems},
};
use self::{listen::Listeners, problem::Place, reader::Reader, section::Section};
use crate::{
    api::{LimitSettings, ListenAddress, ServerSettings},
    issuer::IssuerSettings,
    ops::telemetry::TelemetrySettings,
    state::cache::CacheSettings,
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
    pub issuers: Vec<IssuerSettings>,
    pub cache: CacheSettings,
    pub store: StoreSettings,
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

impl Config {
    /// Reads and checks a file. Paths in it lead from the directory that the file is in, wherever the process was
    /// started, so that a configuration means the same to `serve`, to `check` and to a service manager.
    pub fn load(path: &Path, env: &Environment) -> Result<Loaded, Problems> {
        let file: Arc<str> = path.display().to_string().into();
        let text = read(path)
            .map_err(|message| Problem::new(&file, Place::File, "", message))
            .map_err(Problems::from)?;
        checked(&text, env, path.parent().unwrap_or_else(|| Path::new("")), file)
    }

    /// Checks a configuration that is at hand; paths in it lead from `base_dir`.
    pub fn parse(text: &str, env: &Environment, base_dir: &Path) -> Result<Loaded, Problems> {
        checked(text, env, base_dir, "countersign.yaml".into())
    }
}

fn read(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
    let length = read.map_err(unreadable)?;
    if u64::try_from(length).is_ok_and(|length| length <= LONGEST) {
        Ok(text)
    } else {
        Err(format!("is longer than a configuration can be ({LONGEST} bytes)"))
    }
}

fn checked(text: &str, env: &Environment, base_dir: &Path, file: Arc<str>) -> Result<Loaded, Problems> {
    let mut root = tree::parse(text, &file)?;
    let mut reader = Reader::new(file, env, base_dir);
    for (place, message) in overlay::lay_over(&mut root, env) {
        reader.problem(&place, "", message);
    }
    let (config, shown) = section::read_root(&mut reader, &root, all_sections);
    let outcome = reader.finish()?;
    Ok(Loaded { config, effective: shown.document(), warnings: outcome.warnings })
}

fn all_sections(root: &mut Section<'_, '_>) -> Config {
    let Listeners { listen, admin } = listen::read(root);
    let server = sections::server(root);
    let issuers = issuers::read(root);
    let cache = sections::cache(root);
    let store = sections::store(root);
    let limits = sections::limits(root);
    let telemetry = telemetry::read(root);
    sections::not_built(root);
    Config { listen, server, admin, issuers, cache, store, limits, telemetry }
}
