{{/* Which series are this release's: what the ServiceMonitor or PodMonitor makes. */}}
{{- define "countersign.series" -}}
{{- if .Values.prometheusRule.selector -}}
{{- .Values.prometheusRule.selector -}}
{{- else if eq .Values.mode "sidecar" -}}
{{- printf "job=%q" (printf "%s/%s" .Release.Namespace (include "countersign.fullname" .)) -}}
{{- else -}}
{{- printf "namespace=%q,job=%q" .Release.Namespace (include "countersign.headless" .) -}}
{{- end -}}
{{- end -}}

{{/*
Which key sets are old: for each issuer, half way from when it should have been fetched (keys.refresh_after) to when it no
longer verifies (keys.max_age).
*/}}
{{- define "countersign.oldKeySets" -}}
{{- $s := include "countersign.series" . -}}
{{- $old := list -}}
{{- range .Values.config.issuers -}}
{{- $keys := default dict .keys -}}
{{- $after := include "countersign.seconds" (default "5m" $keys.refresh_after) | int64 -}}
{{- $limit := include "countersign.seconds" (default "24h" $keys.max_age) | int64 -}}
{{- $name := default (urlParse (default "" .issuer)).hostname .name -}}
{{- $old = append $old (printf "countersign_key_set_age_seconds{%s,issuer=%q} > %d" $s $name (div (add $after $limit) 2)) -}}
{{- end -}}
{{- join " or " $old | default "vector(0) > 0" -}}
{{- end -}}

{{/*
Where a counter has counted within a quarter of an hour, even once. Counters exist at zero before they first count, and still
`increase` does not see what counted before Prometheus first asked a new pod: its series begins at 1. So a series that did not
exist before counts as a whole. An hour is looked back for it: were it a moment, a Prometheus that was away would take what has
counted long ago for new.
*/}}
{{- define "countersign.counted" -}}
{{- $series := printf "%s{%s%s}" .metric (include "countersign.series" .root) (ternary (printf ",%s" .labels) "" (hasKey . "labels")) -}}
(increase({{ $series }}[15m]) > 0 or ({{ $series }} > 0 unless present_over_time({{ $series }}[1h] offset 15m)))
{{- end -}}

{{/*
The alerts. Each has a section of its name in docs/kubernetes.md. Expressions are blocks: what they select by can have any sign in
it.
*/}}
{{- define "countersign.alerts" -}}
{{- $s := include "countersign.series" . -}}
- alert: CountersignDown
  expr: >-
    absent(up{ {{- $s -}} } == 1)
  for: 3m
  severity: critical
  summary: No replica of Countersign answers Prometheus.
- alert: CountersignCannotTell
  expr: >-
    sum(rate(countersign_validations_total{ {{- $s -}} ,outcome="fault"}[5m]))
    / sum(rate(countersign_validations_total{ {{- $s -}} }[5m])) > 0.01
  for: 5m
  severity: critical
  summary: {{ "{{ $value | humanizePercentage }} of all tokens cannot be told good or bad." | quote }}
- alert: CountersignSlow
  expr: >-
    histogram_quantile(0.99, sum by (le) (rate(countersign_request_duration_seconds_bucket{ {{- $s -}} ,method=~"countersign.v1.TokenService/Validate|envoy.service.auth.v3.Authorization/Check|HTTP /check"}[5m]))) > 0.1
  for: 10m
  severity: warning
  summary: {{ "One validation or check in a hundred takes {{ $value | humanizeDuration }} or longer." | quote }}
- alert: CountersignPolicyUnreadable
  expr: >-
    sum by (pod) {{ include "countersign.counted" (dict "root" $ "metric" "countersign_checks_total" "labels" `outcome="denied",why="policy"`) }}
  for: 0m
  severity: critical
  summary: {{ "{{ $labels.pod }} denies every request of a route, because what the proxy says of its policy means nothing." | quote }}
- alert: CountersignOverloaded
  expr: >-
    sum by (pod) (increase(countersign_overloaded_total{ {{- $s -}} }[5m])) > 0
  for: 5m
  severity: warning
  summary: {{ "{{ $labels.pod }} turns calls away, because too many are at work." | quote }}
- alert: CountersignNoKeys
  expr: >-
    countersign_keys{ {{- $s -}} } == 0
  for: 5m
  severity: critical
  summary: {{ "{{ $labels.pod }} has no key that verifies tokens of {{ $labels.issuer }}." | quote }}
- alert: CountersignKeysOld
  expr: >-
    {{ include "countersign.oldKeySets" . }}
  for: 5m
  severity: critical
  summary: {{ "{{ $labels.pod }} has seen no key set of {{ $labels.issuer }} for {{ $value | humanizeDuration }}." | quote }}
