//! What Envoy knows of the replicas: where they are (EDS, from a file), and what its health checks say of them.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{
    client::LONG,
    envoy::{Door, Envoy, Version, bootstrap},
    upstream::Upstream,
};
use crate::support::wait::until;

/// The door whose filter asks the replicas.
const HTTP: &str = "http";
/// The door behind which the replicas themselves are.
const GRPC: &str = "grpc";

/// How long a call may take: a loaded machine is no failure.
const TIMEOUT: &str = "20s";

/// What Envoy does when a replica does not take a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Retries {
    /// It says so.
    None,
    /// It asks another one: each of these calls may be made twice.
    Elsewhere,
}

impl Retries {
    const ON: &str = "connect-failure,refused-stream,reset,unavailable";

    /// Makes a listener's filter do so.
    pub(in super::super) fn of_checks(self, listener: &mut Value) {
        if let Some(policy) = self.policy() {
            ext_authz(listener)["grpc_service"]["retry_policy"] = policy;
        }
    }

    /// For a route, and for `grpc_service`.
    fn policy(self) -> Option<Value> {
        (self == Self::Elsewhere).then(|| {
            json!({
                "retry_on": Self::ON,
                "num_retries": 3,
                // `grpc_service` would wait for a second.
                "retry_back_off": { "base_interval": "0.01s", "max_interval": "0.1s" },
                "retry_host_predicate": [{
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
                    },
                }],
                "host_selection_retry_max_attempts": 5,
            })
        })
    }
}

/// An Envoy, and the list of replicas that it reads.
pub(super) struct Fleet {
    envoy: Envoy,
    cluster: String,
    directory: TempDir,
    version: AtomicU64,
}

impl Fleet {
    /// Starts one that knows these ports, and waits until it finds a replica healthy behind each.
    pub(super) async fn start(upstream: &Upstream, ports: &[u16], retries: Retries) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let door = Door::to(HTTP, directory.path().join("nobody"));
        let cluster = door.cluster_name();
        write(&directory, &cluster, 0, ports);
        let mut bootstrap = bootstrap(upstream.port(), &[door]);
        bootstrap["node"] = json!({ "id": "drill", "cluster": "drill" });
        let resources = &mut bootstrap["static_resources"];
        discover(of_name(&mut resources["clusters"], &cluster), &file(&directory));
        retries.of_checks(&mut resources["listeners"][0]);
        resources["listeners"].as_array_mut().unwrap().push(grpc_listener(&cluster, retries));
        let envoy = Envoy::with(Version::V1_40, &bootstrap).await;
        let fleet = Self { envoy, cluster, directory, version: AtomicU64::new(1) };
        fleet.healthy(ports).await;
        fleet
    }

    /// The port where requests are checked.
    pub(super) fn http(&self) -> u16 {
        self.envoy.door(HTTP)
    }

    /// The port where gRPC calls go to the replicas.
    pub(super) fn grpc(&self) -> u16 {
        self.envoy.door(GRPC)
    }

    /// Tells Envoy where the replicas are from now on.
    pub(super) fn tell(&self, ports: &[u16]) {
        write(&self.directory, &self.cluster, self.version.fetch_add(1, Ordering::Relaxed), ports);
    }

    /// Waits until Envoy sends calls to these, and to nobody else.
    pub(super) async fn healthy(&self, ports: &[u16]) {
        let mut wanted = ports.to_vec();
        wanted.sort_unstable();
        let what = format!("these to be healthy, and no others: {wanted:?}");
        until(&what, LONG, async || {
            let mut clusters = self.envoy.admin("/clusters?format=json").await;
            let hosts = of_name(&mut clusters["cluster_statuses"], &self.cluster)["host_statuses"].take();
            let hosts = hosts.as_array().cloned().unwrap_or_default();
            let mut healthy: Vec<_> = hosts.iter().filter_map(healthy_port).collect();
            healthy.sort_unstable();
            (healthy == wanted).then_some(())
        })
        .await;
    }
}

/// A host that is known under the usual name alone has nothing against it.
fn healthy_port(host: &Value) -> Option<u16> {
    let health = host["health_status"].as_object()?;
    let port = host["address"]["socket_address"]["port_value"].as_u64()?;
    let is_healthy = health.len() == 1 && health.get("eds_health_status")? == "HEALTHY";
    is_healthy.then(|| u16::try_from(port).unwrap())
}

fn of_name<'a>(list: &'a mut Value, name: &str) -> &'a mut Value {
    let mut all = list.as_array_mut().unwrap().iter_mut();
    all.find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("replicas.json")
}

/// Envoy reads it when another one is moved to its place.
fn write(directory: &TempDir, cluster: &str, version: u64, ports: &[u16]) {
    let endpoint = |port: &u16| json!({ "endpoint": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } } } });
    let endpoints: Vec<_> = ports.iter().map(endpoint).collect();
    let response = json!({
        "version_info": version.to_string(),
        "resources": [{
            "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            "cluster_name": cluster,
            "endpoints": [{ "lb_endpoints": endpoints }],
        }],
    });
    let draft = directory.path().join("draft");
    std::fs::write(&draft, response.to_string()).unwrap();
    std::fs::rename(draft, file(directory)).unwrap();
}

/// Makes a cluster one whose members are in a file and are asked for their health.
fn discover(cluster: &mut Value, file: &std::path::Path) {
    cluster.as_object_mut().unwrap().remove("load_assignment");
    cluster["type"] = json!("EDS");
    cluster["eds_cluster_config"] = json!({
        "eds_config": { "resource_api_version": "V3", "path_config_source": { "path": file } },
    });
    cluster["health_checks"] = json!([{
        "timeout": "5s",
        "interval": "0.1s",
        "no_traffic_interval": "0.1s",
        "unhealthy_threshold": 1,
        "healthy_threshold": 1,
        "grpc_health_check": {},
    }]);
    // Without this, who has been taken off the list gets calls until a health check fails.
    cluster["ignore_health_on_host_removal"] = json!(true);
    // The default is three at a time for the whole cluster: all others that a replica leaves behind would fail.
    cluster["circuit_breakers"] = json!({ "thresholds": [{ "max_retries": 1000 }] });
    cluster["common_lb_config"] = json!({
        // Never to anybody who is not healthy.
        "healthy_panic_threshold": { "value": 0 },
        // By default, workers hear of a second change within a second only when that is over.
        "update_merge_window": "0s",
    });
}

/// The settings of a listener's ext_authz filter.
fn ext_authz(listener: &mut Value) -> &mut Value {
    let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
    &mut of_name(&mut manager["http_filters"], "envoy.filters.http.ext_authz")["typed_config"]
}

fn grpc_listener(cluster: &str, retries: Retries) -> Value {
    let mut route = json!({ "cluster": cluster, "timeout": TIMEOUT });
    if let Some(policy) = retries.policy() {
        route["retry_policy"] = policy;
    }
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": GRPC,
        "route_config": {
            "virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": [{ "match": { "prefix": "/" }, "route": route }],
            }],
        },
        "http_filters": [{
            "name": "envoy.filters.http.router",
            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
        }],
    });
    let manager = json!({ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager });
    json!({
        "name": GRPC,
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
        "filter_chains": [{ "filters": [manager] }],
    })
}
