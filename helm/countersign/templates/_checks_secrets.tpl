{{/* Where the chart puts Secrets, there is nothing else: a file or a variable that config names has to come from somewhere. */}}
{{- define "countersign.check.sources" -}}
{{- include "countersign.check.source" (dict "root" .root "found" .found "path" "config" "value" .root.Values.config) -}}
{{- end -}}

{{- define "countersign.check.source" -}}
{{- if and (kindIs "map" .value) (eq (keys .value | join ",") "env") (kindIs "string" .value.env) -}}
{{- include "countersign.check.variable" . -}}
{{- else if kindIs "map" .value -}}
{{- range $key, $value := .value -}}
{{- include "countersign.check.source" (dict "root" $.root "found" $.found "path" (printf "%s.%s" $.path $key) "value" $value) -}}
{{- end -}}
{{- else if kindIs "slice" .value -}}
{{- range $index, $value := .value -}}
{{- include "countersign.check.source" (dict "root" $.root "found" $.found "path" (printf "%s[%d]" $.path $index) "value" $value) -}}
{{- end -}}
{{- else if and (kindIs "string" .value) (hasPrefix "/etc/countersign/" .value) -}}
{{- include "countersign.check.mounted" . -}}
{{- end -}}
{{- end -}}

{{/* What envFrom brings, only the cluster knows. */}}
{{- define "countersign.check.variable" -}}
{{- $names := list -}}
{{- range .root.Values.env -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- if not (or (has .value.env $names) .root.Values.envFrom) -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "%s.env: no variable %s is set: write it in env, such as [{name: %s, valueFrom: {secretKeyRef: {name: ..., key: ...}}}]" .path .value.env .value.env)) -}}
{{- end -}}
{{- end -}}

{{- define "countersign.check.mounted" -}}
{{- $mounted := false -}}
{{- range .root.Values.volumeMounts -}}
{{- if or (eq $.value (toString .mountPath)) (hasPrefix (printf "%s/" (trimSuffix "/" (toString .mountPath))) $.value) -}}
{{- $mounted = true -}}
{{- end -}}
{{- end -}}
{{- if not $mounted -}}
{{- if hasPrefix "/etc/countersign/secrets/" .value -}}
{{- $name := trimPrefix "/etc/countersign/secrets/" .value | splitList "/" | first -}}
{{- $names := list -}}
{{- range .root.Values.secrets -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- if not (has $name $names) -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "%s: nothing puts a file at %s: write secrets: [{name: %s, secretName: ...}]" .path .value (default "NAME" $name))) -}}
{{- end -}}
{{- else if and (hasPrefix "/etc/countersign/key-ring/" .value) (not .root.Values.keyRing.existingSecret) -}}
{{- include "countersign.problem" (dict "found" .found "text" (printf "%s: nothing puts a file at %s: write keyRing.existingSecret and leave this out" .path .value)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
