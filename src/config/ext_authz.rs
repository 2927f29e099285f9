//! `ext_authz`: how proxies are answered that ask about each request, over gRPC or HTTP.

mod headers;
mod login;
mod values;

use self::values::{Claims, Realm, WebAddress};
use super::{key::Key, keys::bytes, scalar::Size, section::Section};
use crate::domain::edge::{
    settings::{CannotTell, EdgeSettings, IdentityNames, ListFormat, UpstreamAuthorization},
    source::Source,
};

const EXT_AUTHZ: Key = Key::reload("ext_authz", "How proxies are answered that ask about each request.");
const CANNOT_TELL: Key = Key::reload(
    "cannot_tell",
    "How Envoy hears that nobody can tell: `error_response` is an answer with 503 and `Retry-After`, which Envoy knows from 1.37 \
     on; `rpc_error` is the status of the call, for older ones. A replica that starts or ends always uses the \
     latter, since a proxy may repeat a failed call elsewhere. Over HTTP it is 503 either way.",
);
const SOURCES: Key = Key::reload(
    "sources",
    "Where a credential may be: `authorization`, `header:NAME` or `query:NAME`. Two that are there and differ are refused. A \
     route may choose some of these.",
);
const UPSTREAM_AUTHORIZATION: Key = Key::reload(
    "upstream_authorization",
    "What becomes of the credential: `strip` takes it out of the request that goes on; with `access_token`, the verified token \
     goes on as `Authorization: Bearer`, wherever it was.",
);
const LISTS: Key = Key::reload(
    "lists",
    "How scopes and roles are written: with commas, and percent-encoded within, or as a JSON array in ASCII.",
);
const MAX_IDENTITY_BYTES: Key = Key::reload(
    "max_identity_bytes",
    "Room for names and values of the identity headers together. What does not fit is left out, named in `omitted`, and is in \
     Envoy's dynamic metadata all the same.",
);
const DYNAMIC_METADATA: Key = Key::reload(
    "dynamic_metadata",
    "Whether Envoy gets the identity and all claims as dynamic metadata, too, in the namespace `envoy.filters.http.ext_authz`.",
);
const REALM: Key =
    Key::reload("realm", "The `realm` of `WWW-Authenticate`. Up to 128 visible ASCII characters and spaces.");
const RESOURCE_METADATA: Key = Key::reload(
    "resource_metadata",
    "The `resource_metadata` of `WWW-Authenticate` (RFC 9728), where clients find out who issues tokens. An absolute `https` URL.",
);

/// Reads the section.
pub(super) fn read(root: &mut Section<'_, '_>) -> EdgeSettings {
    let default = EdgeSettings::default();
    root.section(EXT_AUTHZ, |section| {
        let words = [("error_response", CannotTell::ErrorResponse), ("rpc_error", CannotTell::RpcError)];
        let cannot_tell = section.choice(CANNOT_TELL, default.cannot_tell, &words);
        let sources = section.one_or_more(SOURCES, default.sources, "at least one is needed");
        let words =
            [("strip", UpstreamAuthorization::Strip), ("access_token", UpstreamAuthorization::AccessToken)];
        let upstream_authorization =
            section.choice(UPSTREAM_AUTHORIZATION, default.upstream_authorization, &words);
        let names = headers::read(section);
        check_sources(section, &sources, &names);
        let words = [("comma", ListFormat::Comma), ("json", ListFormat::Json)];
        EdgeSettings {
            cannot_tell,
            sources,
            upstream_authorization,
            names,
            lists: section.choice(LISTS, default.lists, &words),
            max_identity_bytes: bytes(section.within(
                MAX_IDENTITY_BYTES,
                Size::kib(4),
                &(Size(256)..=Size::kib(32)),
            )),
            dynamic_metadata: section.value(DYNAMIC_METADATA, Some(Claims)).is_some(),
            realm: section.value(REALM, Realm(default.realm)).0,
            resource_metadata: section.value::<Option<WebAddress>>(RESOURCE_METADATA, None).map(Into::into),
            login: login::read(section),
        }
    })
}

/// Each once, and none that would be taken out of requests, as who they are from is written there.
fn check_sources(section: &mut Section<'_, '_>, sources: &[Source], names: &IdentityNames) {
    for (index, source) in sources.iter().enumerate() {
        if sources.iter().take(index).any(|before| before == source) {
            section.problem("sources", format!("`{source}` is listed twice"));
        }
        let Source::Header(name) = source else { continue };
        if names.spellings().contains(name) {
            section.problem("sources", format!("`{name}` is an identity header; a credential needs another"));
        }
    }
}
