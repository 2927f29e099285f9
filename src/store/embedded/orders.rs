//! What the writer does for an order and for sessions that were seen, within its transaction.

use redb::{ReadableTable as _, Table, WriteTransaction};

use super::{
    failure::Failure,
    records::{
        encode_revocation, encode_session, find_revocation, find_session, revocation_key, session_of_key,
    },
    schema::{REVOCATIONS, SESSIONS, SESSIONS_OF},
};
use crate::{
    domain::revocation::{Reach, Revocation, Target, TargetKind},
    store::records::{Ending, SessionRecord},
};

/// The tables that an order changes together.
pub(super) struct Changes<'t> {
    revocations: Table<'t, &'static [u8; 17], &'static [u8; 38]>,
    sessions: Table<'t, &'static [u8; 16], &'static [u8]>,
    sessions_of: Table<'t, &'static [u8; 32], ()>,
}

impl<'t> Changes<'t> {
    pub(super) fn new(transaction: &'t WriteTransaction) -> Result<Self, Failure> {
        Ok(Self {
            revocations: transaction.open_table(REVOCATIONS)?,
            sessions: transaction.open_table(SESSIONS)?,
            sessions_of: transaction.open_table(SESSIONS_OF)?,
        })
    }

    /// Merges it with what is kept for its target (R11). A session that is revoked has ended (S4), whether or not its
    /// order names it as ending.
    pub(super) fn revoke(&mut self, revocation: Revocation) -> Result<(), Failure> {
        if revocation.target.kind() == TargetKind::Session
            && let Some(session) = find_session(&self.sessions, revocation.target.key())?
        {
            self.put_session(&session.ended_by(&revocation))?;
        }
        let merged = match find_revocation(&self.revocations, &revocation.target)? {
            Some(known) => known.merge(revocation),
            None => revocation,
        };
        let key = revocation_key(&merged.target);
        self.revocations.insert(&key, &encode_revocation(&key, &merged)?)?;
        Ok(())
    }

    /// Ends the sessions that it names, and says which those were.
    pub(super) fn end(&mut self, ending: &Ending) -> Result<Vec<SessionRecord>, Failure> {
        let mut ended = Vec::new();
        for session in self.named_by(ending)? {
            let revocation = Revocation {
                target: session.target(),
                reach: Reach::All,
                made_at: ending.at,
                until: ending.until,
                kept_until: ending.kept_until,
            };
            self.revoke(revocation)?;
            ended.push(session.ended_by(&revocation));
        }
        Ok(ended)
    }

    /// Remembers a session, merged with what is known of it. One that was revoked before anybody had seen it has ended.
    pub(super) fn remember(&mut self, seen: &SessionRecord) -> Result<(), Failure> {
        let target = seen.target();
        let mut session = match find_session(&self.sessions, target.key())? {
            Some(known) => known.merge(seen),
            None => seen.clone(),
        };
        if session.ended_at.is_none()
            && let Some(revocation) = find_revocation(&self.revocations, &target)?
        {
            session = session.ended_by(&revocation);
        }
        self.put_session(&session)
    }

    /// The active sessions that an ending is about.
    fn named_by(&self, ending: &Ending) -> Result<Vec<SessionRecord>, Failure> {
        let mut named = Vec::new();
        for key in self.keys_of(&ending.of)? {
            let Some(session) = find_session(&self.sessions, &key)? else { continue };
            let is_spared = ending.except.is_some_and(|except| except == session.target());
            if session.ended_at.is_none() && session.began_at <= ending.begun_up_to && !is_spared {
                named.push(session);
            }
        }
        Ok(named)
    }

    /// One session's key, or those of all sessions of a subject.
    fn keys_of(&self, target: &Target) -> Result<Vec<[u8; 16]>, Failure> {
        match target.kind() {
            TargetKind::Session => Ok(vec![*target.key()]),
            TargetKind::Subject => self.keys_of_subject(target),
            // Nobody else's sessions end by name.
            TargetKind::TokenId
            | TargetKind::SigningInput
            | TargetKind::Client
            | TargetKind::Issuer
            | TargetKind::Exception => Ok(Vec::new()),
        }
    }

    fn keys_of_subject(&self, subject: &Target) -> Result<Vec<[u8; 16]>, Failure> {
        let (from, to) = (session_of_key(subject, &[0; 16]), session_of_key(subject, &[0xff; 16]));
        let mut keys = Vec::new();
        for entry in self.sessions_of.range::<&[u8; 32]>(&from..=&to)? {
            let (key, _nothing) = entry?;
            keys.extend(key.value().last_chunk::<16>());
        }
        Ok(keys)
    }

    fn put_session(&mut self, session: &SessionRecord) -> Result<(), Failure> {
        let key = *session.target().key();
        self.sessions.insert(&key, encode_session(&key, session).as_slice())?;
        self.sessions_of.insert(&session_of_key(&session.subject_target(), &key), ())?;
        Ok(())
    }
}
