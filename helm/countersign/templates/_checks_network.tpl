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
{{- include "countersign.problem" (dict "found" .found "text" (printf "%s: has a user or a password in it, and a ConfigMap is no place for one: put the URL into a Secret and write {file: /etc/countersign/secrets/NAME/KEY} with secrets: [{name: NAME, secretName: ...}]" .path)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A rule without ports is one for all ports. */}}
{{- define "countersign.check.egress" -}}
{{- if and (eq (include "countersign.store" .root) "redis") .root.Values.networkPolicy.enabled (not (include "countersign.redisPorts" .root | fromJsonArray)) -}}
{{- include "countersign.problem" (dict "found" .found "text" "networkPolicy.redis.ports: without any, every port would be open: write those of Redis, such as [6379]") -}}
{{- end -}}
{{- end -}}
