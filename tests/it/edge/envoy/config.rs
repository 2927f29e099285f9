//! Envoy's configuration.

use std::path::PathBuf;

use serde_json::{Value, json};

/// The identity headers, by their default names.
pub(in super::super) const IDENTITY: [&str; 8] = [
    "x-auth-subject",
    "x-auth-issuer",
    "x-auth-session",
    "x-auth-scopes",
    "x-auth-roles",
    "x-auth-organization",
    "x-auth-expires",
    "x-auth-omitted",
];

/// The routes, each with its policy. Everything else has none, like `/plain`.
const ROUTES: [(&str, &[(&str, &str)]); 11] = [
    ("/scoped", &[("required_scopes", "read write")]),
    ("/optional", &[("optional", "true")]),
    ("/preflight", &[("preflight", "true")]),
    ("/misspelt", &[("required_scope", "read")]),
    ("/bad-value", &[("optional", "yes")]),
    ("/sources", &[("sources", "authorization, header:x-api-token")]),
    ("/roles", &[("required_roles", "admin")]),
    ("/permissions", &[("required_permissions", "notes:write")]),
    ("/audience", &[("audiences", "https://other.example.test")]),
    ("/issuer", &[("issuer", "https://second.example.test")]),
    ("/id", &[("kind", "id")]),
];

/// A listener with an ext_authz filter.
#[derive(Clone, Debug)]
pub(in super::super) struct Door {
    name: &'static str,
    services: Vec<PathBuf>,
    is_raw: bool,
    is_bare: bool,
    failure_mode_allow: bool,
    status_on_error: Option<&'static str>,
    timeout: &'static str,
    certificates: Option<Certificates>,
}

/// Of a listener that asks clients for theirs.
#[derive(Clone, Debug)]
pub(in super::super) struct Certificates {
    pub(in super::super) authority: PathBuf,
    pub(in super::super) chain: PathBuf,
    pub(in super::super) key: PathBuf,
}

impl Certificates {
    fn socket(&self) -> Value {
        let Self { authority, chain, key } = self;
        json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": { "filename": chain },
                        "private_key": { "filename": key },
                    }],
                    "validation_context": { "trusted_ca": { "filename": authority } },
                },
            },
        })
    }
}

impl Door {
    /// One that asks the service at this socket.
    pub(in super::super) fn to(name: &'static str, service: impl Into<PathBuf>) -> Self {
        Self {
            name,
            services: vec![service.into()],
            is_raw: false,
            is_bare: false,
            failure_mode_allow: false,
            status_on_error: Some("ServiceUnavailable"),
            // A loaded machine is no failure.
            timeout: "20s",
            certificates: None,
        }
    }

    /// And another one, in turn.
    pub(in super::super) fn and(mut self, service: impl Into<PathBuf>) -> Self {
        self.services.push(service.into());
        self
    }

    /// `encode_raw_headers`.
    pub(in super::super) fn raw(mut self) -> Self {
        self.is_raw = true;
        self
    }

    /// Without the filter that strips what the client sent.
    pub(in super::super) fn bare(mut self) -> Self {
        self.is_bare = true;
        self
    }

    /// `failure_mode_allow`.
    pub(in super::super) fn failing_open(mut self) -> Self {
        self.failure_mode_allow = true;
        self
    }

    /// Without `status_on_error`.
    pub(in super::super) fn with_default_status(mut self) -> Self {
        self.status_on_error = None;
        self
    }

    /// Over TLS. A client's certificate is shown to the service.
    pub(in super::super) fn tls(mut self, certificates: Certificates) -> Self {
        self.certificates = Some(certificates);
        self
    }

    /// Waits no longer than Envoy does by default.
    pub(in super::super) fn impatient(mut self) -> Self {
        self.timeout = "0.2s";
        self
    }

    /// The cluster of whom it asks.
    pub(in super::super) fn cluster_name(&self) -> String {
        format!("service-{}", self.name)
    }