- alert: CountersignKeyFetchesFail
  expr: >-
    sum by (pod, issuer) (increase(countersign_key_fetches_total{ {{- $s -}} ,outcome="failed"}[15m])) > 0
    unless sum by (pod, issuer) (increase(countersign_key_fetches_total{ {{- $s -}} ,outcome=~"ok|not_modified"}[15m])) > 0
  for: 15m
  severity: warning
  summary: {{ "{{ $labels.pod }} cannot fetch the key set of {{ $labels.issuer }}." | quote }}
- alert: CountersignStoredKeysForged
  expr: >-
    sum by (pod, issuer) {{ include "countersign.counted" (dict "root" $ "metric" "countersign_key_store_errors_total" "labels" `kind="forged"`) }}
  for: 0m
  severity: critical
  summary: {{ "The seal of a stored key set of {{ $labels.issuer }} does not fit: somebody else wrote to the store, or the key ring is another one." | quote }}
- alert: CountersignIntrospectionRefused
  expr: >-
    sum by (issuer) {{ include "countersign.counted" (dict "root" $ "metric" "countersign_introspections_total" "labels" `outcome="misconfigured"`) }}
  for: 5m
  severity: warning
  summary: {{ "{{ $labels.issuer }} does not answer our client about opaque tokens." | quote }}
- alert: CountersignRevocationsUnstored
  expr: >-
    countersign_unstored_revocations{ {{- $s -}} } > 0
  for: 1m
  severity: critical
  summary: {{ "{{ $value }} revocations are known to {{ $labels.pod }} alone, and lost if it ends." | quote }}
- alert: CountersignFeedLost
  expr: >-
    countersign_feed_contact_lost{ {{- $s -}} } == 1
  for: 1m
  severity: critical
  summary: {{ "What is revoked on other replicas does not arrive at {{ $labels.pod }}." | quote }}
- alert: CountersignStoreUnfit
  expr: >-
    countersign_store_unfit{ {{- $s -}} } == 1
    or countersign_store_durability_reached{ {{- $s -}} ,level="less"} == 1
  for: 1m
  severity: critical
  summary: {{ "Redis does not keep what it is told ({{ $labels.reason }}{{ $labels.level }}), as {{ $labels.pod }} found." | quote }}
- alert: CountersignStoreLostRevocations
  expr: >-
    sum{{ include "countersign.counted" (dict "root" $ "metric" "countersign_revocations_pushed_back_total") }}
  for: 0m
  severity: warning
  summary: Redis had lost revocations that it had acknowledged. The replicas gave them back.
- alert: CountersignRevocationsDiffer
  expr: >-
    sum by (pod) (increase(countersign_feed_comparisons_total{ {{- $s -}} ,result="differed"}[15m])) > 0
  for: 30m
  severity: warning
  summary: {{ "What {{ $labels.pod }} knows of revocations differs from the store again and again." | quote }}
- alert: CountersignRevocationsNearlyFull
  expr: >-
    countersign_revocation_nearly_full{ {{- $s -}} } == 1
  for: 5m
  severity: warning
  summary: {{ "{{ $labels.pod }} holds over 75 % of the revocations that it may." | quote }}
- alert: CountersignUpstreamWaits
  expr: >-
    countersign_upstream_revocations_oldest_seconds{ {{- $s -}} } > 600
  for: 5m
  severity: warning
  summary: {{ "An identity provider has not been told of a revocation for {{ $value | humanizeDuration }}." | quote }}
- alert: CountersignRefreshesUnstored
  expr: >-
    countersign_unstored_refreshes{ {{- $s -}} } > 0
  for: 1m
  severity: critical
  summary: {{ "{{ $value }} refreshed tokens are in the memory of {{ $labels.pod }} alone." | quote }}
- alert: CountersignRefreshRefused
  expr: >-
    sum by (outcome) {{ include "countersign.counted" (dict "root" $ "metric" "countersign_refresh_exchanges_total" "labels" `outcome=~"client_rejected|refused"`) }}
  for: 0m
  severity: critical
  summary: {{ "A token endpoint refuses our client or our requests ({{ $labels.outcome }})." | quote }}
- alert: CountersignRefreshAnswersLost
  expr: >-
    sum(rate(countersign_refresh_exchanges_total{ {{- $s -}} ,outcome="unknown"}[15m]))
    / sum(rate(countersign_refresh_exchanges_total{ {{- $s -}} }[15m])) > 0.01
  for: 5m
  severity: warning
  summary: {{ "{{ $value | humanizePercentage }} of the answers of token endpoints are lost." | quote }}
- alert: CountersignRefreshTokenReused
  expr: >-
    sum{{ include "countersign.counted" (dict "root" $ "metric" "countersign_refresh_tokens_reused_total") }}
  for: 0m
  severity: warning
  summary: Somebody presented a refresh token that another had used up. The session was ended.
- alert: CountersignConfigurationNotTaken
  expr: >-
    countersign_config_reload_failing{ {{- $s -}} } == 1
  for: 10m
  severity: warning
  summary: {{ "{{ $labels.pod }} does not take the changed configuration; the next start would fail." | quote }}
{{- end -}}
