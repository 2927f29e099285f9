//! Which issuers a changed configuration leaves alone, starts anew, adds and removes.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    app::{StartError, start_issuer},
    issuer::{Issuer, IssuerSettings, Surroundings},
};

/// How long a reload waits for the first keys of issuers in place of others that have some: what was withdrawn by the same
/// change still counts for this time.
const FIRST_KEYS: Duration = Duration::from_secs(5);

/// The issuers at work.
#[derive(Debug)]
pub(in crate::app) struct Issuers {
    around: Surroundings,
    at_work: Vec<AtWork>,
}

/// One of them, with the settings that it was started with.
#[derive(Clone, Debug)]
struct AtWork {
    settings: IssuerSettings,
    issuer: Arc<Issuer>,
}

/// What becomes of one entry of the new configuration.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Nothing about it has changed: the issuer at this position stays as it is, with its keys and its cached tokens.
    Keep(usize),
    /// It takes the place of the issuer at this position, which has the same `iss`.
    Replace(usize, IssuerSettings),
    Add(IssuerSettings),
}

/// Issuers that could be at work: those that are not yet have begun to fetch their keys.
#[derive(Debug)]
pub(super) struct Next {
    at_work: Vec<AtWork>,
    changes: Changes,
    /// They have no keys yet, and take the place of others that have.
    awaited: Vec<Arc<Issuer>>,
}

/// What a reload changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) started: Vec<Arc<Issuer>>,
    /// By name.
    pub(super) added: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) removed: Vec<String>,
    /// Names that no issuer has any more.
    pub(super) names_gone: Vec<String>,
}

impl Issuers {
    /// Starts keeping every issuer's keys.
    pub(in crate::app) fn start(
        settings: Vec<IssuerSettings>,
        around: Surroundings,
    ) -> Result<Self, StartError> {
        let at_work: Result<_, StartError> = settings
            .into_iter()
            .map(|settings| {
                let issuer = start_issuer(None, settings.clone(), &around)?;
                Ok(AtWork { settings, issuer })
            })
            .collect();
        Ok(Self { at_work: at_work?, around })
    }

    /// All of them.
    pub(in crate::app) fn all(&self) -> Vec<Arc<Issuer>> {
        issuers(&self.at_work)
    }

    /// Those that these settings ask for. Nothing changes for those at work.
    pub(super) fn next(&self, wanted: Vec<IssuerSettings>) -> Result<Next, StartError> {
        let settings: Vec<_> = self.at_work.iter().map(|it| &it.settings).collect();
        let names = |all: &[&IssuerSettings]| -> HashSet<String> {
            all.iter().map(|settings| settings.policy.name.clone()).collect()
        };
        let mut names_gone: Vec<_> =
            names(&settings).difference(&names(&wanted.iter().collect::<Vec<_>>())).cloned().collect();
        names_gone.sort();
        let changes = Changes { names_gone, ..Changes::default() };
        let mut next = Next { at_work: Vec::new(), changes, awaited: Vec::new() };
        let mut stay = HashSet::new();
        for step in plan(&settings, wanted) {
            match step {
                Step::Keep(at) => {
                    stay.insert(at);
                    next.at_work.extend(self.at_work.get(at).cloned());
                }
                Step::Replace(at, settings) => {
                    stay.insert(at);
                    next.changes.changed.push(settings.policy.name.clone());
                    next.start(self.at_work.get(at), settings, &self.around)?;
                }
                Step::Add(settings) => {
                    next.changes.added.push(settings.policy.name.clone());
                    next.start(None, settings, &self.around)?;
                }
            }
        }
        let removed = settings.iter().enumerate().filter(|(at, _)| !stay.contains(at));
        next.changes.removed = removed.map(|(_, settings)| settings.policy.name.clone()).collect();
        Ok(next)
    }

    /// These are at work from now on. Of the others, the last one to ask ends them.
    pub(super) fn replace(&mut self, next: Next) -> Changes {
        let Next { at_work, changes, awaited: _ } = next;
        self.at_work = at_work;
        for name in &changes.names_gone {
            self.around.metrics.forget_issuer(name);
        }
        changes
    }
}

impl Next {
    fn start(
        &mut self,
        old: Option<&AtWork>,
        settings: IssuerSettings,
        around: &Surroundings,
    ) -> Result<(), StartError> {
        let old = old.map(|old| (&old.settings, old.issuer.as_ref()));
        let issuer = start_issuer(old, settings.clone(), around)?;
        if old.is_some_and(|(_, old)| old.has_usable_keys()) && !issuer.has_usable_keys() {
            self.awaited.push(Arc::clone(&issuer));
        }
        self.changes.started.push(Arc::clone(&issuer));
        self.at_work.push(AtWork { settings, issuer });
        Ok(())
    }

    /// Returns once whoever takes the place of an issuer with keys has some, or has tried to get them, or has taken too
    /// long: until then the old one can answer, and the new one cannot.
    pub(super) async fn have_first_keys(&self) {
        let waits = join_all(self.awaited.iter().map(|issuer| issuer.wait_first_keys()));
        // What hinders them is said by those who fetch.
        drop(timeout(FIRST_KEYS, waits).await);
    }

    pub(super) fn issuers(&self) -> Vec<Arc<Issuer>> {
        issuers(&self.at_work)
    }
}

fn issuers(at_work: &[AtWork]) -> Vec<Arc<Issuer>> {
    at_work.iter().map(|it| Arc::clone(&it.issuer)).collect()
}

/// One step for each entry that is wanted. An issuer is who its `iss` says, whatever its name and place in the list.
fn plan(running: &[&IssuerSettings], wanted: Vec<IssuerSettings>) -> Vec<Step> {
    let step = |wanted: IssuerSettings| {
        let mut running = running.iter().enumerate();
        match running.find(|(_, running)| running.policy.issuer == wanted.policy.issuer) {
            Some((at, running)) if **running == wanted => Step::Keep(at),
            Some((at, _)) => Step::Replace(at, wanted),
            None => Step::Add(wanted),
        }
    };
    wanted.into_iter().map(step).collect()
}

#[cfg(test)]
mod tests;
