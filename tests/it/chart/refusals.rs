//! What the chart refuses, and what it says then.

use std::collections::BTreeMap;

use super::kit::{render, render_one, sets};

/// Sets of values by the sentence that refuses them: the value's path, and what to do.
pub(super) fn refused(cases: &[(String, &str)]) {
    let sets: BTreeMap<_, _> = cases
        .iter()
        .enumerate()
        .map(|(index, (values, _))| (format!("{index:03}"), values.clone()))
        .collect();
    for ((name, rendered), (values, sentence)) in render(&sets).into_iter().zip(cases) {
        assert!(
            rendered.error.contains(sentence),
            "{name}:\n{values}\nis not refused with `{sentence}`:\n{}{}",
            rendered.error,
            rendered.text
        );
    }
}

/// A set of values that is taken as it is.
pub(super) fn base(name: &str) -> String {
    sets()[name].clone()
}

/// With more values.
pub(super) fn with(base: &str, more: &str) -> String {
    format!("{base}\n{more}")
}

/// With more of the service's configuration.
pub(super) fn inside(base: &str, more: &str) -> String {
    base.replace("config:\n", &format!("config:\n  {more}\n"))
}

#[test]
fn what_nobody_could_or_everybody_may_call_is_refused() {
    let minimal = &base("minimal");
    refused(&[
        (
            minimal.replace("repository: registry.example/countersign", ""),
            "* image.repository: write where you pushed",
        ),
        (minimal.replace("issuers: [{", "# ["), "* config.issuers: write at least one identity provider"),
        (
            minimal.replace("insecure_allow_any_caller: true", ""),
            "* config.listen: 0.0.0.0:50051 is reached from other pods, and this version cannot tell callers apart: write config.insecure_allow_any_caller: true",
        ),
        (minimal.replace("caller: true", "caller: off"), "* config.listen: 0.0.0.0:50051 is reached"),
        (
            inside(minimal, "listen: 127.0.0.1:50051"),
            "* config.listen: no address that other pods reach: write 0.0.0.0:50051",
        ),
        (inside(minimal, "listen: unix:/tmp/a"), "* config.listen: no address that other pods reach"),
        (
            inside(minimal, "admin: off"),
            "* config.admin.listen: kubelet asks /livez and /readyz from outside the pod",
        ),
        (inside(minimal, "admin: {listen: 127.0.0.1:9090}"), "* config.admin.listen: kubelet asks"),
    ]);
}

#[test]
fn replicas_that_cannot_be_or_cannot_be_spared_are_refused() {
    let minimal = &base("minimal");
    let redis = &base("redis");
    refused(&[
        (
            with(minimal, "replicas: 2"),
            "* replicas: 2 replicas with the embedded store would not know what is revoked on the others: write replicas: 1, or config.store.kind: redis",
        ),
        (
            with(minimal, "autoscaling: {enabled: true}"),
            "* autoscaling.enabled: the embedded store is for one replica",
        ),
        (
            with(redis, "autoscaling: {enabled: true, minReplicas: 5, maxReplicas: 4}"),
            "* autoscaling.minReplicas: is more than autoscaling.maxReplicas",
        ),
        (
            with(redis, "autoscaling: {enabled: true}\nresources: {requests: {cpu: null}}"),
            "* autoscaling.enabled: the load is measured against resources.requests.cpu",
        ),
        (
            with(redis, "podDisruptionBudget: {maxUnavailable: 0}"),
            "* podDisruptionBudget.maxUnavailable: with 0, no node could ever be drained",
        ),
        (
            with(redis, "replicas: 3\npodDisruptionBudget: {minAvailable: 3}"),
            "* podDisruptionBudget.minAvailable: 3 of at least 3 replicas would keep every node from being drained",
        ),
        (
            with(
                redis,
                "replicas: 9\npodDisruptionBudget: {minAvailable: 2}\nautoscaling: {enabled: true, minReplicas: 2}",
            ),
            "* podDisruptionBudget.minAvailable: 2 of at least 2 replicas",
        ),
        (
            with(redis, "podDisruptionBudget: {minAvailable: 100%}"),
            "* podDisruptionBudget.minAvailable: 100% of at least 2 replicas",
        ),
        (
            with(redis, "replicas: 3\npodDisruptionBudget: {minAvailable: 67%}"),
            "* podDisruptionBudget.minAvailable: 67% of at least 3 replicas",
        ),
        (
            with(redis, "replicas: 1\npodDisruptionBudget: {minAvailable: 1}"),
            "* podDisruptionBudget.minAvailable: 1 of at least 1 replicas",
        ),
        (
            with(redis, "podDisruptionBudget: {maxUnavailable: null}"),
            "* podDisruptionBudget.maxUnavailable: neither it nor minAvailable says anything",
        ),
        (
            with(redis, "podDisruptionBudget: {maxUnavailable: 00%}"),
            "* podDisruptionBudget.maxUnavailable: with 0, no node",
        ),
    ]);
}

