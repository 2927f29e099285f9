//! Whom this service trusts: what a reload of the configuration replaces whole, so that no call sees half of one.

use std::{collections::HashMap, sync::Arc};

use crate::issuer::{Issuer, IssuerId};

/// The issuers at one moment, and what is asked of a token before any of them is.
#[derive(Debug)]
pub struct Trust {
    /// In the order of their ids.
    by_id: Vec<Arc<Issuer>>,
    by_issuer: HashMap<String, Arc<Issuer>>,
    max_token_bytes: usize,
}

impl Trust {
    /// Trust in these issuers, whose `issuer` strings are distinct; tokens longer than `max_token_bytes` are refused unread.
    pub fn new(mut issuers: Vec<Arc<Issuer>>, max_token_bytes: usize) -> Self {
        issuers.sort_by_key(|issuer| issuer.id());
        let by_issuer = issuers.iter().map(|it| (it.policy().issuer.clone(), Arc::clone(it))).collect();
        Self { by_id: issuers, by_issuer, max_token_bytes }
    }

    /// All of them.
    pub(super) fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        self.by_id.iter().map(Arc::as_ref)
    }

    /// The issuer under whose settings something was cached; `None` once those settings have changed. Asked on every hit.
    pub(super) fn with_id(&self, id: IssuerId) -> Option<&Issuer> {
        let at = self.by_id.binary_search_by_key(&id, |issuer| issuer.id()).ok()?;
        self.by_id.get(at).map(Arc::as_ref)
    }

    /// The issuer with exactly this `iss`.
    pub(super) fn with_name(&self, iss: &str) -> Option<&Issuer> {
        self.by_issuer.get(iss).map(Arc::as_ref)
    }

    /// The one issuer, if there is only one.
    pub(super) fn only(&self) -> Option<&Issuer> {
        match self.by_id.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    pub(super) fn max_token_bytes(&self) -> usize {
        self.max_token_bytes
    }
}
