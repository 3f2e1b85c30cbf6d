{{/* Name of a product's code location, as Deployment and Service. */}}
{{- define "dagster.codeName" -}}
dagster-code-{{ .name }}
{{- end }}

{{/* Variables of every Dagster process: where its instance is, and the password that it names. */}}
{{- define "dagster.instanceEnv" -}}
- {name: DAGSTER_HOME, value: /opt/dagster/home}
{{ include "floe.envFromSecret" (dict "env" "DAGSTER_PG_PASSWORD" "secret" (include "floe.secretName" (dict "root" . "secret" "postgresql")) "key" "dagster-password") }}
- {name: HOME, value: /opt/floe/home}
- {name: TMPDIR, value: /scratch}
- {name: PYTHONUNBUFFERED, value: "1"}
- {name: PYTHONDONTWRITEBYTECODE, value: "1"}
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
- {name: FLOE_SCRATCH, value: /scratch}
- {name: DBT_SEND_ANONYMOUS_USAGE_STATS, value: "false"}
{{- if not .Values.global.additions }}
{{- $store := include "floe.secretName" (dict "root" . "secret" "minio") }}
{{ include "floe.envFromSecret" (dict "env" "AWS_ACCESS_KEY_ID" "secret" $store "key" "root-user") }}
{{ include "floe.envFromSecret" (dict "env" "AWS_SECRET_ACCESS_KEY" "secret" $store "key" "root-password") }}
{{- end }}
{{- end }}

{{/* Where the products are in the pods that run their code. */}}
{{- define "dagster.products" -}}
{{- if .Values.global.additions }}/opt/floe/products{{ else }}/scratch/products{{ end }}
{{- end }}

{{/*
Without the additions: an init container that copies the products to where they can be written to, as
floe's runtime needs it, and says in the copy who the pipeline is. floe compiles the client's id of
manifest.yaml into the product and resolves no variable in it, but the id is the catalog's to give,
when the platform stands and the image was built long ago.
*/}}
{{- define "dagster.placeProducts" -}}
- name: place-products
  {{- include "floe.containerImage" (dict "root" . "image" "dagster") | nindent 2 }}
  command:
    - sh
    - -euc
    - |
      cp -r /opt/floe/products /scratch
      sed -i "s/[$]{POLARIS_CLIENT_ID}/$POLARIS_CLIENT_ID/g" /scratch/products/*/compiled_artifacts.json
  env:
    {{- include "floe.envFromSecret" (dict "env" "POLARIS_CLIENT_ID" "secret" "polaris-pipeline-credentials" "key" "client-id") | nindent 4 }}
  {{- include "floe.waiterLimits" . | nindent 2 }}
  volumeMounts:
    - {name: scratch, mountPath: /scratch}
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
An init container that ends when the daemon has recorded its first heartbeat. The daemon alone
creates Dagster's tables: two processes doing so at once can fail. A query by psql costs nothing
beside a Python process that starts, fails and starts again.
*/}}
{{- define "dagster.waitForDaemon" -}}
- name: wait-for-daemon
  {{- include "floe.containerImage" (dict "root" . "image" "postgresql") | nindent 2 }}
  command:
    - bash
    - -c
    - |
      echo "waiting for the daemon's first heartbeat in the database dagster"
      ask=(psql --no-psqlrc --tuples-only --no-align)
      until answer=$("${ask[@]}" --command="select 'there' from daemon_heartbeats limit 1" 2>&1) && [ "$answer" = there ]; do
        if [ "$SECONDS" -ge 300 ]; then
          echo "no heartbeat within 300 s: $answer" >&2
          exit 1
        fi
        sleep 0.3
      done
  env:
    - {name: PGHOST, value: postgresql}
    - {name: PGDATABASE, value: dagster}
    - {name: PGUSER, value: dagster}
    - {name: PGCONNECT_TIMEOUT, value: "2"}
    {{- include "floe.envFromSecret" (dict "env" "PGPASSWORD" "secret" (include "floe.secretName" (dict "root" . "secret" "postgresql")) "key" "dagster-password") | nindent 4 }}
  {{- include "floe.waiterLimits" . | nindent 2 }}
{{- end }}
