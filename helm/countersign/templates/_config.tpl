{{/*
The service's configuration: the values' `config`, and what the chart adds where that says nothing. Templates that need a
part of it read it back with fromYaml. toYaml keeps whole numbers whole and quotes what YAML would take for something else.
*/}}
{{- define "countersign.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if not (hasKey $config "listen") -}}
{{- $_ := set $config "listen" (ternary "unix:/run/countersign/grpc.sock" "0.0.0.0:50051" (eq .Values.mode "sidecar")) -}}
{{- end -}}
{{- if not (hasKey $config "admin") -}}
{{- $_ := set $config "admin" dict -}}
{{- end -}}
{{- if and (kindIs "map" $config.admin) (not (hasKey $config.admin "listen")) -}}
{{- $_ := set $config.admin "listen" "0.0.0.0:9090" -}}
{{- end -}}
{{- /* Prometheus is on another machine than most of what it scrapes. */}}
{{- if and .Values.serviceMonitor.enabled (kindIs "map" $config.admin) (not (hasKey $config.admin "metrics")) -}}
{{- $_ := set $config.admin "metrics" "network" -}}
{{- end -}}
{{- $store := default dict $config.store -}}
{{- if and (ne (default "embedded" $store.kind) "redis") (not $store.path) -}}
{{- $_ := set $config "store" (merge (dict "path" "/var/lib/countersign/countersign.redb") $store) -}}
{{- end -}}
{{- if and .Values.keyRing.existingSecret (not $config.key_ring) -}}
{{- $_ := set $config "key_ring" (dict "file" (printf "/etc/countersign/key-ring/%s" .Values.keyRing.key)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* redis or embedded. */}}
{{- define "countersign.store" -}}
{{- default "embedded" (default dict .Values.config.store).kind -}}
{{- end -}}

{{/*
What only a restart can change, so that a change of it replaces the pods.
docs/configuration.md says which.
*/}}
{{- define "countersign.restartKeys" -}}
{{- $config := include "countersign.config" . | fromYaml -}}
{{- $found := dict -}}
{{- range list "listen" "admin" "server" "cache" "store" "key_ring" "telemetry" "http" -}}
{{- $_ := set $found . (get $config .) -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Where gRPC is answered: {"tcp": [{host, port}], "unix": [path]}. */}}
{{- define "countersign.listening" -}}
{{- $tcp := list -}}
{{- $unix := list -}}
{{- $listen := (include "countersign.config" . | fromYaml).listen -}}
{{- range (ternary (list $listen) $listen (kindIs "string" $listen)) -}}
{{- if hasPrefix "unix:" . -}}
{{- $unix = append $unix (trimPrefix "unix:" .) -}}
{{- else -}}
{{- $host := regexReplaceAll ":[0-9]+$" . "" -}}
{{- $loopback := or (hasPrefix "127." $host) (eq $host "[::1]") -}}
{{- $tcp = append $tcp (dict "host" $host "port" (regexFind "[0-9]+$" . | int) "loopback" $loopback) -}}
{{- end -}}
{{- end -}}
{{- dict "tcp" $tcp "unix" $unix | toJson -}}
{{- end -}}

{{/* The first port that other pods reach, or nothing. */}}
{{- define "countersign.grpcPort" -}}
{{- range (include "countersign.listening" . | fromJson).tcp -}}
{{- if not .loopback -}}
{{- int .port -}}
{{- break -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where HTTP checks are answered (`http.listen`), if other pods reach that: its port. */}}
{{- define "countersign.httpPort" -}}
{{- $http := default dict .Values.config.http -}}
{{- $listen := ternary $http.listen "" (kindIs "map" $http) | toString -}}
{{- if and (regexMatch ":[0-9]+$" $listen) (not (regexMatch "^(127\\.|\\[::1\\]|unix:)" $listen)) -}}
{{- regexFind "[0-9]+$" $listen -}}
{{- end -}}
{{- end -}}

{{/* `admin.listen`, empty if the port is off. */}}
{{- define "countersign.adminListen" -}}
{{- $admin := (include "countersign.config" . | fromYaml).admin -}}
{{- if kindIs "map" $admin -}}
{{- $listen := ternary $admin.listen "127.0.0.1:9090" (hasKey $admin "listen") -}}
{{- if kindIs "string" $listen -}}
{{- if not (has $listen (list "off" "false")) }}{{ $listen }}{{ end -}}
{{- end -}}
{{- else if kindIs "invalid" $admin -}}
127.0.0.1:9090
{{- end -}}
{{- end -}}

{{/* `admin.metrics`. */}}
{{- define "countersign.metricsReaders" -}}
{{- $admin := (include "countersign.config" . | fromYaml).admin -}}
{{- if kindIs "map" $admin -}}
{{- default "local" $admin.metrics -}}
{{- end -}}
{{- end -}}

{{- define "countersign.adminPort" -}}
{{- include "countersign.adminListen" . | regexFind "[0-9]+$" -}}
{{- end -}}

{{/* A duration, of the configuration or of Prometheus. */}}
{{- define "countersign.milliseconds" -}}
{{- mul (regexFind "^[0-9]+" . | int64) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000) (regexFind "[a-z]+$" .)) -}}
{{- end -}}

{{/* In whole seconds, rounded up. */}}
{{- define "countersign.seconds" -}}
{{- div (add (include "countersign.milliseconds" . | int64) 999) 1000 -}}
{{- end -}}

{{- define "countersign.drainSeconds" -}}
{{- include "countersign.seconds" (default "25s" (default dict .Values.config.limits).drain) -}}
{{- end -}}

{{/* What is after the drain, storing what waits and closing the store, takes up to ten seconds. */}}
{{- define "countersign.gracePeriod" -}}
{{- default (add (include "countersign.drainSeconds" . | int64) (.Values.preStopSeconds | int64) 10) .Values.terminationGracePeriodSeconds | int64 -}}
{{- end -}}

{{/* How many replicas there are at least: without autoscaling, all of them. */}}
{{- define "countersign.minReplicas" -}}
{{- if .Values.autoscaling.enabled -}}
{{- int64 .Values.autoscaling.minReplicas -}}
{{- else -}}
{{- default (ternary 2 1 (eq (include "countersign.store" .) "redis")) .Values.replicas | int64 -}}
{{- end -}}
{{- end -}}

{{/* A number of pods or a part of them. Helm would print a million as 1e+06. */}}
{{- define "countersign.budget" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ int64 . }}{{ end -}}
{{- end -}}
