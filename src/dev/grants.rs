//! Refresh tokens and their families, with strict rotation (RFC 9700 section 4.14.2).
//!
//! Each refresh token is good for one use and then replaced. Two who hold the same one are its owner and a thief, in
//! either order: whoever comes second presents a spent token. Nobody can tell which of them that is, so the family ends
//! for both and the user logs in again. There is no grace: a client that loses an answer loses its session, which is what
//! one wants to see while developing.

use std::collections::HashMap;

use aws_lc_rs::digest;

use super::{DevError, random, tokens::Session};

type Digest = [u8; 32];

/// All families since the start; a development issuer is not run for long enough to forget any.
#[derive(Default)]
pub(super) struct Grants {
    families: Vec<Family>,
    /// Every refresh token ever issued, by digest: the tokens themselves are kept nowhere.
    issued: HashMap<Digest, Issued>,
}

struct Family {
    session: Session,
    revoked: bool,
}

#[derive(Clone, Copy)]
struct Issued {
    family: usize,
    spent: bool,
}

/// What became of a presented refresh token.
pub(super) enum Rotation {
    /// It is spent, and this is what follows.
    Rotated { session: Session, refresh_token: String },
    /// It was spent before; now its whole family is revoked.
    Reused,
    /// Its family was revoked before.
    Revoked,
    /// It was never issued here.
    Unknown,
    /// More was asked for than was granted; it is still good.
    ScopeTooWide,
}

impl Grants {
    /// Begins a family, and returns its first refresh token.
    pub(super) fn begin(&mut self, session: Session) -> Result<String, DevError> {
        let token = new_token()?;
        self.issued.insert(digest_of(&token), Issued { family: self.families.len(), spent: false });
        self.families.push(Family { session, revoked: false });
        Ok(token)
    }

    /// Spends a refresh token. `scopes`, if any, must have been granted at login (RFC 6749 section 6).
    pub(super) fn rotate(
        &mut self,
        presented: &str,
        scopes: Option<&[String]>,
    ) -> Result<Rotation, DevError> {
        let Some(issued) = self.issued.get_mut(&digest_of(presented)) else { return Ok(Rotation::Unknown) };
        let Some(family) = self.families.get_mut(issued.family) else { return Ok(Rotation::Unknown) };
        if family.revoked {
            return Ok(Rotation::Revoked);
        }
        if issued.spent {
            family.revoked = true;
            return Ok(Rotation::Reused);
        }
        let granted = &family.session.scopes;
        if scopes.is_some_and(|scopes| scopes.iter().any(|scope| !granted.contains(scope))) {
            return Ok(Rotation::ScopeTooWide);
        }
        let refresh_token = new_token()?;
        issued.spent = true;
        let successor = Issued { spent: false, ..*issued };
        let session = family.session.clone();
        self.issued.insert(digest_of(&refresh_token), successor);
        Ok(Rotation::Rotated { session, refresh_token })
    }

    /// Revokes a refresh token's family, if it has one (RFC 7009 section 2.1).
    pub(super) fn revoke(&mut self, presented: &str) {
        let family = self.issued.get(&digest_of(presented)).map(|issued| issued.family);
        if let Some(family) = family.and_then(|family| self.families.get_mut(family)) {
            family.revoked = true;
        }
    }
}

fn new_token() -> Result<String, DevError> {
    Ok(format!("rt_{}", random::secret()?))
}

fn digest_of(token: &str) -> Digest {
    let mut bytes = Digest::default();
    bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::{super::tokens::Login, *};
    use crate::domain::time::UnixTime;

    fn begin(grants: &mut Grants) -> String {
        grants.begin(Login::default().begin(UnixTime::from_secs(0)).unwrap()).unwrap()
    }

    fn rotated(grants: &mut Grants, token: &str) -> String {
        let rotation = grants.rotate(token, None).unwrap();
        let Rotation::Rotated { refresh_token, .. } = rotation else { panic!("{}", name(&rotation)) };
        refresh_token
    }

    fn name(rotation: &Rotation) -> &'static str {
        match rotation {
            Rotation::Rotated { .. } => "rotated",
            Rotation::Reused => "reused",
            Rotation::Revoked => "revoked",
            Rotation::Unknown => "unknown",
            Rotation::ScopeTooWide => "scope too wide",
        }
    }

    #[track_caller]
    fn check(grants: &mut Grants, token: &str, expected: &str) {
        assert_eq!(name(&grants.rotate(token, None).unwrap()), expected);
    }

    #[test]
    fn a_reused_token_ends_its_family_and_no_other() {
        let mut grants = Grants::default();
        let first = begin(&mut grants);
        let neighbour = begin(&mut grants);
        let second = rotated(&mut grants, &first);
        let third = rotated(&mut grants, &second);
        check(&mut grants, &first, "reused");
        check(&mut grants, &third, "revoked");
        check(&mut grants, &second, "revoked");
        check(&mut grants, &neighbour, "rotated");
        check(&mut grants, "rt_never-issued", "unknown");
    }

    #[test]
    fn a_spent_token_revokes_as_well_as_the_current_one() {
        let mut grants = Grants::default();
        let first = begin(&mut grants);
        let second = rotated(&mut grants, &first);
        grants.revoke("rt_never-issued");
        grants.revoke(&first);
        check(&mut grants, &second, "revoked");
    }

    #[test]
    fn asking_for_too_much_does_not_spend_the_token() {
        let mut grants = Grants::default();
        let token = begin(&mut grants);
        let wide = ["notes.read".to_owned(), "admin".to_owned()];
        assert_eq!(name(&grants.rotate(&token, Some(&wide)).unwrap()), "scope too wide");
        assert_eq!(name(&grants.rotate(&token, Some(&wide[..1])).unwrap()), "rotated");
    }
}
