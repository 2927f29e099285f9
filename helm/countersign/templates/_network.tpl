{{/* The port of a URL. */}}
{{- define "countersign.urlPort" -}}
{{- $url := urlParse .url -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- default (ternary "80" "443" (eq $url.scheme "http")) $port -}}
{{- end -}}

{{/* The ports of the identity providers. Discovery may lead to another host, which then is at 443. A JSON array. */}}
{{- define "countersign.issuerPorts" -}}
{{- $ports := list 443 -}}
{{- range .Values.config.issuers -}}
{{- range $url := list .issuer .jwks_uri -}}
{{- if regexMatch "^https?://" (toString $url) -}}
{{- $ports = append $ports (include "countersign.urlPort" (dict "url" $url) | int) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* The ports of Redis: those of a URL that is written out, or else what the values say. A JSON array. */}}
{{- define "countersign.redisPorts" -}}
{{- $ports := .Values.networkPolicy.redis.ports -}}
{{- $store := default dict .Values.config.store -}}
{{- if $store.sentinel -}}
{{- $ports = append $ports 26379 -}}
{{- end -}}
{{- if kindIs "string" $store.url -}}
{{- range regexReplaceAll "^[a-z]+://([^@]*@)?" $store.url "" | regexFind "^[^/?#]+" | splitList "," -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" . | trimPrefix ":" | default (ternary 26379 6379 (not (empty $store.sentinel))) | int) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

{{/* TCP to some ports of some peers, or of anybody. */}}
{{- define "countersign.egress" -}}
- ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
