{{/* A ConfigMap is read by more people than a Secret. The problem names where the password is, and not what it is. */}}
{{- define "countersign.check.passwords" -}}
{{- include "countersign.check.userinfo" (dict "found" .found "path" "config" "value" .root.Values.config) -}}
{{- end -}}

{{- define "countersign.check.userinfo" -}}
{{- if kindIs "map" .value -}}
{{- range $key, $value := .value -}}
{{- include "countersign.check.userinfo" (dict "found" $.found "path" (printf "%s.%s" $.path $key) "value" $value) -}}
{{- end -}}
{{- else if kindIs "slice" .value -}}
{{- range $index, $value := .value -}}
{{- include "countersign.check.userinfo" (dict "found" $.found "path" (printf "%s[%d]" $.path $index) "value" $value) -}}
{{- end -}}
{{- else if kindIs "string" .value -}}
{{- if or (regexMatch "^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*@" .value) (and (eq .path "config.store.url") (contains "@" .value)) -}}
{{- $instead := ternary "put the URL into a Secret and write {file: /etc/countersign/secrets/redis/url} with secrets: [{name: redis, secretName: ...}]" "take it out" (eq .path "config.store.url") -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "%s: has a user or a password in it, and a ConfigMap is no place for one: %s" .path $instead)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A rule without ports is one for all ports. */}}
{{- define "countersign.check.egress" -}}
{{- if and (eq (include "countersign.store" .root) "redis") .root.Values.networkPolicy.enabled (not (include "countersign.redisPorts" .root | fromJsonArray)) -}}
{{- include "countersign.problem" (dict "found" .found "text" "networkPolicy.redis.ports: without any, every port would be open: write those of Redis, such as [6379]") -}}
{{- end -}}
{{- end -}}

{{/* A port is one listener's, and one name's of a Service. */}}
{{- define "countersign.check.ports" -}}
{{- $ports := list -}}
{{- range (include "countersign.listening" .root | fromJson).tcp -}}
{{- $ports = append $ports (dict "of" "config.listen" "port" (int .port)) -}}
{{- end -}}
{{- with include "countersign.httpPort" .root -}}
{{- $ports = append $ports (dict "of" "config.http.listen" "port" (int .)) -}}
{{- end -}}
{{- with include "countersign.adminPort" .root -}}
{{- $ports = append $ports (dict "of" "config.admin.listen" "port" (int .)) -}}
{{- end -}}
{{- $taken := dict -}}
{{- range $ports -}}
{{- $before := get $taken (toString .port) -}}
{{- if and $before (ne $before .of) -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "%s: %s is at port %d already: write another" .of $before (int .port))) -}}
{{- end -}}
{{- $_ := set $taken (toString .port) .of -}}
{{- end -}}
{{- if and (include "countersign.httpPort" .root) (eq (int .root.Values.service.port) (int .root.Values.service.httpPort)) -}}
{{- include "countersign.problem" (dict "found" .found "text" "service.httpPort: is service.port: a Service has each port once") -}}
{{- end -}}
{{- end -}}

{{- define "countersign.check.exposure" -}}
{{- $values := .root.Values -}}
{{- if and $values.service.externalTrafficPolicy (eq $values.service.type "ClusterIP") -}}
{{- include "countersign.problem" (dict "found" .found "text" "service.externalTrafficPolicy: nothing from outside comes to a ClusterIP: write service.type: LoadBalancer or NodePort, too, or leave it out") -}}
{{- end -}}
{{- if and (ne $values.mode "sidecar") (ne $values.service.type "ClusterIP") $values.networkPolicy.enabled (not (or $values.networkPolicy.callers $values.networkPolicy.extraIngress)) -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "service.type: a %s is for callers from outside, and the network policy lets none of them through: write networkPolicy.callers, such as [{ipBlock: {cidr: 192.0.2.0/24}}], or ClusterIP" $values.service.type)) -}}
{{- end -}}
{{- if and (ne $values.mode "sidecar") (ne $values.service.type "ClusterIP") (not $values.networkPolicy.enabled) (not $values.service.exposedToAnybody) -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "service.type: a %s without networkPolicy.enabled lets whoever reaches it validate, refresh and revoke: write networkPolicy.enabled: true with networkPolicy.callers, or service.exposedToAnybody: true if that is meant" $values.service.type)) -}}
{{- end -}}
{{- end -}}

{{/* A Service's name begins with a letter. What chooses pods is the chart's to say, and YAML has each key once. */}}
{{- define "countersign.check.names" -}}
{{- $name := include "countersign.fullname" .root -}}
{{- if or (not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name)) (ne (toYaml $name) $name) -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "fullnameOverride: `%s` cannot be a Service's name, which begins with a letter, has only small letters, digits and -, and is nothing else in YAML: write one that can" $name)) -}}
{{- end -}}
{{- $own := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "app.kubernetes.io/component" "helm.sh/chart" (include "countersign.sidecarLabel" .root) -}}
{{- range $of, $labels := dict "commonLabels" .root.Values.commonLabels "podLabels" .root.Values.podLabels "service.labels" .root.Values.service.labels "serviceMonitor.labels" .root.Values.serviceMonitor.labels "prometheusRule.labels" .root.Values.prometheusRule.labels -}}
{{- range $key, $value := $labels -}}
{{- if and (eq $of "commonLabels") (has $key (list "sidecar.istio.io/inject" "istio.io/dataplane-mode")) -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "commonLabels: `%s` is about pods: write it in podLabels" $key)) -}}
{{- else if has $key $own -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "%s: `%s` is a label that this chart writes itself: write another" $of $key)) -}}
{{- else if and (ne $of "commonLabels") (hasKey $.root.Values.commonLabels $key) -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "%s: `%s` is in commonLabels already: write it once" $of $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $key, $value := .root.Values.podAnnotations -}}
{{- if regexMatch "^checksum/(countersign-)?(config|restart-keys)$" $key -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "podAnnotations: `%s` is an annotation that this chart writes itself: write another" $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The root file system is read-only. */}}
{{- define "countersign.check.sockets" -}}
{{- if ne .root.Values.mode "sidecar" -}}
{{- $writable := list -}}
{{- if eq (include "countersign.store" .root) "embedded" -}}
{{- $writable = append $writable "/var/lib/countersign" -}}
{{- end -}}
{{- range .root.Values.volumeMounts -}}
{{- if not .readOnly -}}
{{- $writable = append $writable (trimSuffix "/" .mountPath) -}}
{{- end -}}
{{- end -}}
{{- range $socket := (include "countersign.listening" .root | fromJson).unix -}}
{{- $inside := false -}}
{{- range $writable -}}
{{- if hasPrefix (printf "%s/" .) $socket -}}
{{- $inside = true -}}
{{- end -}}
{{- end -}}
{{- if or (not $inside) (contains "/../" $socket) -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "config.listen: unix:%s is in no directory that can be written to: mount a volume there with volumes and volumeMounts, or leave the socket out" $socket)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
