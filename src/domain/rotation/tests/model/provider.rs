//! An identity provider as far as refresh tokens go.

use std::{collections::HashMap, time::Duration};

use crate::domain::{rotation::Rotation, time::UnixTime};

/// How long its access tokens live.
pub(super) const ACCESS: Duration = Duration::from_mins(5);

/// What it gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Granted {
    /// `None`: the presented refresh token goes on.
    pub(super) successor: Option<u32>,
    pub(super) subject: &'static str,
    pub(super) access_until: UnixTime,
}

/// What it does for once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whim {
    Usual,
    /// It does not rotate this time (RFC 6749 section 6).
    KeepsToken,
    /// It mixes up its users.
    OtherSubject,
}

/// One grant of it.
#[derive(Debug)]
pub(super) struct Provider {
    rotation: Rotation,
    pub(super) is_alive: bool,
    first_used: HashMap<u32, UnixTime>,
    next: u32,
}

impl Provider {
    pub(super) fn new(rotation: Rotation) -> Self {
        Self { rotation, is_alive: true, first_used: HashMap::new(), next: 1 }
    }

    /// `None`: `invalid_grant`.
    pub(super) fn exchange(&mut self, token: u32, now: UnixTime, whim: Whim) -> Option<Granted> {
        if let Some(first) = self.first_used.get(&token) {
            let within = match self.rotation {
                Rotation::None => true,
                Rotation::Strict => false,
                Rotation::Graceful { grace } => now <= first.plus(grace),
            };
            // It takes the second use for theft.
            self.is_alive &= within;
        }
        if !self.is_alive {
            return None;
        }
        let subject = if whim == Whim::OtherSubject { "mallory" } else { "alice" };
        let access_until = now.plus(ACCESS);
        if self.rotation == Rotation::None || whim == Whim::KeepsToken {
            return Some(Granted { successor: None, subject, access_until });
        }
        self.first_used.entry(token).or_insert(now);
        let successor = self.next;
        self.next += 1;
        Some(Granted { successor: Some(successor), subject, access_until })
    }
}