#[test]
fn a_store_that_replicas_cannot_share_or_nobody_can_write_is_refused() {
    let minimal = &base("minimal");
    let redis = &base("redis");
    refused(&[
        (
            redis.replace("url: {file: /etc/countersign/secrets/redis/url},", ""),
            "* config.store.url: write where Redis is",
        ),
        (
            redis.replace("keyRing: {existingSecret: countersign-key-ring}", ""),
            "* keyRing.existingSecret: replicas that share a Redis share a key ring: `countersign keygen --out ring`",
        ),
        (
            inside(redis, "key_ring: {file: /ring}"),
            "* keyRing.existingSecret: config.key_ring says already where the key ring is",
        ),
        (
            inside(minimal, "store: {path: /tmp/countersign.redb}"),
            "* config.store.path: must be in /var/lib/countersign/",
        ),
        (
            with(minimal, "podSecurityContext: {fsGroupChangePolicy: Always}"),
            "* podSecurityContext.fsGroupChangePolicy: with anything but OnRootMismatch, each start of a pod makes the key ring on the volume writable",
        ),
        (
            with(minimal, "podSecurityContext: {fsGroupChangePolicy: null}"),
            "* podSecurityContext.fsGroupChangePolicy: with anything but OnRootMismatch",
        ),
        (
            with(minimal, "secrets: [{name: a, secretName: b}, {name: a, secretName: c}]"),
            "* secrets: `a` is there twice",
        ),
    ]);
}

/// What is not on a volume that outlives the pod is not gone through again.
#[test]
fn a_volume_without_the_key_ring_may_be_gone_through() {
    let always = "podSecurityContext: {fsGroupChangePolicy: Always}";
    for values in [
        base("redis"),
        with(&base("minimal"), "persistence: {enabled: false}"),
        with(&base("minimal"), "keyRing: {existingSecret: ring}"),
    ] {
        assert_eq!(render_one(&with(&values, always)).error, "");
    }
}

/// A file or a variable that nothing of the values brings.
#[test]
fn a_secret_that_would_not_be_there_is_refused() {
    let redis = &base("redis").replace("secrets: [", "# [");
    let autoscaled = &base("autoscaled").replace("env: [", "# [");
    let ring = &inside(&base("minimal"), "key_ring: {file: /etc/countersign/key-ring/r}");
    let client = &base("minimal").replace(
        "name: acme,",
        "name: acme, clients: [{id: a, secret: {file: /etc/countersign/secrets/acme/s}}],",
    );
    refused(&[
        (
            redis.clone(),
            "* config.store.url.file: nothing puts a file at /etc/countersign/secrets/redis/url: write secrets: [{name: redis, secretName: ...}]",
        ),
        (
            with(redis, "secrets: [{name: redi, secretName: a}]"),
            "* config.store.url.file: nothing puts a file at",
        ),
        (
            client.clone(),
            "* config.issuers[0].clients[0].secret.file: nothing puts a file at /etc/countersign/secrets/acme/s",
        ),
        (
            ring.clone(),
            "* config.key_ring.file: nothing puts a file at /etc/countersign/key-ring/r: write keyRing.existingSecret",
        ),
        (
            autoscaled.clone(),
            "* config.store.url.env: no variable REDIS_URL is set: write it in env, such as [{name: REDIS_URL,",
        ),
    ]);
    let mounted = "volumes: [{name: a, secret: {secretName: b}}]\nvolumeMounts: [{name: a, mountPath: /etc/countersign/secrets/}]";
    for values in [
        with(redis, mounted),
        with(client, "secrets: [{name: acme, secretName: b}]"),
        with(ring, &mounted.replace("secrets/", "key-ring")),
        with(autoscaled, "envFrom: [{secretRef: {name: a}}]"),
    ] {
        assert_eq!(render_one(&values).error, "");
    }
}

