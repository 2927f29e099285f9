{{/*
What the schema cannot see: values that contradict each other. Each problem is a line with the value's path that says what to
do; all are reported at once. Every check appends to `problems` of the dict that it gets.
*/}}
{{- define "countersign.check" -}}
{{- $found := dict "problems" (list) -}}
{{- range list "image" "callers" "listening" "replicas" "store" "ending" "environment" "monitoring" "envoy" "istio" "sidecar" "passwords" "sources" "egress" "exposure" "names" -}}
{{- include (printf "countersign.check.%s" .) (dict "root" $ "found" $found) -}}
{{- end -}}
{{- if $found.problems -}}
{{- fail (printf "\n\n  * %s\n" (join "\n  * " $found.problems)) -}}
{{- end -}}
{{- end -}}

{{- define "countersign.problem" -}}
{{- $_ := set .found "problems" (append .found.problems .text) -}}
{{- end -}}

{{- define "countersign.check.image" -}}
{{- with .root.Values -}}
{{- if not .image.repository -}}
{{- include "countersign.problem" (dict "found" $.found "text" "image.repository: write where you pushed the image that the repository's Dockerfile builds, such as registry.example/countersign") -}}
{{- end -}}
{{- if not .config.issuers -}}
{{- include "countersign.problem" (dict "found" $.found "text" "config.issuers: write at least one identity provider, such as [{name: scalekit, profile: scalekit, issuer: https://acme.scalekit.dev, audiences: [skc_12345]}]") -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* As the service itself, which would not start: beyond loopback, somebody has to say that anybody may call. */}}
{{- define "countersign.check.callers" -}}
{{- $insecure := has (toString .root.Values.config.insecure_allow_any_caller) (list "true" "on") -}}
{{- range (include "countersign.listening" .root | fromJson).tcp -}}
{{- if not (or .loopback $insecure (eq $.root.Values.mode "sidecar")) -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "config.listen: %s:%d is reached from other pods, and this version cannot tell callers apart: write config.insecure_allow_any_caller: true and say with networkPolicy who gets through, or use mode: sidecar, which listens on a Unix socket" .host (int .port))) -}}
{{- end -}}
{{- end -}}
{{- if and (include "countersign.httpPort" .root) (not $insecure) (ne .root.Values.mode "sidecar") -}}
{{- include "countersign.problem" (dict "found" .found "text" "config.http.listen: is reached from other pods, and this version cannot tell callers apart: write config.insecure_allow_any_caller: true, too, or an address that only this pod reaches") -}}
{{- end -}}
{{- end -}}

{{- define "countersign.check.listening" -}}
{{- $admin := include "countersign.adminListen" .root -}}
{{- if or (not $admin) (hasPrefix "127." $admin) (hasPrefix "[::1]" $admin) (hasPrefix "unix:" $admin) -}}
{{- include "countersign.problem" (dict "found" .found "text" "config.admin.listen: kubelet asks /livez and /readyz from outside the pod: write 0.0.0.0:9090, or leave it out") -}}
{{- end -}}
{{- $listening := include "countersign.listening" .root | fromJson -}}
{{- if eq .root.Values.mode "sidecar" -}}
{{- if not $listening.unix -}}
{{- include "countersign.problem" (dict "found" .found "text" "config.listen: a sidecar is asked over a Unix socket: write unix:/run/countersign/grpc.sock, or leave it out") -}}
{{- end -}}
{{- range $listening.tcp -}}
{{- if not .loopback -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "config.listen: %s:%d would be an open port of the application's pod, which no NetworkPolicy of this chart guards: write unix:/run/countersign/NAME or 127.0.0.1:PORT" .host (int .port))) -}}
{{- end -}}
{{- end -}}
{{- range $listening.unix -}}
{{- if or (not (hasPrefix "/run/countersign/" .)) (contains "/../" .) -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "config.listen: %s is not in the directory that both containers share: write unix:/run/countersign/NAME" .)) -}}
{{- end -}}
{{- end -}}
{{- else if not (include "countersign.grpcPort" .root) -}}
{{- include "countersign.problem" (dict "found" .found "text" "config.listen: no address that other pods reach: write 0.0.0.0:50051, or leave it out, or use mode: sidecar") -}}
{{- else -}}
{{- range $listening.tcp -}}
{{- if not (or .loopback (eq (int .port) (include "countersign.grpcPort" $.root | int))) -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "config.listen: %s:%d is a second port for other pods, which the Services and the network policy would not have: write one" .host (int .port))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "countersign.check.sockets" . -}}
{{- include "countersign.check.ports" . -}}
{{- end -}}

