{{/* The pod that makes the buckets. */}}
{{- define "minio.bucketsPod" -}}
{{- $secret := include "floe.secretName" (dict "root" . "secret" "minio") }}
{{- include "floe.podSpec" (dict "root" . "uid" .Values.setup.uid) }}
restartPolicy: OnFailure
# It waits for the store itself: an init container that did would cost a second.
containers:
  - name: buckets
    {{- include "floe.containerImage" (dict "root" . "image" "dagster") | nindent 4 }}
    command: [python, -m, floe_platform_setup, buckets]
    env:
      - {name: S3_ENDPOINT, value: {{ .Values.global.lakehouse.endpoint | quote }}}
      - {name: AWS_REGION, value: {{ .Values.global.lakehouse.region | quote }}}
      {{- include "floe.envFromSecret" (dict "env" "AWS_ACCESS_KEY_ID" "secret" $secret "key" "root-user") | nindent 6 }}
      {{- include "floe.envFromSecret" (dict "env" "AWS_SECRET_ACCESS_KEY" "secret" $secret "key" "root-password") | nindent 6 }}
      - {name: BUCKETS, value: {{ join "," .Values.global.lakehouse.buckets | quote }}}
      - name: POD_NAMESPACE
        valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}
      - {name: PYTHONUNBUFFERED, value: "1"}
      - {name: HOME, value: /tmp}
    resources:
      {{- toYaml .Values.setup.resources | nindent 6 }}
    securityContext:
      {{- include "floe.containerSecurityContext" . | nindent 6 }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
{{- end }}
