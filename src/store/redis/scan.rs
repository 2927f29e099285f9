//! Reading a whole hash, a part at a time, so that nobody waits long behind it.

use redis::{Pipeline, Value};

use super::{
    super::error::StoreError,
    core::Core,
    keys::Home,
    reply::{bytes, good, pairs, text, these, unexpected},
};

/// About so many fields a part.
const PART: usize = 1000;
/// How often a hash is read from the beginning because another process serves it.
const ATTEMPTS: usize = 3;

/// A field and its value.
pub(super) type Field = (Vec<u8>, Vec<u8>);

/// A part, and where the next one begins.
pub(super) struct Part {
    pub(super) fields: Vec<Field>,
    pub(super) next: Option<String>,
}

/// A place is of another server process, to which it says nothing.
#[derive(Debug, thiserror::Error)]
#[error("another Redis process serves the store than the one that the reading began with")]
struct OtherProcess;

/// A part of a hash. A cursor means something to the process alone that gave it out, because each has its hash tables in an order
/// of its own; so it is handed out with the process' id, which is asked for on the same connection.
pub(super) async fn part(core: &Core, hash: Home, place: Option<&str>) -> Result<Part, StoreError> {
    let (of, cursor) = place.and_then(|place| place.split_once(':')).unwrap_or(("", "0"));
    let mut pipeline = Pipeline::new();
    pipeline.cmd("INFO").arg("server");
    pipeline.cmd("HSCAN").arg(core.keys.home(hash)).arg(cursor).arg("COUNT").arg(PART);
    let [info, scanned] =
        core.link.home(&pipeline).await?.try_into().map_err(|_length: Vec<Value>| unexpected())?;
    let run = run_id(&text(good(core.prefix(), info)?)?)?;
    if place.is_some() && run != of {
        return Err(StoreError::Redis { code: None, source: std::sync::Arc::new(OtherProcess) });
    }
    let [cursor, fields] = these(good(core.prefix(), scanned)?)?;
    let cursor = text(cursor)?;
    let next = (cursor != "0").then(|| format!("{run}:{cursor}"));
    let fields = pairs(fields)?.into_iter().map(|(field, value)| Ok((bytes(field)?, bytes(value)?)));
    Ok(Part { fields: fields.collect::<Result<_, StoreError>>()?, next })
}

/// All of a hash; a field may come more than once.
pub(super) async fn all(core: &Core, hash: Home) -> Result<Vec<Field>, StoreError> {
    let mut attempts = 1..=ATTEMPTS;
    loop {
        let last = attempts.next().is_none_or(|attempt| attempt == ATTEMPTS);
        match all_once(core, hash).await {
            Err(error) if is_of_another_process(&error) && !last => {}
            read => return read,
        }
    }
}

async fn all_once(core: &Core, hash: Home) -> Result<Vec<Field>, StoreError> {
    let mut all = Vec::new();
    let mut place = None;
    loop {
        let part = part(core, hash, place.as_deref()).await?;
        all.extend(part.fields);
        match part.next {
            Some(next) => place = Some(next),
            None => return Ok(all),
        }
    }
}

fn is_of_another_process(error: &StoreError) -> bool {
    matches!(error, StoreError::Redis { source, .. } if source.is::<OtherProcess>())
}

fn run_id(info: &str) -> Result<String, StoreError> {
    let id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
    id.map(|id| id.trim().to_owned()).ok_or_else(unexpected)
}
