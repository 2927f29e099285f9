//! The one place that makes a `CheckResponse`.

use bytes::Bytes;
use envoy_types::{
    ext_authz::v3::pb::{
        CheckResponse, DeniedHttpResponse, HeaderAppendAction, HeaderValue, HeaderValueOption, HttpResponse,
        HttpStatus, OkHttpResponse,
    },
    pb::google::rpc,
};
use prost::Message as _;
use tonic::Code;

use super::metadata;
use crate::{
    api::grpc::status,
    domain::edge::{
        admission::Admission,
        denial::Denial,
        identity::Identity,
        names::spellings,
        reply::Reply,
        settings::{EdgeSettings, UpstreamAuthorization},
        source::Source,
    },
    service::{check::Allowed, fault::Fault},
};

/// A request passes: `status.code` is 0.
pub(super) fn allowed(allowed: &Allowed<'_>) -> Bytes {
    allowed.answer(|| encoded(Code::Ok, "", (Some(HttpResponse::OkResponse(ok(allowed))), metadata(allowed))))
}

/// A request does not pass.
pub(super) fn denied(denial: &Denial, reply: Reply) -> Bytes {
    encoded(
        status::code_of_denial(denial),
        &denial.reason(),
        (Some(HttpResponse::DeniedResponse(http(reply))), None),
    )
}

/// Nobody can tell: with code 0 Envoy would let it pass, whatever else is in the message (E4).
pub(super) fn cannot_tell(fault: &Fault, reply: Reply) -> Bytes {
    encoded(Code::Unavailable, fault.reason(), (Some(HttpResponse::ErrorResponse(http(reply))), None))
}

type Parts = (Option<HttpResponse>, Option<envoy_types::pb::google::protobuf::Struct>);

fn encoded(code: Code, message: &str, (http_response, dynamic_metadata): Parts) -> Bytes {
    let status = rpc::Status { code: code.into(), message: message.to_owned(), details: vec![] };
    CheckResponse { status: Some(status), dynamic_metadata, http_response }.encode_to_vec().into()
}

fn metadata(allowed: &Allowed<'_>) -> Option<envoy_types::pb::google::protobuf::Struct> {
    match (&allowed.admission, allowed.encoded) {
        (Admission::Token(permit), Some(encoded)) if allowed.settings.dynamic_metadata => {
            Some(metadata::of(permit.token(), encoded))
        }
        (Admission::Token(_) | Admission::Anonymous(_) | Admission::Preflight(_), _) => None,
    }
}

/// What changes about a request on its way. Envoy sets first and removes last, so that no name may be in both (E2).
fn ok(allowed: &Allowed<'_>) -> OkHttpResponse {
    let Allowed { admission, settings, forwarded, parameters, .. } = allowed;
    let identity = match admission {
        Admission::Token(permit) => Identity::of(permit.token(), settings),
        Admission::Anonymous(_) | Admission::Preflight(_) => Identity::none(),
    };
    let mut headers_to_remove: Vec<String> = identity.removed(settings).map(ToOwned::to_owned).collect();
    let mut headers: Vec<_> = identity
        .headers
        .into_iter()
        .map(|(name, value)| header(name, value, HeaderAppendAction::OverwriteIfExistsOrAdd))
        .collect();
    let goes_on = matches!(admission, Admission::Token(_))
        && settings.upstream_authorization == UpstreamAuthorization::AccessToken;
    match forwarded {
        Some(token) => {
            let value = format!("Bearer {token}");
            headers.push(header("authorization", value, HeaderAppendAction::OverwriteIfExistsOrAdd));
        }
        None if goes_on => {}
        None => headers_to_remove.push("authorization".to_owned()),
    }
    headers_to_remove.extend(credential_headers(settings));
    // Only where they are: for this, Envoy writes the whole query anew.
    let query_parameters_to_remove = parameters.iter().map(|name| (*name).to_owned()).collect();
    OkHttpResponse { headers, headers_to_remove, query_parameters_to_remove, ..OkHttpResponse::default() }
}

/// Where nobody has looked on this route, somebody else's token may be, so that none of these goes on.
fn credential_headers(settings: &EdgeSettings) -> impl Iterator<Item = String> {
    settings.sources.iter().flat_map(|source| match source {
        Source::Header(name) => spellings(name),
        Source::Authorization | Source::Query(_) => vec![],
    })
}

/// To the client, instead of the answer of what it asked for. `append` stays unset: with true, Envoy would drop the header.
fn http(reply: Reply) -> DeniedHttpResponse {
    let headers = reply
        .headers
        .into_iter()
        .map(|(name, value)| header(name, value, HeaderAppendAction::OverwriteIfExistsOrAdd));
    DeniedHttpResponse {
        status: Some(HttpStatus { code: reply.status.into() }),
        headers: headers.collect(),
        body: reply.body,
    }
}

fn header(name: &str, value: String, action: HeaderAppendAction) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: name.to_owned(), value, raw_value: vec![] }),
        append_action: action.into(),
        ..HeaderValueOption::default()
    }
}
