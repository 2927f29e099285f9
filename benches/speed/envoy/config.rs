//! Envoy's configuration: a listener for each arrangement, all of which answer by themselves behind their filters.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{
    check::POLICY,
    tokens::{AUDIENCE, ISSUER},
};

/// What the answer says of the request as it would have gone on.
pub(super) const SEEN: &str = "x-seen-subject";

/// What stands before the answer.
pub(super) enum Filter<'a> {
    Nothing,
    /// `jwt_authn` with this JWK set.
    JwtAuthn {
        jwks: &'a str,
        is_cached: bool,
    },
    /// `ext_authz` with this service.
    ExtAuthz(SocketAddr),
}

/// The whole of it, with each listener on a port of the kernel's choice.
pub(super) fn bootstrap(admin: SocketAddr, arrangements: &[(&str, Filter<'_>)]) -> Value {
    let listeners: Vec<_> = arrangements.iter().map(|(name, filter)| listener(name, filter)).collect();
    let clusters: Vec<_> = arrangements
        .iter()
        .filter_map(|(_, filter)| match filter {
            Filter::ExtAuthz(service) => Some(cluster(*service)),
            Filter::Nothing | Filter::JwtAuthn { .. } => None,
        })
        .collect();
    json!({
        "admin": { "address": loopback(admin.port()) },
        "static_resources": { "listeners": listeners, "clusters": clusters },
    })
}

fn loopback(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

/// It becomes the `:authority` of calls, where a space would be an error.
fn cluster_name(service: SocketAddr) -> String {
    format!("service-{}", service.port())
}

fn cluster(service: SocketAddr) -> Value {
    let name = cluster_name(service);
    let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": loopback(service.port()) } }] }],
        },
        "typed_extension_protocol_options": {
            options: {
                "@type": format!("type.googleapis.com/{options}"),
                "explicit_http_config": { "http2_protocol_options": {} },
            },
        },
    })
}

fn listener(name: &str, filter: &Filter<'_>) -> Value {
    let mut filters = vec![];
    match filter {
        Filter::Nothing => {}
        Filter::JwtAuthn { jwks, is_cached } => filters.push(jwt_authn(jwks, *is_cached)),
        Filter::ExtAuthz(service) => filters.push(ext_authz(*service)),
    }
    filters.push(typed("router", "router", json!({})));
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [route(filter)] }] },
        "http_filters": filters,
    });
    json!({
        "name": name,
        "address": loopback(0),
        "filter_chains": [{
            "filters": [{ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager }],
        }],
    })
}

/// Envoy's own answer comes after the filters, and says what an upstream would have seen.
fn route(filter: &Filter<'_>) -> Value {
    let mut route = json!({
        "match": { "prefix": "/" },
        "direct_response": { "status": 200, "body": { "inline_string": "ok\n" } },
        "response_headers_to_add": [{ "header": { "key": SEEN, "value": "%REQ(x-auth-subject)%" } }],
    });
    if matches!(filter, Filter::ExtAuthz(_)) {
        let extensions: Value =
            POLICY.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        route["typed_per_filter_config"] = json!({
            "envoy.filters.http.ext_authz": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
                "check_settings": { "context_extensions": extensions },
            },
        });
    }
    route
}

fn typed(package: &str, name: &str, mut config: Value) -> Value {
    let message = match name {
        "router" => "Router",
        "jwt_authn" => "JwtAuthentication",
        _ => "ExtAuthz",
    };
    config["@type"] =
        json!(format!("type.googleapis.com/envoy.extensions.filters.http.{package}.v3.{message}"));
    json!({ "name": format!("envoy.filters.http.{name}"), "typed_config": config })
}

fn ext_authz(service: SocketAddr) -> Value {
    // A loaded machine is no failure; Envoy's own default is 0.2 s.
    let service = json!({ "envoy_grpc": { "cluster_name": cluster_name(service) }, "timeout": "20s" });
    typed("ext_authz", "ext_authz", json!({ "transport_api_version": "V3", "grpc_service": service }))
}

/// With the same identity headers that Countersign sets, and the claims in the dynamic metadata, too.
fn jwt_authn(jwks: &str, is_cached: bool) -> Value {
    let headers =
        [("subject", "sub"), ("issuer", "iss"), ("expires", "exp"), ("session", "sid"), ("scopes", "scope")];
    let headers = headers
        .map(|(header, claim)| json!({ "header_name": format!("x-auth-{header}"), "claim_name": claim }));
    let mut provider = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": { "inline_string": jwks },
        "claim_to_headers": headers,
        "payload_in_metadata": "claims",
    });
    if is_cached {
        provider["jwt_cache_config"] = json!({ "jwt_cache_size": 100 });
    }
    let rules = json!([{ "match": { "prefix": "/" }, "requires": { "provider_name": "bench" } }]);
    typed("jwt_authn", "jwt_authn", json!({ "providers": { "bench": provider }, "rules": rules }))
}
