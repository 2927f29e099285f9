{{/* Names and labels. */}}

{{/* Short enough for `-test`. */}}
{{- define "countersign.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 58 | trimAll "-." -}}
{{- end -}}

{{/* Short enough for `-headless`, and for the pods' own suffixes. A release may have dots in its name, a Service may not. */}}
{{- define "countersign.fullname" -}}
{{- $name := include "countersign.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | replace "." "-" | trunc 48 | trimAll "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 48 | trimAll "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | replace "." "-" | trunc 48 | trimAll "-" -}}
{{- end -}}
{{- end -}}

{{- define "countersign.headless" -}}
{{- include "countersign.fullname" . }}-headless
{{- end -}}

{{/* toYaml, here and elsewhere: a name of digits alone would be a number. */}}
{{- define "countersign.selectorLabels" -}}
app.kubernetes.io/name: {{ include "countersign.name" . | toYaml }}
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end -}}

{{- define "countersign.labels" -}}
{{ include "countersign.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
Out of Istio's mesh, unless podLabels say otherwise: what a proxy in the pod would need, the network policy does not let through,
and the proxies that ask speak to Countersign as to any workload that has none.
*/}}
{{- define "countersign.meshLabels" -}}
{{- $out := dict "sidecar.istio.io/inject" "false" "istio.io/dataplane-mode" "none" -}}
{{- pick (merge (deepCopy .Values.podLabels) $out) "sidecar.istio.io/inject" "istio.io/dataplane-mode" | toYaml -}}
{{- end -}}

{{/* What a pod of this namespace that may call wears. */}}
{{- define "countersign.clientLabel" -}}
{{- include "countersign.fullname" . }}-client
{{- end -}}

{{- define "countersign.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "countersign.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "countersign.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}
