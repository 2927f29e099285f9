//! What ought to be answered: everything that was ever revoked is remembered, in a list, for ever.
//!
//! Where the design leaves it open whether something is still known (after a crash with a store that failed, or after the
//! longest life of a session), the model says so, and takes either answer.

use std::collections::HashMap;

use super::{
    steps::{self, Mint},
    world::{Done, Said},
};

/// As in the simulation's configuration, in seconds.
pub(super) const LEEWAY: i64 = 60;
pub(super) const TOKEN_LIFE: i64 = 3600;
pub(super) const SESSION_LIFE: i64 = 86_400;
pub(super) const CLOCK_AHEAD: i64 = 2;

/// A token that was made.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) id: Option<String>,
    pub(super) number: usize,
    pub(super) subject: u8,
    pub(super) client: u8,
    pub(super) session: Option<u8>,
    pub(super) issued_at: Option<i64>,
    pub(super) login: Option<i64>,
    pub(super) expires_at: i64,
}

/// Whom somebody revokes, with the token where it is one.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Token(Token),
    TokenId(Token),
    Session(u8),
    Subject { subject: u8, except: Option<u8>, not_before: Option<i64> },
    Client { client: u8, not_before: Option<i64> },
    Issuer,
}

/// How sure it is that something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Certainty {
    /// It may have been lost.
    Maybe,
    /// As long as the process lives.
    Here,
    /// It is stored.
    Stored,
}

#[derive(Clone, Debug)]
struct Entry {
    target: Target,
    /// For those that have one.
    cut_off: i64,
    made_at: i64,
    certainty: Certainty,
    /// The sessions that ended by name, and how sure that is.
    ended: HashMap<u8, Certainty>,
}

/// When a session began: surely no later than this, and maybe earlier.
#[derive(Clone, Copy, Debug)]
struct Beginning {
    surely: Option<i64>,
    maybe: i64,
    seen_at: i64,
    certainty: Certainty,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    tokens: Vec<Token>,
    entries: Vec<Entry>,
    sessions: HashMap<u8, Beginning>,
}

/// What the model expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Good,
    Revoked,
    Either,
}

impl Model {
    pub(super) fn mint(&mut self, mint: Mint, now: i64) {
        let Mint { has_id, has_issue_time, session, subject, client, login, life } = mint;
        let number = self.tokens.len();
        self.tokens.push(Token {
            id: has_id.then(|| format!("token-{number}")),
            number,
            subject: session.map_or(subject, |session| session % 2),
            client,
            session,
            issued_at: has_issue_time.then_some(now),
            login: login.map(|ago| now - ago),
            expires_at: now + life,
        });
    }

    pub(super) fn token(&self, choice: u8) -> Option<(usize, Token)> {
        let number = usize::from(choice).checked_rem(self.tokens.len())?;
        Some((number, self.tokens[number].clone()))
    }

    /// The newest tokens are the ones that somebody has.
    pub(super) fn aim(&self, aim: steps::Aim) -> Option<Target> {
        Some(match aim {
            steps::Aim::Token(choice) => Target::Token(self.token(choice)?.1),
            steps::Aim::TokenId(choice) => {
                Target::TokenId(self.token(choice).filter(|(_, token)| token.id.is_some())?.1)
            }
            steps::Aim::Session(session) => Target::Session(session),
            steps::Aim::Subject { subject, except, ago } => {
                Target::Subject { subject, except, not_before: ago }
            }
            steps::Aim::Client { client, ago } => Target::Client { client, not_before: ago },
            steps::Aim::Issuer => Target::Issuer,
        })
    }

