//! Session records: a hash each, wherever its slot is, and a list for each subject. They are written after the revocations that
//! end them, and the copy decides: whoever reads a session looks there, too. So a lost write of one loses nothing.

use std::collections::HashMap;

use futures_util::future::try_join_all;
use redis::{Pipeline, Value};

use super::{
    super::{
        error::StoreError,
        records::{Ending, SessionRecord, Sight},
    },
    core::Core,
    keys::read_hex,
    reply::{bytes, count, good, list, only, pairs, text},
    scripts::{CONCLUDE, INDEX, REMEMBER, Where, run_one},
};
use crate::domain::{
    revocation::{Reach, Revocation, Target, TargetKind},
    time::UnixTime,
};

/// How many are read or written at a time.
const AT_ONCE: usize = 64;
const WHAT: &str = "a session's record";

impl Core {
    /// A session and revocations. Each is read by itself; whatever was recorded before the call is in what comes out.
    pub(super) async fn sight(
        &self,
        session: Option<Target>,
        targets: &[Target],
    ) -> Result<Sight, StoreError> {
        let asked: Vec<_> = targets.iter().copied().chain(session).collect();
        let record = async {
            match session {
                Some(session) => self.session(session.key()).await,
                None => Ok(None),
            }
        };
        let (record, mut found) = futures_util::try_join!(record, self.revocations_of(&asked))?;
        let its_own = session.and_then(|_asked_for| found.pop()).flatten();
        let session = record.map(|record| ended(record, its_own.as_ref()));
        Ok(Sight { session, revocations: found.into_iter().flatten().collect() })
    }

    /// Remembers them. One that was revoked before anybody had seen it has ended.
    pub(super) async fn remember(&self, sessions: &[SessionRecord]) -> Result<(), StoreError> {
        for sessions in sessions.chunks(AT_ONCE) {
            let targets: Vec<_> = sessions.iter().map(SessionRecord::target).collect();
            let revoked = self.revocations_of(&targets).await?;
            let sessions = sessions.iter().zip(&revoked);
            let sessions = sessions.map(|(session, revoked)| ended(session.clone(), revoked.as_ref()));
            try_join_all(sessions.map(|session| self.remember_one(session))).await?;
        }
        Ok(())
    }

    /// First its place in the list: a session that is listed and not there is none, and one that is there and not listed would be
    /// passed over when its subject's sessions end.
    async fn remember_one(&self, session: SessionRecord) -> Result<(), StoreError> {
        let target = session.target();
        let kept_until = digits(session.kept_until);
        let of = self.keys.sessions_of(&session.subject_target());
        let index = INDEX
            .call(vec![of.clone()], vec![super::keys::hex(target.key()).into_bytes(), kept_until.clone()]);
        run_one(&self.link, Where::At(&of), index).await?;
        let ended_at = session.ended_at.map(digits).unwrap_or_default();
        let words = [session.issuer, session.session_id, session.subject, session.client_id];
        let args = words.map(String::into_bytes).into_iter();
        let args = args.chain([digits(session.began_at), ended_at, kept_until]).collect();
        let key = self.keys.session(target.key());
        run_one(&self.link, Where::At(&key), REMEMBER.call(vec![key.clone()], args)).await?;
        Ok(())
    }

    /// The active sessions that an ending is about.
    pub(super) async fn named_by(&self, ending: &Ending) -> Result<Vec<SessionRecord>, StoreError> {
        let mut named = Vec::new();
        for keys in self.sessions_meant(&ending.of).await?.chunks(AT_ONCE) {
            let found = try_join_all(keys.iter().map(|key| self.session(key))).await?;
            let found: Vec<_> = found.into_iter().flatten().collect();
            let targets: Vec<_> = found.iter().map(SessionRecord::target).collect();
            let revoked = self.revocations_of(&targets).await?;
            let active = found.into_iter().zip(revoked).map(|(one, revoked)| ended(one, revoked.as_ref()));
            named.extend(active.filter(|session| is_meant(session, ending)));
        }
        Ok(named)
    }

    /// One session's key, or those of all sessions of a subject.
    async fn sessions_meant(&self, of: &Target) -> Result<Vec<[u8; 16]>, StoreError> {
        match of.kind() {
            TargetKind::Session => Ok(vec![*of.key()]),
            TargetKind::Subject => self.sessions_of(of).await,
            // Nobody else's sessions end by name.
            TargetKind::TokenId
            | TargetKind::SigningInput
            | TargetKind::Client
            | TargetKind::Issuer
            | TargetKind::Exception => Ok(Vec::new()),
        }
    }

