//! `http`: the listener that is asked over HTTP.

use super::{
    effective::Shown,
    key::Key,
    notation::Notation,
    scalar::{Setting, expected},
    section::Section,
    tree::Value,
};
use crate::{
    api::{
        ListenAddress,
        http::{Forwarded, HttpSettings},
    },
    domain::edge::{settings::EdgeSettings, source::Source},
};

const HTTP: Key = Key::restart("http", "The listener that is asked over HTTP.");
const LISTEN: Key = Key::restart(
    "listen",
    "Where `/check` is answered, for nginx, Traefik and Caddy: [proxies-http.md](proxies-http.md). The rules for `listen` are \
     those for this, too.",
);
const FORWARDED: Key = Key::restart(
    "forwarded",
    "Whose words about the original request count: `x_forwarded` are those of Traefik and Caddy (`X-Forwarded-Method`, `-Proto`, \
     `-Host`, `-Uri`), `x_original` those that a configuration of nginx sets (`X-Original-Method`, `-Proto`, `-Host`, `-URI`). \
     The proxy has to set each of them on every check, or clients say them. Without such words there are no preflights and no \
     `query:` sources; without `x_forwarded`, nobody is sent to `ext_authz.login`.",
);

/// Reads the section.
pub(super) fn read(root: &mut Section<'_, '_>) -> HttpSettings {
    root.section(HTTP, |http| HttpSettings {
        listen: http.value::<Option<ListenAddress>>(LISTEN, None),
        forwarded: http.value::<Option<Forwarded>>(FORWARDED, None),
    })
}

/// Tells what `ext_authz` asks for and this listener cannot do. Envoy can, so it is no problem.
pub(super) fn compare(root: &mut Section<'_, '_>, http: &HttpSettings, ext_authz: &EdgeSettings) {
    if http.listen.is_none() {
        return;
    }
    let query = ext_authz.sources.iter().find(|source| matches!(source, Source::Query(_)));
    if let (None, Some(source)) = (http.forwarded, query) {
        let message = format!(
            "over HTTP, `{source}` is never looked at without `forwarded`, which says who tells the query"
        );
        root.warning("http", message);
    }
    if ext_authz.login.is_some() && http.forwarded != Some(Forwarded::XForwarded) {
        root.warning(
            "http",
            "over HTTP, nobody is sent to `ext_authz.login` without `forwarded: x_forwarded`",
        );
    }
}

impl Setting for Forwarded {
    fn notation() -> Notation {
        Notation::words(["x_forwarded", "x_original"])
    }

    fn read(value: &Value) -> Result<Self, String> {
        let known = [Self::XForwarded, Self::XOriginal].into_iter();
        let mut meant = known.filter(|known| *value == Value::Text(known.as_str().to_owned()));
        meant.next().map_or_else(|| expected("`x_forwarded` or `x_original`", value), Ok)
    }

    fn show(&self) -> Shown {
        Shown::plain(self.as_str())
    }
}