    pub(super) fn revoked(&mut self, target: Target, done: Done, now: i64) {
        let certainty = match done {
            Done::Stored => Certainty::Stored,
            Done::Unstored => Certainty::Here,
            Done::Refused => return,
        };
        let cut_off = cut_off(&target, now);
        let mut ended = HashMap::new();
        for (session, beginning) in &self.sessions {
            let known = beginning.surely.filter(|_| now < beginning.seen_at + SESSION_LIFE);
            let ends = match &target {
                Target::Session(named) => named == session,
                Target::Subject { subject, except, .. } => {
                    session % 2 == *subject && *except != Some(*session) && beginning.maybe <= cut_off
                }
                Target::Token(_) | Target::TokenId(_) | Target::Client { .. } | Target::Issuer => false,
            };
            if ends {
                let surely = known.is_some_and(|began| began <= cut_off) && done == Done::Stored;
                ended.insert(*session, if surely { certainty } else { Certainty::Maybe });
            }
        }
        self.entries.push(Entry { target, cut_off, made_at: now, certainty, ended });
    }

    /// What was not stored may be lost.
    pub(super) fn crashed(&mut self) {
        for entry in &mut self.entries {
            if entry.certainty == Certainty::Here {
                entry.certainty = Certainty::Maybe;
            }
        }
        for beginning in self.sessions.values_mut() {
            if beginning.certainty == Certainty::Here {
                beginning.certainty = Certainty::Maybe;
                beginning.surely = None;
            }
        }
    }

    /// The store works, so it has everything.
    pub(super) fn restarted_cleanly(&mut self) {
        for entry in &mut self.entries {
            if entry.certainty == Certainty::Here {
                entry.certainty = Certainty::Stored;
            }
        }
        for beginning in self.sessions.values_mut() {
            if beginning.certainty == Certainty::Here {
                beginning.certainty = Certainty::Stored;
            }
        }
    }

    pub(super) fn judge(&mut self, token: &Token, said: Said, now: i64, faulty: bool) -> Result<(), String> {
        if !is_current(token, now) {
            self.shown(token, now);
            return if matches!(said, Said::Good) {
                Err(format!("{token:?} passes at {now}"))
            } else {
                Ok(())
            };
        }
        let expected = self.expected(token, now);
        match (said, expected) {
            (Said::Good, Expected::Good | Expected::Either) => self.seen(token, now),
            (Said::Revoked, Expected::Revoked | Expected::Either) => self.shown(token, now),
            // The first sight of a session needs the store.
            (Said::CannotTell, _) if faulty => {}
            _ => {
                return Err(format!(
                    "{said:?} instead of {expected:?} at {now}: {token:?}, known {:?}, {:#?}",
                    token.session.and_then(|session| self.sessions.get(&session)),
                    self.entries
                ));
            }
        }
        Ok(())
    }

    /// A token that is refused, too, may show that its session began no later than itself.
    fn shown(&mut self, token: &Token, now: i64) {
        if let Some(session) = token.session {
            let own = shown_begin(token, now);
            let known = self.sessions.entry(session).or_insert(Beginning {
                surely: None,
                maybe: own,
                seen_at: now,
                certainty: Certainty::Maybe,
            });
            known.maybe = known.maybe.min(own);
        }
    }

    /// A session whose token passed is known from then on, and is written soon.
    fn seen(&mut self, token: &Token, now: i64) {
        let Some(session) = token.session else { return };
        let own = shown_begin(token, now);
        let known = self.sessions.entry(session).or_insert(Beginning {
            surely: Some(own),
            maybe: own,
            seen_at: now,
            certainty: Certainty::Here,
        });
        known.maybe = known.maybe.min(own);
        if known.surely.is_none_or(|surely| own < surely) {
            known.surely = Some(own);
            known.certainty = Certainty::Here;
            known.seen_at = now;
        }
    }

    fn expected(&self, token: &Token, now: i64) -> Expected {
        let mut expected = Expected::Good;
        for entry in &self.entries {
            match self.refuses(entry, token, now) {
                Expected::Revoked => return Expected::Revoked,
                Expected::Either => expected = Expected::Either,
                Expected::Good => {}
            }
        }
        expected
    }

