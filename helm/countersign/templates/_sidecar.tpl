{{/*
What puts Countersign into the pods of another workload: a strategic merge patch for a Deployment, StatefulSet or DaemonSet.
A sidecar (an initContainer that is always restarted, Kubernetes 1.29) runs before the application's containers start and
until they have ended.
*/}}
{{- define "countersign.sidecarPatch" -}}
spec:
  template:
    metadata:
      annotations:
        checksum/countersign-restart-keys: {{ include "countersign.restartKeys" . | sha256sum }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      labels:
        {{ include "countersign.sidecarLabel" . }}: "true"
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- with .Values.sidecar.fsGroup }}
      # The socket belongs to this group, and so does every container of the pod.
      securityContext:
        fsGroup: {{ . }}
      {{- end }}
      {{- with .Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      initContainers:
        - restartPolicy: Always
          {{- include "countersign.container" . | nindent 10 }}
      # In each container that asks: volumeMounts: [{name: countersign-socket, mountPath: /run/countersign}]
      volumes:
        - name: countersign-socket
          emptyDir: {}
        {{- if eq (include "countersign.store" .) "embedded" }}
        - name: countersign-data
          emptyDir: {}
        {{- end }}
        {{- include "countersign.volumes" . | nindent 8 }}
{{- end -}}

{{- define "countersign.sidecarLabel" -}}
{{- include "countersign.fullname" . }}-sidecar
{{- end -}}
