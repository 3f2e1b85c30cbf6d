{{/* Name of a product's code location, as Deployment and Service. */}}
{{- define "dagster.codeName" -}}
dagster-code-{{ .name }}
{{- end }}

{{/* Where Dagster keeps its records. */}}
{{- define "dagster.database" -}}
postgres_db:
  # By name: SQLAlchemy 2.1 takes another driver by default, which Dagster does not bring.
  scheme: postgresql+psycopg2
  hostname: postgresql
  port: 5432
  db_name: dagster
  username: dagster
  password: {env: DAGSTER_PG_PASSWORD}
{{- end }}

{{/* Variables of every Dagster process: where its instance is, and the password that it names. */}}
{{- define "dagster.instanceEnv" -}}
- {name: DAGSTER_HOME, value: /opt/dagster/home}
{{ include "floe.envFromSecret" (dict "env" "DAGSTER_PG_PASSWORD" "secret" (include "floe.secretName" (dict "root" . "secret" "postgresql")) "key" "dagster-password") }}
- {name: HOME, value: /opt/floe/home}
- {name: TMPDIR, value: /scratch}
- {name: PYTHONUNBUFFERED, value: "1"}
- {name: PYTHONDONTWRITEBYTECODE, value: "1"}
{{- with include "floe.otlp" . }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{/* Whom to tell of lineage, where anybody is; begins with a line break. */}}
{{- define "dagster.lineageEnv" -}}
{{- with include "floe.openlineage" . }}
- {name: OPENLINEAGE_URL, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{/* Variables of the processes that run a product's code: code locations and runs. */}}
{{- define "dagster.pipelineEnv" -}}
- {name: POLARIS_URI, value: "http://polaris:8181/api/catalog"}
- {name: POLARIS_OAUTH2_SERVER_URI, value: "http://polaris:8181/api/catalog/v1/oauth/tokens"}
{{ include "floe.envFromSecret" (dict "env" "POLARIS_CLIENT_ID" "secret" "polaris-pipeline-credentials" "key" "client-id") }}
{{ include "floe.envFromSecret" (dict "env" "POLARIS_CLIENT_SECRET" "secret" "polaris-pipeline-credentials" "key" "client-secret") }}
- {name: POLARIS_SCOPE, value: "PRINCIPAL_ROLE:ALL"}
- {name: POLARIS_WAREHOUSE, value: {{ .Values.global.lakehouse.warehouse | quote }}}
- {name: S3_ENDPOINT, value: {{ .Values.global.lakehouse.endpoint | quote }}}
- {name: AWS_REGION, value: {{ .Values.global.lakehouse.region | quote }}}
# Where floe's health check finds Dagster.
- {name: DAGSTER_URL, value: "http://dagster-webserver:3000"}
- {name: FLOE_CATALOG_PATIENCE_SECONDS, value: {{ .Values.runs.catalogPatienceSeconds | quote }}}
- {name: FLOE_SCRATCH, value: /scratch}
- {name: DBT_SEND_ANONYMOUS_USAGE_STATS, value: "false"}
{{- include "dagster.lineageEnv" . }}
{{- if not .Values.global.additions }}
{{- $store := include "floe.secretName" (dict "root" . "secret" "minio") }}
{{ include "floe.envFromSecret" (dict "env" "AWS_ACCESS_KEY_ID" "secret" $store "key" "root-user") }}
{{ include "floe.envFromSecret" (dict "env" "AWS_SECRET_ACCESS_KEY" "secret" $store "key" "root-password") }}
{{- end }}
{{- end }}

{{/* Where the image's products are in the pods that run their code. */}}
{{- define "dagster.products" -}}
{{- if .Values.global.additions }}/opt/floe/products{{ else }}/scratch/products{{ end }}
{{- end }}

{{/* The folder of one product: (dict "root" $ "product" .). One that is delivered is unpacked into the scratch. */}}
{{- define "dagster.productFolder" -}}
{{- if .product.configMap }}/scratch/products{{ else }}{{ include "dagster.products" .root }}{{ end }}/{{ .product.name }}
{{- end }}

{{/*
The beginning of a command that unpacks a product that is delivered, goes there and becomes what follows:
(dict "root" $ "product" .). Its code location and each of its runs have it, so that both see the same files
whatever the image holds under that name. An init container would cost each of them a second: the kubelet
looks once a second whether one has ended.
*/}}
{{- define "dagster.unpackAnd" -}}
- sh
- -euc
- |
  folder=/scratch/products/{{ .product.name }}
  rm -rf "$folder"
  mkdir -p "$folder"
  tar -xzf /delivered/product.tar.gz -C "$folder" --no-same-owner
  {{- if not .root.Values.global.additions }}
  {{- include "dagster.nameTheClient" "\"$folder\"" | nindent 2 }}
  {{- end }}
  cd "$folder"
  exec "$@"