    fn refuses(&self, entry: &Entry, token: &Token, now: i64) -> Expected {
        let own = own_begin(token);
        let session = token.session.and_then(|session| self.sessions.get(&session));
        let surely = own.map(|own| session.and_then(|it| it.surely).map_or(own, |began| own.min(began)));
        let maybe = own.map(|own| session.map_or(own, |it| own.min(it.maybe)));
        let reached = |begin: Option<i64>| begin.is_none_or(|begin| begin <= entry.cut_off);
        // What the token itself says is known without anybody's memory.
        let (by_itself, by_memory, by_chance) = match &entry.target {
            Target::Token(revoked) => (revoked.number == token.number, false, false),
            Target::TokenId(revoked) => (revoked.id == token.id && token.id.is_some(), false, false),
            Target::Session(revoked) => {
                let named = token.session == Some(*revoked);
                (named, named, named)
            }
            Target::Subject { subject, except, .. } if *subject == token.subject => {
                if except.is_some() && *except == token.session {
                    return Expected::Good;
                }
                (reached(own), reached(surely), reached(maybe))
            }
            Target::Client { client, .. } if *client == token.client => {
                (reached(own), reached(surely), reached(maybe))
            }
            Target::Issuer => (reached(own), reached(surely), reached(maybe)),
            Target::Subject { .. } | Target::Client { .. } => (false, false, false),
        };
        let ended = token.session.and_then(|session| entry.ended.get(&session)).copied();
        if !(by_itself || by_memory || by_chance || ended.is_some()) {
            return Expected::Good;
        }
        // An exception from a later cut-off covers what an earlier one was about, unless the session ended by name.
        let exempted_later = self.entries.iter().any(|other| match &other.target {
            Target::Subject { subject, except: Some(except), .. } => {
                *subject == token.subject && Some(*except) == token.session && other.cut_off >= entry.cut_off
            }
            Target::Token(_)
            | Target::TokenId(_)
            | Target::Session(_)
            | Target::Subject { .. }
            | Target::Client { .. }
            | Target::Issuer => false,
        });
        let is_subject = matches!(entry.target, Target::Subject { .. });
        let is_cut_off = is_subject || matches!(entry.target, Target::Client { .. } | Target::Issuer);
        let is_over = now >= entry.made_at.max(entry.cut_off.min(now)) + SESSION_LIFE;
        let sure = entry.certainty > Certainty::Maybe && !is_over;
        let by_name = ended.is_some_and(|certainty| certainty > Certainty::Maybe);
        // Without a time of issue nobody can tell a new token from an old one: it is refused for as long as an old one could
        // live.
        let first_life_is_over = now >= entry.made_at.max(entry.cut_off) + TOKEN_LIFE + LEEWAY;
        let is_timeless = token.issued_at.is_none();
        // The same holds for one that is revoked by its id alone: when it ends is not known.
        let is_open = is_cut_off || matches!(entry.target, Target::TokenId(_));
        let may_be_new = is_open && is_timeless && first_life_is_over;
        let memory_is_fresh = session.is_none_or(|it| now < it.seen_at + SESSION_LIFE);
        let by_reach =
            (by_itself || by_memory && memory_is_fresh) && !(is_subject && exempted_later) && !may_be_new;
        if sure && (by_name || by_reach) { Expected::Revoked } else { Expected::Either }
    }
}

/// When a token that is shown now shows that its session began.
fn shown_begin(token: &Token, now: i64) -> i64 {
    let issued_at = token.issued_at.unwrap_or(now);
    token.login.map_or(issued_at, |login| login.min(issued_at))
}

fn own_begin(token: &Token) -> Option<i64> {
    let issued_at = token.issued_at?;
    Some(token.login.map_or(issued_at, |login| login.min(issued_at)))
}

fn is_current(token: &Token, now: i64) -> bool {
    now < token.expires_at + LEEWAY
        && token.issued_at.is_none_or(|issued| issued <= now + LEEWAY)
        && (token.issued_at.is_some() || token.expires_at <= now + TOKEN_LIFE)
}

/// As the answer says it.
pub(super) fn cut_off(target: &Target, now: i64) -> i64 {
    let default = now + CLOCK_AHEAD;
    match target {
        Target::Subject { not_before, .. } | Target::Client { not_before, .. } => {
            not_before.map_or(default, |ago| now - ago)
        }
        Target::Issuer | Target::Token(_) | Target::TokenId(_) | Target::Session(_) => default,
    }
}
