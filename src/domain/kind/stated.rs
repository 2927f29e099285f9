//! What a payload says about its own kind.

use crate::domain::json::{Json, Object};

/// What a payload says about its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stated {
    Nothing,
    Access,
    Id,
    /// Something else, or two different things.
    Other,
}

/// Some issuers write the kind into the payload: Cognito as `token_use`, Keycloak as `typ`, libraries as `token_type` or
/// `type`. A word that nobody knows says nothing; what is said twice must be the same.
pub(super) fn stated_use(claims: &Object<'_>) -> Stated {
    let mut stated = Stated::Nothing;
    for name in ["token_use", "typ", "token_type", "type"] {
        let one = match claims.get(name) {
            Some(Json::Text(word)) => kind_of_word(word),
            // The first two are about kinds wherever they are used; not a word is not a kind of ours.
            Some(_) if matches!(name, "token_use" | "typ") => Stated::Other,
            Some(_) | None => Stated::Nothing,
        };
        stated = match (stated, one) {
            (stated, Stated::Nothing) => stated,
            (Stated::Nothing, one) => one,
            (stated, one) if stated == one => stated,
            _ => Stated::Other,
        };
    }
    stated
}

fn kind_of_word(word: &str) -> Stated {
    let word = word.to_ascii_lowercase();
    // RFC 8693 section 3.
    match word.strip_prefix("urn:ietf:params:oauth:token-type:").unwrap_or(&word) {
        "access" | "bearer" | "dpop" | "at+jwt" | "access_token" => Stated::Access,
        "id" | "id_token" => Stated::Id,
        "refresh" | "refresh_token" | "offline" | "logout" => Stated::Other,
        _ => Stated::Nothing,
    }
}