- unpack-and
{{- end }}

{{- define "dagster.deliveredMount" -}}
- {name: delivered, mountPath: /delivered, readOnly: true}
{{- end }}

{{/* The volume that a delivered product comes in: (dict "product" .). */}}
{{- define "dagster.delivered" -}}
- name: delivered
  configMap: {name: {{ .product.configMap }}}
{{- end }}

{{/* What the runs of a delivered product need beyond what every run has, as Dagster takes it. */}}
{{- define "dagster.containerContext" -}}
{{- $container := dict
  "command" (include "dagster.unpackAnd" . | fromYamlArray)
  "volumeMounts" (include "dagster.deliveredMount" . | fromYamlArray)
-}}
{{- $pod := dict "volumes" (include "dagster.delivered" . | fromYamlArray) -}}
{{- dict "k8s" (dict "run_k8s_config" (dict "container_config" $container "pod_spec_config" $pod)) | toJson -}}
{{- end }}

{{/*
Without the additions: an init container that copies the image's products to where they can be written
to, as floe's runtime needs it.
*/}}
{{- define "dagster.placeProducts" -}}
- name: place-products
  {{- include "floe.containerImage" (dict "root" . "image" "dagster") | nindent 2 }}
  command:
    - sh
    - -euc
    - |
      cp -r /opt/floe/products /scratch
      {{- include "dagster.nameTheClient" "/scratch/products" | nindent 6 }}
  env:
    {{- include "floe.envFromSecret" (dict "env" "POLARIS_CLIENT_ID" "secret" "polaris-pipeline-credentials" "key" "client-id") | nindent 4 }}
  {{- include "floe.waiterLimits" . | nindent 2 }}
  volumeMounts:
    - {name: scratch, mountPath: /scratch}
{{- end }}

{{/*
Without the additions: the command that says in a folder's artifacts who the pipeline is. floe compiles
the client's id of manifest.yaml into a product and resolves no variable in it, but the id is the
catalog's to give, when the platform stands and the product was compiled long ago.
*/}}
{{- define "dagster.nameTheClient" -}}
find {{ . }} -name compiled_artifacts.json -exec sed -i "s/[$]{POLARIS_CLIENT_ID}/$POLARIS_CLIENT_ID/g" {} +
{{- end }}

{{- define "dagster.mounts" -}}
- {name: instance, mountPath: /opt/dagster/home, readOnly: true}
- {name: scratch, mountPath: /scratch}
{{- end }}

{{- define "dagster.volumes" -}}
- name: instance
  configMap: {name: dagster-instance}
- name: scratch
  emptyDir: {sizeLimit: {{ .Values.runs.scratchSize }}}
{{- end }}

{{/*
An init container that ends when the daemon has recorded its first heartbeat and, with "credentials", when the
catalog has given the pipelines theirs: (dict "root" $ "credentials" true). The daemon alone creates Dagster's
tables: two processes doing so at once can fail. One container for both, since each costs a second.
*/}}
{{- define "dagster.waitForPlatform" -}}
- name: wait-for-platform
  {{- include "floe.containerImage" (dict "root" .root "image" "dagster") | nindent 2 }}
  {{- if .credentials }}
  command:
    - sh
    - -euc
    - |
      python /opt/dagster/scripts/heartbeat.py first
      # Isolated and without site packages: it needs the standard library only, and starts at once.
      exec python3 -I -S /opt/dagster/scripts/await_secret.py "$@"
    - wait-for-platform
    - polaris-pipeline-credentials
    - client-id
    - client-secret
  {{- else }}
  command: [python, /opt/dagster/scripts/heartbeat.py, first]
  {{- end }}
  env:
    {{- include "floe.envFromSecret" (dict "env" "DAGSTER_PG_PASSWORD" "secret" (include "floe.secretName" (dict "root" .root "secret" "postgresql")) "key" "dagster-password") | nindent 4 }}
    - {name: PYTHONUNBUFFERED, value: "1"}
  {{- include "floe.waiterLimits" .root | nindent 2 }}
  volumeMounts:
    {{- if .credentials }}
    {{- include "floe.tokenMount" .root | nindent 4 }}
    {{- end }}
    {{- include "dagster.scriptsMount" . | nindent 4 }}
{{- end }}

{{- define "dagster.scriptsMount" -}}
- {name: scripts, mountPath: /opt/dagster/scripts, readOnly: true}
{{- end }}

{{- define "dagster.scripts" -}}
- name: scripts
  configMap: {name: dagster-scripts}
{{- end }}