{{- define "countersign.check.replicas" -}}
{{- $values := .root.Values -}}
{{- $least := include "countersign.minReplicas" .root | int -}}
{{- if eq (include "countersign.store" .root) "embedded" -}}
{{- if $values.autoscaling.enabled -}}
{{- include "countersign.problem" (dict "found" .found "text" "autoscaling.enabled: the embedded store is for one replica, and others would not know what is revoked: write config.store.kind: redis with its url, or autoscaling.enabled: false") -}}
{{- else if and (gt $least 1) (ne $values.mode "sidecar") -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "replicas: %d replicas with the embedded store would not know what is revoked on the others: write replicas: 1, or config.store.kind: redis with its url" $least)) -}}
{{- end -}}
{{- end -}}
{{- if $values.autoscaling.enabled -}}
{{- if gt ($values.autoscaling.minReplicas | int) ($values.autoscaling.maxReplicas | int) -}}
{{- include "countersign.problem" (dict "found" .found "text" "autoscaling.minReplicas: is more than autoscaling.maxReplicas") -}}
{{- end -}}
{{- if not (dig "requests" "cpu" "" $values.resources) -}}
{{- include "countersign.problem" (dict "found" .found "text" "autoscaling.enabled: the load is measured against resources.requests.cpu: write that, too") -}}
{{- end -}}
{{- end -}}
{{- with $values.podDisruptionBudget -}}
{{- if and .enabled (eq (include "countersign.store" $.root) "redis") -}}
{{- include "countersign.check.disruption" (dict "found" $.found "budget" . "least" $least) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A budget that allows nothing holds up every drain of a node for ever. Kubernetes rounds percentages up. */}}
{{- define "countersign.check.disruption" -}}
{{- $available := toString .budget.minAvailable -}}
{{- if kindIs "invalid" .budget.minAvailable -}}
{{- if kindIs "invalid" .budget.maxUnavailable -}}
{{- include "countersign.problem" (dict "found" .found "text" "podDisruptionBudget.maxUnavailable: neither it nor minAvailable says anything: write maxUnavailable: 1, or enabled: false") -}}
{{- else if regexMatch "^0+%?$" (toString .budget.maxUnavailable) -}}
{{- include "countersign.problem" (dict "found" .found "text" "podDisruptionBudget.maxUnavailable: with 0, no node could ever be drained: write at least 1") -}}
{{- end -}}
{{- else -}}
{{- $number := regexFind "^[0-9]+" $available | int -}}
{{- $kept := ternary (div (add (mul $number (int .least)) 99) 100) (int64 $number) (hasSuffix "%" $available) -}}
{{- if ge $kept (int64 .least) -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "podDisruptionBudget.minAvailable: %s of at least %d replicas would keep every node from being drained: write less, or maxUnavailable instead" $available (int .least))) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "countersign.check.store" -}}
{{- $values := .root.Values -}}
{{- $store := default dict $values.config.store -}}
{{- if eq (include "countersign.store" .root) "redis" -}}
{{- if not $store.url -}}
{{- include "countersign.problem" (dict "found" .found "text" "config.store.url: write where Redis is, such as {file: /etc/countersign/secrets/redis/url} with secrets: [{name: redis, secretName: ...}]") -}}
{{- end -}}
{{- if not (or $values.keyRing.existingSecret $values.config.key_ring) -}}
{{- include "countersign.problem" (dict "found" .found "text" "keyRing.existingSecret: replicas that share a Redis share a key ring: `countersign keygen --out ring`, `kubectl create secret generic countersign-key-ring --from-file=ring`, and write keyRing.existingSecret: countersign-key-ring") -}}
{{- end -}}
{{- else if or (contains "/../" (include "countersign.config" .root | fromYaml).store.path) (not (hasPrefix "/var/lib/countersign/" (include "countersign.config" .root | fromYaml).store.path)) -}}
{{- include "countersign.problem" (dict "found" .found "text" "config.store.path: must be in /var/lib/countersign/, where the volume is; nothing else can be written to") -}}
{{- end -}}
{{- include "countersign.check.volume" . -}}
{{- if and $values.keyRing.existingSecret $values.config.key_ring -}}
{{- include "countersign.problem" (dict "found" .found "text" "keyRing.existingSecret: config.key_ring says already where the key ring is: write one of them") -}}
{{- end -}}
{{- $names := list -}}
{{- range $values.secrets -}}
{{- if has .name $names -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "secrets: `%s` is there twice" .name)) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- end -}}