    fn cluster(&self) -> Value {
        let endpoints = self.services.iter().map(
            |socket| json!({ "endpoint": { "address": { "pipe": { "path": socket.to_str().unwrap() } } } }),
        );
        let mut cluster = cluster(&self.cluster_name(), &endpoints.collect::<Vec<_>>());
        cluster["typed_extension_protocol_options"] = json!({
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": { "http2_protocol_options": {} },
            },
        });
        cluster
    }

    fn filter(&self) -> Value {
        let mut filter = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "grpc_service": { "envoy_grpc": { "cluster_name": self.cluster_name() }, "timeout": self.timeout },
            "failure_mode_allow": self.failure_mode_allow,
            "encode_raw_headers": self.is_raw,
            "include_peer_certificate": self.certificates.is_some(),
            "stat_prefix": self.name,
        });
        if let Some(status) = self.status_on_error {
            filter["status_on_error"] = json!({ "code": status });
        }
        filter
    }

    fn listener(&self) -> Value {
        let filters = json!([
            { "name": "strip", "typed_config": if self.is_bare { no_change() } else { strip() } },
            { "name": "envoy.filters.http.ext_authz", "typed_config": self.filter() },
            { "name": "show", "typed_config": show() },
            {
                "name": "envoy.filters.http.router",
                "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
            },
        ]);
        let manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": self.name,
            "generate_request_id": false,
            // Who is refused is not waited for.
            "delayed_close_timeout": "0.02s",
            "route_config": {
                "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": routes() }],
            },
            "http_filters": filters,
        });
        let manager =
            json!({ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager });
        let mut chain = json!({ "filters": [manager] });
        if let Some(certificates) = &self.certificates {
            chain["transport_socket"] = certificates.socket();
        }
        json!({
            "name": self.name,
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
            "filter_chains": [chain],
        })
    }
}

/// The whole of it.
pub(in super::super) fn bootstrap(upstream: u16, doors: &[Door]) -> Value {
    let endpoint = json!({
        "endpoint": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": upstream } } },
    });
    let mut clusters = vec![cluster("upstream", &[endpoint])];
    clusters.extend(doors.iter().map(Door::cluster));
    let listeners: Vec<_> = doors.iter().map(Door::listener).collect();
    json!({
        "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
        "static_resources": { "listeners": listeners, "clusters": clusters },
    })
}

fn cluster(name: &str, endpoints: &[Value]) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": endpoints }] },
    })
}

/// Takes every spelling of the identity headers out of what the client sent, whatever the filters after it do.
fn strip() -> Value {
    let names: Vec<_> = IDENTITY.iter().map(|name| name.replace('-', "[-_]")).collect();
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        "mutations": {
            "request_mutations": [{
                // Envoy has made the names lower-case.
                "remove_on_match": { "key_matcher": { "safe_regex": { "regex": names.join("|") } } },
            }],
        },
    })
}

fn no_change() -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
    })
}

/// Lets the upstream see the dynamic metadata of the check.
fn show() -> Value {
    let header =
        json!({ "key": "x-seen-metadata", "value": "%DYNAMIC_METADATA(envoy.filters.http.ext_authz)%" });
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        "mutations": {
            "request_mutations": [{
                "append": { "header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD" },
            }],
        },
    })
}

fn routes() -> Vec<Value> {
    let per_route = |settings: Value| {
        let mut settings = settings;
        settings["@type"] =
            json!("type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute");
        json!({ "envoy.filters.http.ext_authz": settings })
    };
    let route = |prefix: &str, settings: Value| {
        json!({
            "match": { "prefix": prefix },
            "route": { "cluster": "upstream" },
            "typed_per_filter_config": settings,
        })
    };
    let mut routes = vec![route("/disabled", per_route(json!({ "disabled": true })))];
    for (prefix, policy) in ROUTES {
        let extensions: Value =
            policy.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        routes.push(route(
            prefix,
            per_route(json!({ "check_settings": { "context_extensions": extensions } })),
        ));
    }
    routes.push(route("/", json!({})));
    routes
}
