//! A verified token as dynamic metadata, for filters and logs behind this one: who it is from in the fields of `TokenInfo`, and
//! all claims. Numbers are JSON's as far as `google.protobuf.Value` can hold them: doubles.

use envoy_types::pb::google::protobuf::{ListValue, Struct, Value, value::Kind};
use serde_json::Value as Json;

use crate::{
    api::grpc::token::claims_of,
    domain::{claims::TextList, verify::VerifiedToken},
    service::validate::EncodedToken,
};

/// The whole metadata of a token.
pub(super) fn of(token: &VerifiedToken, encoded: &EncodedToken) -> Struct {
    let claims = token.claims();
    let mut fields = vec![
        ("issuer", text(&token.policy().issuer)),
        ("subject", text(claims.subject())),
        ("client_id", text(claims.client_id())),
        ("session_id", text(claims.session_id())),
        ("token_id", text(claims.token_id())),
        ("organization_id", text(claims.organization_id())),
        ("scopes", list(claims.scopes())),
        ("roles", list(claims.roles())),
        ("permissions", list(claims.permissions())),
    ];
    fields.retain(|(_, value)| !is_empty(value));
    fields.push(("principal", text(if claims.is_of_client { "client" } else { "user" })));
    fields.push(("expires_at", number(claims.expires_at.as_secs())));
    // They were parsed when the token was verified.
    if let Ok(payload) = serde_json::from_slice::<Json>(claims_of(encoded)) {
        fields.push(("claims", value(payload)));
    }
    Struct { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

fn is_empty(value: &Value) -> bool {
    match &value.kind {
        Some(Kind::StringValue(text)) => text.is_empty(),
        Some(Kind::ListValue(list)) => list.values.is_empty(),
        _ => false,
    }
}

fn of_kind(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

fn text(text: &str) -> Value {
    of_kind(Kind::StringValue(text.to_owned()))
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "seconds since 1970 fit a double")]
fn number(number: i64) -> Value {
    of_kind(Kind::NumberValue(number as f64))
}

fn list(entries: TextList<'_>) -> Value {
    of_kind(Kind::ListValue(ListValue { values: entries.iter().map(text).collect() }))
}

/// As deep as a token's claims are, which is bounded.
fn value(json: Json) -> Value {
    of_kind(match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(bool) => Kind::BoolValue(bool),
        Json::Number(number) => match number.as_f64() {
            Some(number) => Kind::NumberValue(number),
            None => Kind::StringValue(number.to_string()),
        },
        Json::String(text) => Kind::StringValue(text),
        Json::Array(items) => Kind::ListValue(ListValue { values: items.into_iter().map(value).collect() }),
        Json::Object(members) => Kind::StructValue(Struct {
            fields: members.into_iter().map(|(name, member)| (name, value(member))).collect(),
        }),
    })
}
