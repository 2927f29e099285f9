//! Tokens as they are written down, to be sealed.

use crate::{
    domain::{secret::Secret, tokens::Tokens},
    store::codec::{Decoder, Encoder, Problem},
};

/// In front of the bytes that the record's check is over; the seal says what it belongs to.
const KEY: &[u8] = b"tokens";

/// Bytes for each part's length or time, with what says whether it is there.
const BESIDE: usize = 9;

/// Room for the version and the check.
const AROUND: usize = 8;

/// Nothing of them is left in memory but what this returns.
pub(super) fn write(tokens: &Tokens) -> Secret {
    let Tokens { access_token, token_type, expires_at, refresh_token, id_token, scopes, session_id } = tokens;
    let secret = |record: Encoder, secret: &Secret| record.bytes(secret.expose());
    let record = Encoder::with_room(room(tokens))
        .bytes(access_token.expose())
        .bytes(token_type.as_bytes())
        .maybe(*expires_at, |record, at| record.number(at.as_millis()))
        .maybe(refresh_token.as_ref(), secret)
        .maybe(id_token.as_ref(), secret)
        .list(scopes.iter(), |record, scope| record.bytes(scope.as_bytes()))
        .bytes(session_id.as_bytes());
    Secret::new(record.end(KEY))
}

fn room(tokens: &Tokens) -> usize {
    let Tokens { access_token, token_type, expires_at: _, refresh_token, id_token, scopes, session_id } =
        tokens;
    let secrets = [Some(access_token), refresh_token.as_ref(), id_token.as_ref()];
    let secrets = secrets.into_iter().map(|secret| secret.map_or(0, Secret::len));
    let words = [token_type, session_id].into_iter().chain(scopes).map(String::len);
    // One more than there are parts, for the time, and one for the number of scopes.
    let parts = scopes.len().saturating_add(7);
    secrets.chain(words).fold(parts.saturating_mul(BESIDE).saturating_add(AROUND), usize::saturating_add)
}

pub(super) fn read(content: &Secret) -> Result<Tokens, Problem> {
    let mut decoder = Decoder::new(KEY, content.expose())?;
    let secret = |decoder: &mut Decoder<'_>| Ok(Secret::new(decoder.bytes()?.to_vec()));
    let tokens = Tokens {
        access_token: secret(&mut decoder)?,
        token_type: decoder.text()?,
        expires_at: decoder.maybe(Decoder::time)?,
        refresh_token: decoder.maybe(secret)?,
        id_token: decoder.maybe(secret)?,
        scopes: decoder.list(Decoder::text)?,
        session_id: decoder.text()?,
    };
    decoder.end(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UnixTime;

    fn tokens(optional: bool, scopes: &[&str]) -> Tokens {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        Tokens {
            access_token: secret("access"),
            token_type: "Bearer".to_owned(),
            expires_at: optional.then(|| UnixTime::from_secs(7)),
            refresh_token: optional.then(|| secret("refresh")),
            id_token: optional.then(|| secret("id")),
            scopes: scopes.iter().copied().map(ToOwned::to_owned).collect(),
            session_id: "session".to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_fits_into_the_room_made_for_it() {
        for tokens in [tokens(false, &[]), tokens(true, &[]), tokens(true, &["a", "", "openid"])] {
            let written = write(&tokens);
            assert_eq!(read(&written), Ok(tokens.clone()));
            assert!(written.len() <= room(&tokens), "{} {}", written.len(), room(&tokens));
        }
    }
}
