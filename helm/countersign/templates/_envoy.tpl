{{/*
Every name that the service may send identity by, in every spelling with - and _: what an application behind Envoy may take
for the same name. A JSON array. The service's own names are among them whatever the values say: an application that reads one
of them must not be told it by a client.
*/}}
{{- define "countersign.identitySpellings" -}}
{{- $names := list -}}
{{- range list "subject" "issuer" "session" "scopes" "roles" "organization" "expires" "omitted" -}}
{{- $names = append $names (printf "x-auth-%s" .) -}}
{{- end -}}
{{- $names = concat $names .Values.envoy.identityHeaders -}}
{{- $configured := default dict (default dict .Values.config.ext_authz).headers -}}
{{- range $configured -}}
{{- if and (kindIs "string" .) (not (has . (list "off" "false"))) -}}
{{- $names = append $names (lower .) -}}
{{- end -}}
{{- end -}}
{{- $all := list -}}
{{- range $names | uniq -}}
{{- $spellings := list "" -}}
{{- range $index, $part := splitList "-" (replace "_" "-" .) -}}
{{- $longer := list -}}
{{- range $spellings -}}
{{- if $index -}}
{{- $longer = concat $longer (list (printf "%s-%s" . $part) (printf "%s_%s" . $part)) -}}
{{- else -}}
{{- $longer = list $part -}}
{{- end -}}
{{- end -}}
{{- $spellings = $longer -}}
{{- end -}}
{{- $all = concat $all $spellings -}}
{{- end -}}
{{- $all | uniq | toJson -}}
{{- end -}}

{{/* Where Envoy asks. */}}
{{- define "countersign.host" -}}
{{- include "countersign.fullname" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end -}}

{{/* What Istio's policies are about: workloads by their labels, or Gateways; neither: everything in the namespace. */}}
{{- define "countersign.istioTarget" -}}
{{- with .Values.istio.selector }}
  selector:
    matchLabels:
      {{- toYaml . | nindent 6 }}
{{- end }}
{{- with .Values.istio.targetRefs }}
  targetRefs:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}