{{/* Whenever kubelet goes through a volume for fsGroup, it makes each file of it writable by that group. */}}
{{- define "countersign.check.volume" -}}
{{- $values := .root.Values -}}
{{- $config := include "countersign.config" .root | fromYaml -}}
{{- $ring := default "/var/lib/countersign/" (default dict $config.key_ring).file -}}
{{- if and (eq (include "countersign.store" .root) "embedded") (ne $values.mode "sidecar") $values.persistence.enabled (hasPrefix "/var/lib/countersign/" $ring) -}}
{{- if ne (toString $values.podSecurityContext.fsGroupChangePolicy) "OnRootMismatch" -}}
{{- include "countersign.problem" (dict "found" .found "text" "podSecurityContext.fsGroupChangePolicy: with anything but OnRootMismatch, each start of a pod makes the key ring on the volume writable by its group, and Countersign does not start with such a one: write OnRootMismatch, or keyRing.existingSecret") -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "countersign.check.ending" -}}
{{- $least := add (include "countersign.drainSeconds" .root | int64) (.root.Values.preStopSeconds | int64) 10 -}}
{{- if lt (include "countersign.gracePeriod" .root | int64) $least -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "terminationGracePeriodSeconds: must be preStopSeconds, config.limits.drain and 10 more together (%d) at least, or calls and refreshes are cut off; left out, it is" $least)) -}}
{{- end -}}
{{- end -}}

{{/* They would change what the templates read, without their knowing. */}}
{{- define "countersign.check.environment" -}}
{{- range $index, $variable := .root.Values.env -}}
{{- if hasPrefix "COUNTERSIGN__" .name -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "env[%d].name: write what %s sets in config, where this chart sees it" $index .name)) -}}
{{- end -}}
{{- end -}}
{{- range $index, $source := .root.Values.envFrom -}}
{{- if hasPrefix "COUNTERSIGN__" (toString .prefix) -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "envFrom[%d].prefix: write what %s... sets in config, where this chart sees it" $index .prefix)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "countersign.check.monitoring" -}}
{{- $values := .root.Values -}}
{{- if and $values.serviceMonitor.enabled $values.networkPolicy.enabled (ne $values.mode "sidecar") (not $values.networkPolicy.scrapers) -}}
{{- include "countersign.problem" (dict "found" .found "text" "networkPolicy.scrapers: Prometheus could not reach /metrics: write where it runs, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]") -}}
{{- end -}}
{{- if and $values.serviceMonitor.enabled (eq (include "countersign.metricsReaders" .root) "local") -}}
{{- include "countersign.problem" (dict "found" .found "text" "config.admin.metrics: Prometheus asks from another machine, and would be refused: write network, or leave it out, or serviceMonitor.enabled: false") -}}
{{- end -}}
{{- if $values.serviceMonitor.enabled -}}
{{- $interval := include "countersign.milliseconds" $values.serviceMonitor.interval | int64 -}}
{{- if gt (include "countersign.milliseconds" $values.serviceMonitor.scrapeTimeout | int64) $interval -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "serviceMonitor.scrapeTimeout: %s is longer than serviceMonitor.interval, and the Prometheus operator would take neither: write %s at most" $values.serviceMonitor.scrapeTimeout $values.serviceMonitor.interval)) -}}
{{- end -}}
{{- if and $values.prometheusRule.enabled (gt $interval 120000) -}}
{{- include "countersign.problem" (dict "found" .found "text" "serviceMonitor.interval: the alerts look at five minutes, in which there would be one sample or none: write 2m at most") -}}
{{- end -}}
{{- end -}}
{{- if and $values.prometheusRule.enabled (not $values.serviceMonitor.enabled) (not $values.prometheusRule.selector) -}}
{{- include "countersign.problem" (dict "found" .found "text" "prometheusRule.selector: without serviceMonitor.enabled nobody makes the series that the alerts look at: write what selects those of a scrape job of your own, such as namespace=\"tokens\",job=\"countersign\"") -}}
{{- end -}}
{{- $known := list -}}
{{- range (include "countersign.alerts" .root | fromYamlArray) -}}
{{- $known = append $known .alert -}}
{{- end -}}
{{- range $values.prometheusRule.disabled -}}
{{- if not (has . $known) -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "prometheusRule.disabled: there is no alert `%s`; there are %s" . (join ", " $known))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
