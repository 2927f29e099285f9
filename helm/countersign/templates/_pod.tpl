{{/* The container: the same in a pod of its own and in somebody else's (mode: sidecar). */}}
{{- define "countersign.container" -}}
name: countersign
image: {{ include "countersign.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [serve, --config, /etc/countersign/config/countersign.yaml]
{{- with .Values.env }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  {{- with include "countersign.grpcPort" . }}
  - {name: grpc, containerPort: {{ . }}, protocol: TCP}
  {{- end }}
  {{- with include "countersign.httpPort" . }}
  - {name: csign-http, containerPort: {{ . }}, protocol: TCP}
  {{- end }}
  - {name: csign-admin, containerPort: {{ include "countersign.adminPort" . }}, protocol: TCP}
# gRPC probes of kubelet speak no TLS; the admin port answers strangers no more than this.
startupProbe:
  httpGet: {path: /livez, port: csign-admin}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: csign-admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: csign-admin}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
{{- if and .Values.preStopSeconds (ne .Values.mode "sidecar") }}
lifecycle:
  preStop:
    # SIGTERM closes the listeners at once. Until everybody has heard that this pod ends, it goes on taking calls.
    sleep: {seconds: {{ .Values.preStopSeconds }}}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- if eq .Values.mode "sidecar" }}
  {{- /* The pod is somebody else's, and so is what it says about itself. */}}
  {{- merge (deepCopy .Values.securityContext) (pick .Values.podSecurityContext "runAsNonRoot" "runAsUser" "runAsGroup" "seccompProfile") | toYaml | nindent 2 }}
  {{- else }}
  {{- toYaml .Values.securityContext | nindent 2 }}
  {{- end }}
volumeMounts:
  {{- /* A directory, not a subPath, which kubelet would never bring up to date. */}}
  - {name: countersign-config, mountPath: /etc/countersign/config, readOnly: true}
  {{- if eq (include "countersign.store" .) "embedded" }}
  - {name: countersign-data, mountPath: /var/lib/countersign}
  {{- end }}
  {{- if .Values.keyRing.existingSecret }}
  - {name: countersign-key-ring, mountPath: /etc/countersign/key-ring, readOnly: true}
  {{- end }}
  {{- range .Values.secrets }}
  - {name: {{ printf "countersign-secret-%s" .name }}, mountPath: /etc/countersign/secrets/{{ .name }}, readOnly: true}
  {{- end }}
  {{- if eq .Values.mode "sidecar" }}
  - {name: countersign-socket, mountPath: /run/countersign}
  {{- end }}
  {{- with .Values.volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* By their group, or, in a pod that has none for us, by the containers that mount them. */}}
{{- define "countersign.secretMode" -}}
{{- ternary "0440" "0444" (ternary .Values.sidecar.fsGroup .Values.podSecurityContext.fsGroup (eq .Values.mode "sidecar") | empty | not) -}}
{{- end -}}

{{/* Its volumes, without the embedded store's, which a StatefulSet claims. */}}
{{- define "countersign.volumes" -}}
- name: countersign-config
  configMap: {name: {{ include "countersign.fullname" . }}}
{{- if .Values.keyRing.existingSecret }}
- name: countersign-key-ring
  secret: {secretName: {{ .Values.keyRing.existingSecret | toYaml }}, defaultMode: {{ include "countersign.secretMode" . }}}
{{- end }}
{{- range .Values.secrets }}
- name: {{ printf "countersign-secret-%s" .name }}
  secret: {secretName: {{ .secretName | toYaml }}, defaultMode: {{ include "countersign.secretMode" $ }}}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Changes with what is to replace the pods. */}}
{{- define "countersign.checksum" -}}
{{- if eq .root.Values.replacePodsOn "any" -}}
checksum/{{ .of }}config: {{ include "countersign.config" .root | sha256sum }}
{{- else -}}
checksum/{{ .of }}restart-keys: {{ include "countersign.restartKeys" .root | sha256sum }}
{{- end -}}
{{- end -}}

{{- define "countersign.podMetadata" -}}
annotations:
  {{- include "countersign.checksum" (dict "root" . "of" "") | nindent 2 }}
  {{- with .Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
labels:
  {{- include "countersign.labels" . | nindent 2 }}
  {{- merge (deepCopy .Values.podLabels) (include "countersign.meshLabels" . | fromYaml) | toYaml | nindent 2 }}
{{- end -}}

{{- define "countersign.podSpec" -}}
serviceAccountName: {{ include "countersign.serviceAccountName" . | toYaml }}
automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
{{- /* Nothing here reads the variables that Services are told by. */}}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "countersign.gracePeriod" . }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - {{ include "countersign.container" . | nindent 4 | trim }}
  {{- with .Values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  {{- include "countersign.volumes" . | nindent 2 }}
  {{- if and (eq (include "countersign.store" .) "embedded") (not .Values.persistence.enabled) }}
  - name: countersign-data
    emptyDir: {}
  {{- end }}
{{- include "countersign.placement" . }}
{{- end -}}

{{- define "countersign.placement" }}
topologySpreadConstraints:
  {{- if .Values.topologySpreadConstraints }}
  {{- toYaml .Values.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "countersign.selectorLabels" $ | nindent 8 }}
    {{- if eq (include "countersign.store" $) "redis" }}
    # Without this, pods that are about to be replaced would count.
    matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
  {{- end }}
affinity:
  {{- if .Values.affinity }}
  {{- toYaml .Values.affinity | nindent 2 }}
  {{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "countersign.selectorLabels" . | nindent 14 }}
  {{- end }}
{{- include "countersign.nodes" . }}
{{- end -}}

{{/* Which nodes it may be on, and how it runs there. */}}
{{- define "countersign.nodes" }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ toYaml . }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ toYaml . }}
{{- end }}
{{- end -}}
