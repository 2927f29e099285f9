//! What all parts of the store have in common: the connection, the names, and the check that the data is this deployment's.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::rand;
use redis::{Pipeline, Value};

use super::{
    super::{
        error::StoreError,
        key_ring::KeyRing,
        rotations::{Digests, Opener},
    },
    check::{self, Verdict},
    keys::{Home, Keys, hex},
    link::Link,
    reply::{bytes, good, maybe, only, unexpected},
    scripts::{Call, SWAP, Script, Where, run, run_one},
};

/// How often the check is read again if others change it at the same time: each change adds a key of a ring, which is rare.
const ROUNDS: usize = 8;

/// The connection and what is known of the other side.
pub(super) struct Core {
    pub(super) link: Link,
    pub(super) keys: Keys,
    pub(super) ring: Arc<KeyRing>,
    pub(super) digests: Digests,
    pub(super) opener: Opener,
    /// What the store's check of the key ring was when it was last looked at.
    check: Mutex<Vec<u8>>,
}

/// A call of a script that begins with `life.lua`.
pub(super) struct Task {
    pub(super) script: &'static Script,
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) args: Vec<Vec<u8>>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("prefix", &self.keys.prefix()).finish_non_exhaustive()
    }
}

impl Core {
    pub(super) fn new(link: Link, ring: Arc<KeyRing>) -> Result<Self, StoreError> {
        let keys = Keys::new(link.prefix());
        let check = Mutex::new(check::sealed(&ring, keys.prefix())?);
        let digests = Digests::new(&ring)?;
        Ok(Self { link, keys, ring, digests, opener: Opener::default(), check })
    }

    pub(super) fn prefix(&self) -> &str {
        self.keys.prefix()
    }

    /// One command on the home slot.
    pub(super) async fn ask(&self, command: redis::Cmd) -> Result<Value, StoreError> {
        let mut pipeline = Pipeline::new();
        pipeline.add_command(command);
        good(self.prefix(), only(self.link.home(&pipeline).await?)?)
    }

    /// Does them in one pipeline. Where the store's check is not what it was, nothing was done: it is looked at, and if this
    /// deployment may write there, they go again.
    pub(super) async fn run(
        &self,
        to: Where<'_>,
        tasks: &[Task],
    ) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        let mut answers: Vec<Option<Result<Value, StoreError>>> = tasks.iter().map(|_task| None).collect();
        for _round in 0..ROUNDS {
            let open: Vec<usize> = (0..)
                .zip(&answers)
                .filter_map(|(at, answer)| is_open(answer.as_ref()).then_some(at))
                .collect();
            if open.is_empty() {
                break;
            }
            if answers.iter().any(Option::is_some) {
                self.look().await?;
            }
            let check = self.check().clone();
            let calls = open.iter().filter_map(|at| tasks.get(*at)).map(|task| self.call(task, &check));
            let calls = calls.collect::<Result<Vec<_>, _>>()?;
            for (at, answer) in open.into_iter().zip(run(&self.link, to, &calls).await?) {
                answers.get_mut(at).map(|place| *place = Some(answer)).ok_or_else(unexpected)?;
            }
        }
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(unexpected()))).collect())
    }

    /// Changes a field of a hash in the home slot if it is what it was; empty stands for its absence.
    pub(super) async fn swap(
        &self,
        hash: Home,
        field: &[u8],
        from: &[u8],
        to: &[u8],
    ) -> Result<bool, StoreError> {
        let args = [field, from, to].map(<[u8]>::to_vec).to_vec();
        let call = SWAP.call(self.keys.homes([hash]), args);
        Ok(run_one(&self.link, Where::Home, call).await? == Value::Int(1))
    }

    fn call(&self, task: &Task, check: &[u8]) -> Result<Call, StoreError> {
        let mut epoch = [0; 8];
        rand::fill(&mut epoch).map_err(|_unspecified| StoreError::Random)?;
        let home = [Home::Meta, Home::Was, Home::Copy, Home::Until, Home::Kept, Home::Tallies];
        let mut keys = self.keys.homes(home);
        keys.extend_from_slice(&task.keys);
        let mut args = vec![check.to_vec(), hex(&epoch).into_bytes()];
        args.extend_from_slice(&task.args);
        Ok(task.script.call(keys, args))
    }

    /// Looks whose the store is. One that was emptied gets this ring's check; one of another ring is never touched.
    async fn look(&self) -> Result<(), StoreError> {
        for _round in 0..ROUNDS {
            let mut command = redis::cmd("HGET");
            command.arg(self.keys.home(Home::Meta)).arg("ring");
            let found = maybe(self.ask(command).await?).map(bytes).transpose()?.unwrap_or_default();
            let now = match check::judge(&self.ring, self.prefix(), &found)? {
                Verdict::Ours => found,
                Verdict::Becomes(with_ours) => {
                    if !self.swap(Home::Meta, b"ring", &found, &with_ours).await? {
                        continue;
                    }
                    with_ours
                }
                Verdict::Foreign => {
                    return Err(StoreError::OtherKeyRing { prefix: self.prefix().to_owned() });
                }
            };
            *self.check() = now;
            return Ok(());
        }
        Err(unexpected())
    }

    fn check(&self) -> MutexGuard<'_, Vec<u8>> {
        self.check.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Not asked yet, or refused because of the check.
fn is_open(answer: Option<&Result<Value, StoreError>>) -> bool {
    match answer {
        None => true,
        Some(Err(StoreError::Redis { code: Some(code), .. })) => code == "CSRING",
        Some(_done) => false,
    }
}
