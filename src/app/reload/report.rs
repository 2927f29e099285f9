//! What is said about reloads: in the log, in metrics, and in the detail of `/readyz`.

use super::{NotTaken, changes::Changes};
use crate::ops::{metrics::ReloadMetrics, readiness::Readiness};

/// Says it.
#[derive(Debug)]
pub(super) struct Report {
    metrics: ReloadMetrics,
    readiness: Readiness,
    /// What `/readyz` tells of a configuration that was not taken.
    detail: Option<String>,
}

impl Report {
    pub(super) fn new(metrics: ReloadMetrics, readiness: Readiness) -> Self {
        Self { metrics, readiness, detail: None }
    }

    pub(super) fn taken(&mut self, changes: &Changes) {
        let Changes { added, changed, removed, started: _, names_gone: _ } = changes;
        tracing::info!(
            issuers.added = ?added,
            issuers.changed = ?changed,
            issuers.removed = ?removed,
            "the configuration was reloaded"
        );
        self.tell(None);
        self.metrics.taken();
    }

    pub(super) fn refused(&mut self, error: &NotTaken) {
        tracing::error!(
            error.message = %error,
            "the changed configuration is not taken, and what was in effect stays"
        );
        self.tell(Some(detail(error)));
        self.metrics.refused();
    }

    fn tell(&mut self, detail: Option<String>) {
        let before = std::mem::replace(&mut self.detail, detail);
        if let Some(before) = before {
            self.readiness.degraded(before, false);
        }
        if let Some(now) = &self.detail {
            self.readiness.degraded(now, true);
        }
    }
}

/// On one line.
fn detail(error: &NotTaken) -> String {
    let text = error.to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    match lines.count() {
        0 => format!("the changed configuration is not taken: {first}"),
        more => format!("the changed configuration is not taken: {first} (and {more} more, see the log)"),
    }
}
