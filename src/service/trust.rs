//! Whom this service trusts: what a reload of the configuration replaces whole, so that no call sees half of one.

use std::{collections::HashMap, sync::Arc};

use crate::{
    domain::token::RawToken,
    issuer::{Introspector, Issuer, IssuerId},
};

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

    /// Whether any issuer is asked about tokens that only it can read.
    pub(super) fn asks_any(&self) -> bool {
        self.asked().next().is_some()
    }

    /// Which issuer is asked about a token that only it can read: one at most, so that nobody else's token is sent anywhere. The
    /// one that the request names; or else the one whose prefix fits, the longest counting; or else the only one that is asked,
    /// if it has no prefixes.
    pub(super) fn asked_about(
        &self,
        token: RawToken<'_>,
        named: &str,
    ) -> Option<(&Issuer, &Arc<Introspector>)> {
        if !named.is_empty() {
            return self.asked().find(|(issuer, _)| issuer.policy().issuer == named);
        }
        let fits = |asked: &(&Issuer, &Arc<Introspector>)| {
            let prefixes = asked.1.settings().prefixes.iter();
            prefixes.filter(|prefix| token.begins_with(prefix)).map(String::len).max()
        };
        let by_prefix = self.asked().filter_map(|asked| Some((fits(&asked)?, asked)));
        if let Some((_, asked)) = by_prefix.max_by_key(|(length, _)| *length) {
            return Some(asked);
        }
        let mut asked = self.asked();
        match (asked.next(), asked.next()) {
            (Some(only), None) if only.1.settings().prefixes.is_empty() => Some(only),
            _ => None,
        }
    }

    fn asked(&self) -> impl Iterator<Item = (&Issuer, &Arc<Introspector>)> {
        self.issuers().filter_map(|issuer| Some((issuer, issuer.introspector()?)))
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
