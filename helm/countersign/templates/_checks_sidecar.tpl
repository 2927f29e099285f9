{{/* What a container in somebody else's pod cannot be told, or would open there. */}}
{{- define "countersign.check.sidecar" -}}
{{- $values := .root.Values -}}
{{- if eq $values.mode "sidecar" -}}
{{- if and (eq (include "countersign.store" .root) "embedded") (not $values.sidecar.separateStores) -}}
{{- include "countersign.problem" (dict "found" .found "text" "sidecar.separateStores: each pod would know only what is revoked through itself: write config.store.kind: redis with its url, or sidecar.separateStores: true if that is meant") -}}
{{- end -}}
{{- if include "countersign.httpPort" .root -}}
{{- include "countersign.problem" (dict "found" .found "text" "config.http.listen: would be an open port of the application's pod, which no NetworkPolicy of this chart guards: write 127.0.0.1:PORT, or off") -}}
{{- end -}}
{{- include "countersign.check.sidecar.others" . -}}
{{- range $name, $enabled := dict "autoscaling.enabled" $values.autoscaling.enabled "envoyGateway.enabled" $values.envoyGateway.enabled "istio.enabled" $values.istio.enabled -}}
{{- if $enabled -}}
{{- include "countersign.problem" (dict "found" $.found "text" (printf "%s: there are no pods and no Service with mode: sidecar: write false" $name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
What is about pods, Services, volumes and network policies of Countersign's own, as values.yaml has it: whoever writes something else
there means something, and nothing would come of it. Switches may be off.
*/}}
{{- define "countersign.ofItsOwn" -}}
replicas: null
podDisruptionBudget: {maxUnavailable: 1, minAvailable: null}
persistence: {size: 1Gi, storageClassName: "", accessModes: [ReadWriteOnce], annotations: {}}
service: {type: ClusterIP, externalTrafficPolicy: "", port: 50051, exposedToAnybody: false, httpPort: 8080, annotations: {}, labels: {}}
serviceAccount: {name: "", annotations: {}, automountToken: false}
terminationGracePeriodSeconds: null
preStopSeconds: 5
minReadySeconds: 0
topologySpreadConstraints: []
affinity: {}
nodeSelector: {}
tolerations: []
priorityClassName: ""
runtimeClassName: ""
extraContainers: []
initContainers: []
networkPolicy: {callers: [], scrapers: [], issuers: [], redis: {ports: [6379], to: []}, extraIngress: [], extraEgress: []}
{{- end -}}

{{- define "countersign.check.sidecar.others" -}}
{{- $values := .root.Values -}}
{{- range $key, $default := include "countersign.ofItsOwn" .root | fromYaml -}}
{{- $value := get $values $key -}}
{{- if kindIs "map" $default -}}
{{- range $inside, $default := $default -}}
{{- include "countersign.check.sidecar.other" (dict "found" $.found "path" (printf "%s.%s" $key $inside) "value" (get $value $inside) "default" $default) -}}
{{- end -}}
{{- end -}}
{{- if not (and (kindIs "map" $default) $default) -}}
{{- include "countersign.check.sidecar.other" (dict "found" $.found "path" $key "value" $value "default" $default) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "countersign.check.sidecar.other" -}}
{{- if not (or (eq (toJson .value) (toJson .default)) (and (empty .value) (empty .default))) -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "%s: is about what mode: sidecar does not make: leave it out, and write it where the application's own is made" .path)) -}}
{{- end -}}
{{- end -}}
