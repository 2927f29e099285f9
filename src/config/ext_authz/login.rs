//! `ext_authz.login`: where people are sent to log in.

use super::values::{ParameterName, WebAddress};
use crate::{
    config::{key::Key, section::Section},
    domain::edge::settings::Login,
};

const LOGIN: Key = Key::reload(
    "login",
    "That a person who goes to a page without a good credential is sent elsewhere (302) instead of being told 401. Scripts, \
     parts of pages and other methods than GET never are.",
)
.or("everybody is told 401");
const URL: Key = Key::reload("url", "The login page: an absolute `https` URL without fragment.");
const RETURN_TO: Key = Key::reload(
    "return_to",
    "The query parameter that tells the login page where the person wanted to go. That page has to check that it is a place of \
     its own before it sends anybody there.",
)
.or("it is not told");

/// Reads the section, if it is there.
pub(super) fn read(ext_authz: &mut Section<'_, '_>) -> Option<Login> {
    ext_authz.optional_section_or_off(LOGIN, |section| {
        let url = section.needed::<WebAddress>(URL, "where people log in is needed");
        let return_to = section.optional::<ParameterName>(RETURN_TO).map(|name| name.0);
        let WebAddress(url) = url?;
        if let Some(name) = &return_to
            && url.query_pairs().any(|(known, _)| known == name.as_str())
        {
            section.problem("return_to", "the `url` has this parameter already");
        }
        Some(Login { url: url.into(), return_to })
    })?
}
