{{/*
What every sub-chart shares. Helm gives all templates of a release one name space, so these
definitions serve the sub-charts too. Most take (dict "root" $ "name" "dagster" "component" "daemon").
*/}}

{{/* Labels by which Services and workloads find their pods; fixed for the life of a release. */}}
{{- define "floe.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "floe.labels" -}}
{{ include "floe.selector" . }}
app.kubernetes.io/part-of: floe-platform
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* Labels of every pod: without versions, so that a chart of a new version alone restarts nothing. */}}
{{- define "floe.podLabels" -}}
{{ include "floe.selector" . }}
app.kubernetes.io/part-of: floe-platform
{{- end }}

{{/* An image by its name in global.images: (dict "root" $ "image" "dagster"). */}}
{{- define "floe.image" -}}
{{- $images := ((.root.Values.global).images) | default dict -}}
{{- required (printf "global.images.%s is not set: give the image of %s, for example with -f .cluster/images-values.yaml" .image .image) (get $images .image) -}}
{{- end }}

{{- define "floe.imagePullPolicy" -}}
{{- ((.Values.global).imagePullPolicy) | default "IfNotPresent" -}}
{{- end }}

{{/* image and imagePullPolicy of a container: (dict "root" $ "image" "dagster"). */}}
{{- define "floe.containerImage" -}}
image: {{ include "floe.image" . | quote }}
imagePullPolicy: {{ include "floe.imagePullPolicy" .root }}
{{- end }}

{{/*
The head of every pod spec: (dict "root" $ "uid" 1000). No pod gets an API token by itself; a
container that needs one mounts floe.tokenMount. Service links are off because the variables
they add (POLARIS_PORT, MINIO_PORT) would be read as settings by the very services they name.
*/}}
{{- define "floe.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with (.root.Values.global).imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "floe.podSecurityContext" .uid | nindent 2 }}
{{- end }}

{{- define "floe.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
fsGroup: {{ int . }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "floe.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Name of a Secret that the platform needs: (dict "root" $ "secret" "minio"). */}}
{{- define "floe.secretName" -}}
{{- $names := dict "postgresql" "postgresql-credentials" "minio" "minio-credentials" "polarisRoot" "polaris-root-credentials" "marquez" "marquez-credentials" "grafana" "grafana-credentials" -}}
{{- $given := ((.root.Values.global).existingSecrets) | default dict -}}
{{- get $given .secret | default (get $names .secret) -}}
{{- end }}

{{/* "yes" when the chart is to generate that Secret, else empty. */}}
{{- define "floe.secretGenerated" -}}
{{- $given := ((.root.Values.global).existingSecrets) | default dict -}}
{{- if not (get $given .secret) -}}yes{{- end -}}
{{- end }}

{{/*
Values of a generated Secret, base64: (dict "root" $ "name" NAME "random" (dict KEY LENGTH)).
What the cluster holds already is kept, so an upgrade never changes a credential; only a key that
is not there yet gets a random value.
*/}}
{{- define "floe.secretData" -}}
{{- $live := (lookup "v1" "Secret" .root.Release.Namespace .name | default dict).data | default dict -}}
{{- range $key, $length := .random }}
{{ $key }}: {{ get $live $key | default (randAlphaNum (int $length) | b64enc) }}
{{- end }}
{{- end }}

{{/* A variable taken from a Secret: (dict "env" "POSTGRES_PASSWORD" "secret" NAME "key" KEY). */}}
{{- define "floe.envFromSecret" -}}
- name: {{ .env }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}

{{/*
Where Dagster and its runs tell what they do, by OTLP and by OpenLineage: the addresses of the values, less those
of parts of this chart that do not run.
*/}}
{{- define "floe.otlp" -}}
{{- $told := .Values.global.observability -}}
{{- if or $told.collector (ne $told.otlp "http://otel-collector:4318") -}}{{ $told.otlp }}{{- end -}}
{{- end }}

{{- define "floe.openlineage" -}}
{{- $told := .Values.global.observability.lineage -}}
{{- if or .Values.global.lineage.enabled (ne $told "http://marquez:5000") -}}{{ $told }}{{- end -}}
{{- end }}

{{/*
An init container that ends when the services answer, by TCP, in order:
(dict "root" $ "for" (list "postgresql:5432")). A Service without a Ready pod refuses, so an
answer means Ready. It is bash of the PostgreSQL image: a waiting interpreter would take from two
cores what the services being waited for need to start.
*/}}
{{- define "floe.waitFor" -}}
- name: wait-for-{{ index (splitList ":" (first .for)) 0 }}
  {{- include "floe.containerImage" (dict "root" .root "image" "postgresql") | nindent 2 }}
  command:
    - bash
    - -c
    - |
      for service in "$@"; do
        echo "waiting for $service"
        until timeout 2 bash -c ": < /dev/tcp/${service/://}" 2> /dev/null; do
          if [ "$SECONDS" -ge 300 ]; then
            echo "no answer from $service within 300 s" >&2
            exit 1
          fi
          sleep 0.3
        done
      done
    - wait-for
    {{- range .for }}
    - {{ . | quote }}
    {{- end }}
  {{- include "floe.waiterLimits" . | nindent 2 }}
{{- end }}

{{/* Resources and security context of a light init container. */}}
{{- define "floe.waiterLimits" -}}
resources:
  requests: {cpu: 10m, memory: 16Mi}
  limits: {memory: 64Mi}
securityContext:
  {{- include "floe.containerSecurityContext" . | nindent 2 }}
{{- end }}

{{/* The volume that holds the pod's API token, for the containers that mount it. */}}
{{- define "floe.tokenVolume" -}}
- name: api-token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3607}
      - configMap:
          name: kube-root-ca.crt
          items: [{key: ca.crt, path: ca.crt}]
      - downwardAPI:
          items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]
{{- end }}

{{- define "floe.tokenMount" -}}
- name: api-token
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- end }}

{{/*
The claim NAME-data: (dict "root" $ "labels" (dict ...) "persistence" .Values.persistence). An object
of the release, not a claim template of the StatefulSet: so uninstalling takes the data along
without a retention policy, whose bookkeeping on fresh claims races with the scheduler and costs
each start one or two seconds.
*/}}
{{- define "floe.dataClaim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .labels.name }}-data
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "floe.labels" .labels | nindent 4 }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .persistence.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ .persistence.size }}
{{- end }}