    async fn sessions_of(&self, subject: &Target) -> Result<Vec<[u8; 16]>, StoreError> {
        let key = self.keys.sessions_of(subject);
        let mut pipeline = Pipeline::new();
        pipeline.cmd("ZRANGE").arg(&key).arg(0).arg(-1);
        let members = list(self.ask_at(&key, &pipeline).await?)?;
        let read = |member| read_hex(&bytes(member)?).ok_or_else(|| self.damaged("a list of sessions"));
        members.into_iter().map(read).collect()
    }

    /// Notes that these have ended.
    pub(super) async fn conclude(&self, revocations: &[Revocation]) -> Result<(), StoreError> {
        let sessions = revocations.iter().filter(|one| one.target.kind() == TargetKind::Session);
        let sessions: Vec<_> = sessions.collect();
        for sessions in sessions.chunks(AT_ONCE) {
            try_join_all(sessions.iter().map(|revocation| self.conclude_one(revocation))).await?;
        }
        Ok(())
    }

    async fn conclude_one(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let key = self.keys.session(revocation.target.key());
        let args = vec![digits(revocation.made_at), digits(revocation.kept_until)];
        run_one(&self.link, Where::At(&key), CONCLUDE.call(vec![key.clone()], args)).await?;
        Ok(())
    }

    pub(super) async fn session(&self, key: &[u8; 16]) -> Result<Option<SessionRecord>, StoreError> {
        let name = self.keys.session(key);
        let mut pipeline = Pipeline::new();
        pipeline.cmd("HGETALL").arg(&name);
        let mut fields = HashMap::new();
        for (field, value) in pairs(self.ask_at(&name, &pipeline).await?)? {
            fields.insert(bytes(field)?, value);
        }
        if fields.is_empty() {
            return Ok(None);
        }
        match fields.remove(&b"v"[..]).map(count).transpose()? {
            Some(1) => {}
            Some(found) => {
                let (prefix, found) = (self.prefix().to_owned(), u8::try_from(found).unwrap_or(u8::MAX));
                return Err(StoreError::UnknownEntry { prefix, what: WHAT, found });
            }
            None => return Err(self.damaged(WHAT)),
        }
        let record = read(fields).filter(|record| record.target().key() == key);
        record.map(Some).ok_or_else(|| self.damaged(WHAT))
    }

    async fn ask_at(&self, key: &[u8], pipeline: &Pipeline) -> Result<Value, StoreError> {
        good(self.prefix(), only(self.link.at(key, pipeline).await?)?)
    }

    pub(super) fn damaged(&self, what: &'static str) -> StoreError {
        StoreError::DamagedEntry { prefix: self.prefix().to_owned(), what }
    }
}

/// The revocation that a session gets when it ends.
pub(super) fn end_of(session: &SessionRecord, ending: &Ending) -> Revocation {
    Revocation {
        target: session.target(),
        reach: Reach::All,
        made_at: ending.at,
        until: ending.until,
        kept_until: ending.kept_until,
    }
}

/// As the copy says: its own revocation has ended it.
fn ended(session: SessionRecord, revocation: Option<&Revocation>) -> SessionRecord {
    match revocation {
        Some(revocation) => session.ended_by(revocation),
        None => session,
    }
}

fn is_meant(session: &SessionRecord, ending: &Ending) -> bool {
    let is_spared = ending.except.is_some_and(|except| except == session.target());
    session.ended_at.is_none() && session.began_at <= ending.begun_up_to && !is_spared
}

fn read(mut fields: HashMap<Vec<u8>, Value>) -> Option<SessionRecord> {
    let mut word = |name: &str| fields.remove(name.as_bytes()).and_then(|value| text(value).ok());
    let (issuer, session_id) = (word("issuer")?, word("session_id")?);
    let (subject, client_id) = (word("subject")?, word("client_id")?);
    let mut time = |name: &str| word(name).map(|digits| digits.parse().ok().map(UnixTime::from_millis));
    let (began_at, kept_until) = (time("began_at")??, time("kept_until")??);
    let ended_at = match time("ended_at") {
        Some(ended_at) => Some(ended_at?),
        None => None,
    };
    Some(SessionRecord { issuer, session_id, subject, client_id, began_at, ended_at, kept_until })
}

fn digits(time: UnixTime) -> Vec<u8> {
    time.as_millis().to_string().into_bytes()
}
