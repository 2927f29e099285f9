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
        {{- include "countersign.checksum" (dict "root" . "of" "countersign-") | nindent 8 }}
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
        fsGroup: {{ int64 . }}
      {{- end }}
      {{- with .Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      initContainers:
        # Merged into what an earlier patch put there, it would keep the ports, variables and mounts of that.
        - {name: countersign, $patch: delete}
        - restartPolicy: Always
          {{- include "countersign.container" . | nindent 10 }}
      # In each container that asks: volumeMounts: [{name: countersign-socket, mountPath: /run/countersign}]
      volumes:
        - name: countersign-socket
          emptyDir: {}
        {{- if eq (include "countersign.store" .) "embedded" }}
        - name: countersign-data
          emptyDir: {}
        {{- else }}
        - {name: countersign-data, $patch: delete}
        {{- end }}
        {{- if not .Values.keyRing.existingSecret }}
        - {name: countersign-key-ring, $patch: delete}
        {{- end }}
        {{- include "countersign.volumes" . | nindent 8 }}
{{- end -}}

{{- define "countersign.sidecarLabel" -}}
{{- include "countersign.fullname" . }}-sidecar
{{- end -}}
