//! The scripts that run inside Redis, and how they are called: by digest, and with their text where the server does not know
//! them (it was restarted, or is another one).

use std::sync::OnceLock;

use aws_lc_rs::digest;
use redis::{Cmd, Pipeline, Value};

use super::{
    super::error::StoreError,
    keys::hex,
    link::Link,
    reply::{good, unexpected},
};

/// A script and its digest.
#[derive(Debug)]
pub(super) struct Script {
    text: &'static str,
    digest: OnceLock<String>,
}

/// Merges an order into the copy and its indexes.
pub(super) static RECORD: Script = Script::new(concat!(
    "#!lua\n",
    include_str!("scripts/entry.lua"),
    include_str!("scripts/life.lua"),
    include_str!("scripts/record.lua")
));
/// Makes contact.
pub(super) static BEAT: Script = Script::new(concat!(
    "#!lua flags=allow-oom\n",
    include_str!("scripts/entry.lua"),
    include_str!("scripts/life.lua"),
    include_str!("scripts/beat.lua")
));
/// Removes revocations that nobody needs any more.
pub(super) static SWEEP: Script = Script::new(concat!(
    "#!lua flags=allow-oom\n",
    include_str!("scripts/entry.lua"),
    include_str!("scripts/sweep.lua")
));
/// Changes a hash's field if it is what it was.
pub(super) static SWAP: Script = Script::new(include_str!("scripts/swap.lua"));
/// Remembers a session.
pub(super) static REMEMBER: Script = Script::new(concat!("#!lua\n", include_str!("scripts/remember.lua")));
/// Ends a session that is remembered.
pub(super) static CONCLUDE: Script = Script::new(concat!("#!lua\n", include_str!("scripts/conclude.lua")));
/// Lists a session under its subject.
pub(super) static INDEX: Script = Script::new(concat!("#!lua\n", include_str!("scripts/index.lua")));
/// Replaces a token family.
pub(super) static FAMILY: Script = Script::new(concat!("#!lua\n", include_str!("scripts/family.lua")));
/// Takes one of what is limited.
pub(super) static TAKE: Script = Script::new(concat!("#!lua\n", include_str!("scripts/take.lua")));
/// Gives it back.
pub(super) static GIVE_BACK: Script =
    Script::new(concat!("#!lua flags=allow-oom\n", include_str!("scripts/give_back.lua")));

/// One call of a script.
#[derive(Clone)]
pub(super) struct Call {
    script: &'static Script,
    keys: Vec<Vec<u8>>,
    args: Vec<Vec<u8>>,
}

/// Where to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Where<'k> {
    /// The home slot, answered once it is in memory there.
    Home,
    /// The home slot, answered once it is as durable as configured.
    HomeDurably,
    /// The slot of this key.
    At(&'k [u8]),
    /// The slot of this key, answered once it is as durable as configured.
    AtDurably(&'k [u8]),
}

impl Script {
    const fn new(text: &'static str) -> Self {
        Self { text, digest: OnceLock::new() }
    }

    fn digest(&self) -> &str {
        let sha = || hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, self.text.as_bytes()).as_ref());
        self.digest.get_or_init(sha)
    }

    pub(super) fn call(&'static self, keys: Vec<Vec<u8>>, args: Vec<Vec<u8>>) -> Call {
        Call { script: self, keys, args }
    }
}

impl Call {
    fn by_digest(&self) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(self.script.digest());
        self.finish(command)
    }

    fn with_text(&self) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(self.script.text);
        self.finish(command)
    }

    fn finish(&self, mut command: Cmd) -> Cmd {
        command.arg(self.keys.len());
        self.keys.iter().chain(&self.args).for_each(|arg| {
            command.arg(arg.as_slice());
        });
        command
    }
}

impl Where<'_> {
    pub(super) async fn send(self, link: &Link, commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        match self {
            Self::Home => link.home(commands).await,
            Self::HomeDurably => link.home_durably(commands).await,
            Self::At(key) => link.at(key, commands).await,
            Self::AtDurably(key) => link.at_durably(key, commands).await,
        }
    }
}

/// Calls them in one pipeline, in order, and answers for each. A call that the server did not know the script of has done nothing,
/// and goes again with the text; if the other calls of the pipeline were done meanwhile, so be it: none depends on another, and
/// all can be repeated.
pub(super) async fn run(
    link: &Link,
    to: Where<'_>,
    calls: &[Call],
) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
    let mut pipeline = Pipeline::with_capacity(calls.len());
    for call in calls {
        pipeline.add_command(call.by_digest());
    }
    let mut answers = sent(link, to, &pipeline).await?;
    let unknown: Vec<usize> =
        (0..).zip(&answers).filter_map(|(at, answer)| no_script(answer).then_some(at)).collect();
    if !unknown.is_empty() {
        let mut pipeline = Pipeline::with_capacity(unknown.len());
        for call in unknown.iter().filter_map(|at| calls.get(*at)) {
            pipeline.add_command(call.with_text());
        }
        let again = sent(link, to, &pipeline).await?;
        for (at, answer) in unknown.into_iter().zip(again) {
            answers.get_mut(at).map(|place| *place = answer).ok_or_else(unexpected)?;
        }
    }
    Ok(answers.into_iter().map(|answer| good(link.prefix(), answer)).collect())
}

/// The same for one.
pub(super) async fn run_one(link: &Link, to: Where<'_>, call: Call) -> Result<Value, StoreError> {
    run(link, to, &[call]).await?.pop().unwrap_or_else(|| Err(unexpected()))
}

async fn sent(link: &Link, to: Where<'_>, pipeline: &Pipeline) -> Result<Vec<Value>, StoreError> {
    let answers = to.send(link, pipeline).await?;
    if answers.len() == pipeline.len() { Ok(answers) } else { Err(unexpected()) }
}

fn no_script(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.code() == "NOSCRIPT")
}
