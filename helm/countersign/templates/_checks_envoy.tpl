{{/* What the control planes of Envoy would refuse, or what would let a client say who it is. */}}
{{- define "countersign.check.envoy" -}}
{{- $values := .root.Values -}}
{{- if and $values.envoy.failOpen (not $values.envoy.stripIdentityHeaders) -}}
{{- include "countersign.problem" (dict "found" .found "text" "envoy.failOpen: while nobody can be asked, clients' own identity headers would reach the applications: write envoy.stripIdentityHeaders: true, too") -}}
{{- end -}}
{{- if $values.envoyGateway.enabled -}}
{{- if not $values.envoyGateway.targetRefs -}}
{{- include "countersign.problem" (dict "found" .found "text" "envoyGateway.targetRefs: write what to protect, such as [{kind: HTTPRoute, name: orders}]") -}}
{{- end -}}
{{- if $values.envoy.stripIdentityHeaders -}}
{{- if not $values.envoyGateway.gateway -}}
{{- include "countersign.problem" (dict "found" .found "text" "envoyGateway.gateway: write the name of the Gateway in front of the routes, whose listeners take identity headers out of requests, or envoy.stripIdentityHeaders: false if another ClientTrafficPolicy does") -}}
{{- end -}}
{{- if gt (len (include "countersign.identitySpellings" .root | fromJsonArray)) 64 -}}
{{- include "countersign.problem" (dict "found" .found "text" "envoy.identityHeaders: all spellings with - and _ together are more than the 64 that Envoy Gateway takes: use shorter or fewer names") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Whoever asks about each request that reaches Countersign's own pods, once podLabels bring them into the mesh, asks about that
question, too, and so on. What is in Istio's root namespace is about all of the mesh.
*/}}
{{- define "countersign.check.istio" -}}
{{- $istio := .root.Values.istio -}}
{{- if $istio.enabled -}}
{{- $namespace := default .root.Release.Namespace $istio.namespace -}}
{{- if and $istio.selector $istio.targetRefs -}}
{{- include "countersign.problem" (dict "found" .found "text" "istio.selector: Istio takes a selector or targetRefs: write one of them") -}}
{{- else if $istio.selector -}}
{{- $labels := (include "countersign.podMetadata" .root | fromYaml).labels -}}
{{- $others := false -}}
{{- range $name, $value := $istio.selector -}}
{{- if ne (get $labels $name | toString) $value -}}
{{- $others = true -}}
{{- end -}}
{{- end -}}
{{- if and (has $namespace (list .root.Release.Namespace "istio-system")) (not $others) -}}
{{- include "countersign.problem" (dict "found" .found "text" "istio.selector: chooses Countersign's own pods, which would ask themselves whether they may be asked: choose the workloads that are to be protected") -}}
{{- end -}}
{{- else if and (not $istio.targetRefs) (has $namespace (list .root.Release.Namespace "istio-system")) -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "istio.selector: everything in %s would be checked, and Countersign, too, which would have to ask itself whether it may be asked: write a selector or targetRefs, or the istio.namespace of the workloads" (ternary "the mesh" (printf "the namespace %s" $namespace) (ne $namespace .root.Release.Namespace)))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