#[test]
fn what_would_be_cut_off_or_not_be_seen_is_refused() {
    let minimal = &base("minimal");
    refused(&[
        (
            with(minimal, "terminationGracePeriodSeconds: 39"),
            "* terminationGracePeriodSeconds: must be preStopSeconds, config.limits.drain and 10 more together (40) at least",
        ),
        (
            with(minimal, "env: [{name: A, value: b}, {name: COUNTERSIGN__LISTEN, value: \"0.0.0.0:1\"}]"),
            "* env[1].name: write what COUNTERSIGN__LISTEN sets in config",
        ),
        (
            with(minimal, "envFrom: [{secretRef: {name: a}}, {prefix: COUNTERSIGN__, secretRef: {name: b}}]"),
            "* envFrom[1].prefix: write what COUNTERSIGN__... sets in config",
        ),
        (
            with(minimal, "serviceMonitor: {enabled: true}"),
            "* networkPolicy.scrapers: Prometheus could not reach /metrics",
        ),
        (
            inside(&base("monitored"), "admin: {listen: \"0.0.0.0:9090\", metrics: local}"),
            "* config.admin.metrics: Prometheus asks from another machine, and would be refused",
        ),
        (
            base("monitored").replace("interval: 15s", "interval: 9999ms"),
            "* serviceMonitor.scrapeTimeout: 10s is longer than serviceMonitor.interval, and the Prometheus operator would take neither: write 9999ms at most",
        ),
        (
            base("monitored").replace("interval: 15s", "interval: 121s"),
            "* serviceMonitor.interval: the alerts look at five minutes, in which there would be one sample or none: write 2m at most",
        ),
        (base("monitored").replace("interval: 15s", "interval: 0s"), "'/serviceMonitor/interval'"),
        (
            with(minimal, "prometheusRule: {enabled: true}"),
            "* prometheusRule.selector: without serviceMonitor.enabled nobody makes the series",
        ),
        (
            with(minimal, "prometheusRule: {disabled: [CountersignSlwo]}"),
            "* prometheusRule.disabled: there is no alert `CountersignSlwo`; there are CountersignDown, ",
        ),
    ]);
}

/// As often and as seldom as may be; without the alerts, more seldom.
#[test]
fn prometheus_may_ask_within_its_interval() {
    let monitored = &base("monitored");
    let silent = monitored.replace("prometheusRule: {enabled: true", "prometheusRule: {enabled: false");
    for values in [
        monitored.replace("interval: 15s", "interval: 2m, scrapeTimeout: 120s"),
        monitored.replace("interval: 15s", "interval: 500ms, scrapeTimeout: 500ms"),
        silent.replace("interval: 15s", "interval: 1h"),
    ] {
        assert_eq!(render_one(&values).error, "", "{values}");
    }
}

#[test]
fn what_would_let_a_client_say_who_it_is_is_refused() {
    let minimal = &base("minimal");
    refused(&[
        (
            with(minimal, "envoy: {failOpen: true, stripIdentityHeaders: false}"),
            "* envoy.failOpen: while nobody can be asked, clients' own identity headers would reach the applications",
        ),
        (
            with(
                minimal,
                "envoy: {identityHeaders: [a-b-c-d-e-f-g-h]}\nenvoyGateway: {enabled: true, gateway: public, targetRefs: [{kind: HTTPRoute, name: a}]}",
            ),
            "* envoy.identityHeaders: all spellings",
        ),
        (
            with(minimal, "envoyGateway: {enabled: true, gateway: public}"),
            "* envoyGateway.targetRefs: write what to protect",
        ),
        (
            with(minimal, "envoyGateway: {enabled: true, targetRefs: [{kind: HTTPRoute, name: a}]}"),
            "* envoyGateway.gateway: write the name of the Gateway",
        ),
        (
            with(
                minimal,
                "istio: {enabled: true, selector: {a: b}, targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: a}]}",
            ),
            "* istio.selector: Istio takes a selector or targetRefs",
        ),
    ]);
}

