//! A line of an export: JSON, one member that names what it is. Times are milliseconds since 1970, and all that is not
//! text is hexadecimal, or base64url where it is long.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{
    super::{key_sets::SealedKeySet, records::SessionRecord, sealed_delivery::SealedDelivery},
    Item,
};
use crate::domain::{
    revocation::{Reach, Revocation, Target, TargetKind},
    time::UnixTime,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    CountersignExport(Header),
    Revocation(RevocationLine),
    Session(SessionLine),
    Delivery(DeliveryLine),
    KeySet(KeySetLine),
    End(End),
}

/// Read by itself first: a later version may have other members.
#[derive(Debug, Deserialize)]
pub(super) struct AnyHeader {
    pub(super) countersign_export: AnyVersion,
}

#[derive(Debug, Deserialize)]
pub(super) struct AnyVersion {
    pub(super) version: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) version: u64,
    /// The epoch and how many orders it has seen.
    pub(super) revision: String,
    pub(super) exported_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevocationLine {
    kind: String,
    key: String,
    /// Without it: to everything.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    up_to: Option<i64>,
    made_at: i64,
    until: i64,
    kept_until: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionLine {
    issuer: String,
    session_id: String,
    subject: String,
    client_id: String,
    began_at: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ended_at: Option<i64>,
    kept_until: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveryLine {
    id: String,
    issuer: String,
    sealed: String,
    attempts: u32,
    due_at: i64,
    not_after: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeySetLine {
    issuer: String,
    uri: String,
    fetched_at: i64,
    sealed: String,
}

/// How many records of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Revocations.
    pub revocations: u64,
    /// Session records.
    pub sessions: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Key sets.
    pub key_sets: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) counts: Counts,
    /// Of every byte before this line.
    pub(super) sha256: String,
}

impl Counts {
    pub(super) fn count(&mut self, item: &Item) {
        let counter = match item {
            Item::Revocation(_) => &mut self.revocations,
            Item::Session(_) => &mut self.sessions,
            Item::Delivery(_) => &mut self.deliveries,
            Item::KeySet(_) => &mut self.key_sets,
        };
        *counter = counter.saturating_add(1);
    }
}

impl From<&Item> for Line {
    fn from(item: &Item) -> Self {
        match item {
            Item::Revocation(revocation) => Self::Revocation(revocation.into()),
            Item::Session(session) => Self::Session(session.into()),
            Item::Delivery(delivery) => Self::Delivery(delivery.into()),
            Item::KeySet(set) => Self::KeySet(set.into()),
        }
    }
}

impl From<&Revocation> for RevocationLine {
    fn from(revocation: &Revocation) -> Self {
        Self {
            kind: revocation.target.kind().as_str().to_owned(),
            key: hex(revocation.target.key()),
            up_to: match revocation.reach {
                Reach::UpTo(cut_off) => Some(cut_off.as_millis()),
                Reach::All => None,
            },
            made_at: revocation.made_at.as_millis(),
            until: revocation.until.as_millis(),
            kept_until: revocation.kept_until.as_millis(),
        }
    }
}

impl RevocationLine {
    pub(super) fn read(&self) -> Option<Revocation> {
        let kind = TargetKind::ALL.into_iter().find(|kind| kind.as_str() == self.kind)?;
        Some(Revocation {
            target: Target::from_stored(kind, key(&self.key)?),
            reach: self.up_to.map_or(Reach::All, |cut_off| Reach::UpTo(UnixTime::from_millis(cut_off))),
            made_at: UnixTime::from_millis(self.made_at),
            until: UnixTime::from_millis(self.until),
            kept_until: UnixTime::from_millis(self.kept_until),
        })
    }
}

impl From<&SessionRecord> for SessionLine {
    fn from(session: &SessionRecord) -> Self {
        Self {
            issuer: session.issuer.clone(),
            session_id: session.session_id.clone(),
            subject: session.subject.clone(),
            client_id: session.client_id.clone(),
            began_at: session.began_at.as_millis(),
            ended_at: session.ended_at.map(UnixTime::as_millis),
            kept_until: session.kept_until.as_millis(),
        }
    }
}

impl SessionLine {
    pub(super) fn read(self) -> SessionRecord {
        SessionRecord {
            issuer: self.issuer,
            session_id: self.session_id,
            subject: self.subject,
            client_id: self.client_id,
            began_at: UnixTime::from_millis(self.began_at),
            ended_at: self.ended_at.map(UnixTime::from_millis),
            kept_until: UnixTime::from_millis(self.kept_until),
        }
    }
}

impl From<&SealedDelivery> for DeliveryLine {
    fn from(delivery: &SealedDelivery) -> Self {
        Self {
            id: hex(&delivery.id),
            issuer: delivery.issuer.clone(),
            sealed: URL_SAFE_NO_PAD.encode(&delivery.content),
            attempts: delivery.attempts,
            due_at: delivery.due_at.as_millis(),
            not_after: delivery.not_after.as_millis(),
        }
    }
}

impl DeliveryLine {
    pub(super) fn read(self) -> Option<SealedDelivery> {
        Some(SealedDelivery {
            id: key(&self.id)?,
            issuer: self.issuer,
            content: URL_SAFE_NO_PAD.decode(&self.sealed).ok()?,
            attempts: self.attempts,
            due_at: UnixTime::from_millis(self.due_at),
            not_after: UnixTime::from_millis(self.not_after),
        })
    }
}

impl From<&SealedKeySet> for KeySetLine {
    fn from(set: &SealedKeySet) -> Self {
        Self {
            issuer: set.issuer.clone(),
            uri: set.uri.clone(),
            fetched_at: set.fetched_at,
            sealed: URL_SAFE_NO_PAD.encode(&set.sealed),
        }
    }
}

impl KeySetLine {
    pub(super) fn read(self) -> Option<SealedKeySet> {
        let sealed = URL_SAFE_NO_PAD.decode(&self.sealed).ok()?;
        Some(SealedKeySet { issuer: self.issuer, uri: self.uri, fetched_at: self.fetched_at, sealed })
    }
}

/// In lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

fn key(text: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(text, 16).ok()?.to_be_bytes();
    // One way to write each.
    (hex(&number) == text).then_some(number)
}