#[test]
fn a_sidecar_that_is_asked_elsewhere_or_knows_too_little_is_refused() {
    let sidecar = &base("sidecar-alone");
    refused(&[
        (
            sidecar.replace("sidecar: {separateStores: true}", ""),
            "* sidecar.separateStores: each pod would know only what is revoked through itself",
        ),
        (
            sidecar.replace("unix:/run/countersign/tokens.sock", "127.0.0.1:50051"),
            "* config.listen: a sidecar is asked over a Unix socket",
        ),
        (
            sidecar.replace("unix:/run/countersign/tokens.sock", "unix:/tmp/tokens.sock"),
            "* config.listen: /tmp/tokens.sock is not in the directory that both containers share",
        ),
        (
            sidecar.replace("unix:/run/countersign/tokens.sock", "unix:/run/countersign/../tokens.sock"),
            "* config.listen: /run/countersign/../tokens.sock is not in the directory",
        ),
        (
            sidecar.replace("127.0.0.1:50052", "0.0.0.0:50052"),
            "* config.listen: 0.0.0.0:50052 would be an open port of the application's pod",
        ),
        (
            with(sidecar, "istio: {enabled: true}"),
            "* istio.enabled: there are no pods and no Service with mode: sidecar",
        ),
    ]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let rendered = render_one("replicas: 3\nterminationGracePeriodSeconds: 1");
    let said = rendered.error.matches("\n  * ").count();
    assert_eq!(said, 5, "{}", rendered.error);
}

#[test]
fn wrong_types_and_unknown_keys_are_refused_with_their_path() {
    let minimal = &base("minimal");
    let with = |more: &str| with(minimal, more);
    let inside = |more: &str| inside(minimal, more);
    refused(&[
        (with("replicas: two"), "'/replicas'"),
        (with("replicas: 0"), "'/replicas'"),
        (with("imag: {}"), "'imag'"),
        (with("mode: daemon"), "'/mode'"),
        (with("networkPolicy: {enabled: \"yes\"}"), "'/networkPolicy/enabled'"),
        (with("networkPolicy: {enable: true}"), "'/networkPolicy'"),
        (with("autoscaling: {minReplicas: 0}"), "'/autoscaling/minReplicas'"),
        (with("service: {port: 70000}"), "'/service/port'"),
        (with("persistence: {accessModes: [ReadWriteMany]}"), "'/persistence/accessModes/0'"),
        (with("envoy: {timeout: 1}"), "'/envoy/timeout'"),
        (with("envoy: {identityHeaders: [\"x: y\"]}"), "'/envoy/identityHeaders/0'"),
        (with("envoyGateway: {policy: {required_scope: a}}"), "'/envoyGateway/policy'"),
        (with("envoyGateway: {targetRefs: [{kind: Service, name: a}]}"), "'/envoyGateway/targetRefs/0/kind'"),
        (with("secrets: [{name: A/B, secretName: c}]"), "'/secrets/0/name'"),
        (with("podLabels: {a: 1}"), "'/podLabels/a'"),
        (with("prometheusRule: {selector: job}"), "'/prometheusRule/selector'"),
        (with("prometheusRule: {selector: '{job=\"a\"}'}"), "'/prometheusRule/selector'"),
        (with("prometheusRule: {selector: 'job=\"a\"} or {job=\"b\"'}"), "'/prometheusRule/selector'"),
        (with("prometheusRule: {selector: 'job=~\"a\\d\"'}"), "'/prometheusRule/selector'"),
        (with("prometheusRule: {selector: 'job=\"a\",'}"), "'/prometheusRule/selector'"),
        (inside("cache: {max_byte: 1MiB}"), "'/config/cache'"),
        (inside("limits: {drain: 5}"), "'/config/limits/drain'"),
        (inside("tls: {certificate: a}"), "'/config'"),
    ]);
}
