{{/* Variables that server and admin tool share: where the state is. */}}
{{- define "polaris.databaseEnv" -}}
- {name: POLARIS_PERSISTENCE_TYPE, value: relational-jdbc}
- {name: QUARKUS_DATASOURCE_JDBC_URL, value: "jdbc:postgresql://postgresql:5432/polaris"}
- {name: QUARKUS_DATASOURCE_USERNAME, value: polaris}
{{ include "floe.envFromSecret" (dict "env" "QUARKUS_DATASOURCE_PASSWORD" "secret" (include "floe.secretName" (dict "root" . "secret" "postgresql")) "key" "polaris-password") }}
- {name: POLARIS_REALM_CONTEXT_REALMS, value: {{ .Values.global.lakehouse.realm | quote }}}
- {name: JAVA_TOOL_OPTIONS, value: {{ .Values.javaOptions | quote }}}
{{- end }}

{{/* The init container that creates the realm with its root principal, once. */}}
{{- define "polaris.bootstrap" -}}
{{- $root := include "floe.secretName" (dict "root" . "secret" "polarisRoot") }}
{{- $realm := .Values.global.lakehouse.realm -}}
- name: bootstrap
  {{- include "floe.containerImage" (dict "root" . "image" "polarisAdmin") | nindent 2 }}
  command:
    - /bin/sh
    - -c
    - |
      code=0
      "$@" || code=$?
      if [ "$code" -eq 3 ]; then
        echo "the realm is bootstrapped already: nothing to do"
        exit 0
      fi
      exit "$code"
    - bootstrap
    {{- toYaml .Values.bootstrap.entrypoint | nindent 4 }}
    - bootstrap
    - -r
    - {{ $realm | quote }}
    - -c
    - {{ printf "%s,$(POLARIS_ROOT_CLIENT_ID),$(POLARIS_ROOT_CLIENT_SECRET)" $realm | quote }}
  env:
    {{- include "polaris.databaseEnv" . | nindent 4 }}
    {{- include "floe.envFromSecret" (dict "env" "POLARIS_ROOT_CLIENT_ID" "secret" $root "key" "client-id") | nindent 4 }}
    {{- include "floe.envFromSecret" (dict "env" "POLARIS_ROOT_CLIENT_SECRET" "secret" $root "key" "client-secret") | nindent 4 }}
  resources:
    {{- toYaml .Values.bootstrap.resources | nindent 4 }}
  securityContext:
    {{- include "floe.containerSecurityContext" . | nindent 4 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
{{- end }}

{{/* The pod that makes the warehouse and hands out the credentials of its principals. */}}
{{- define "polaris.setupPod" -}}
{{- $root := include "floe.secretName" (dict "root" . "secret" "polarisRoot") }}
{{- $minio := include "floe.secretName" (dict "root" . "secret" "minio") }}
{{- $buckets := .Values.global.lakehouse.buckets }}
{{- include "floe.podSpec" (dict "root" . "uid" .Values.setup.uid) }}
serviceAccountName: polaris-setup
restartPolicy: OnFailure
# It waits for the catalog itself: an init container that did would cost a second.
containers:
  - name: setup
    {{- include "floe.containerImage" (dict "root" . "image" "dagster") | nindent 4 }}
    command: [python, -m, floe_platform_setup, catalog]
    env:
      - {name: POLARIS_URI, value: "http://polaris:8181"}
      - {name: POLARIS_REALM, value: {{ .Values.global.lakehouse.realm | quote }}}
      {{- include "floe.envFromSecret" (dict "env" "POLARIS_ROOT_CLIENT_ID" "secret" $root "key" "client-id") | nindent 6 }}
      {{- include "floe.envFromSecret" (dict "env" "POLARIS_ROOT_CLIENT_SECRET" "secret" $root "key" "client-secret") | nindent 6 }}
      - {name: CATALOG_NAME, value: {{ .Values.global.lakehouse.warehouse | quote }}}
      - {name: CATALOG_BASE_LOCATION, value: {{ printf "s3://%s/" (first $buckets) | quote }}}
      - {name: CATALOG_ALLOWED_LOCATIONS, value: {{ printf "s3://%s/" (join "/,s3://" $buckets) | quote }}}
      - {name: S3_ENDPOINT, value: {{ .Values.global.lakehouse.endpoint | quote }}}
      - {name: AWS_REGION, value: {{ .Values.global.lakehouse.region | quote }}}
      {{- include "floe.envFromSecret" (dict "env" "AWS_ACCESS_KEY_ID" "secret" $minio "key" "root-user") | nindent 6 }}
      {{- include "floe.envFromSecret" (dict "env" "AWS_SECRET_ACCESS_KEY" "secret" $minio "key" "root-password") | nindent 6 }}
      - {name: BUCKETS, value: {{ join "," $buckets | quote }}}
      - name: POD_NAMESPACE
        valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}
      - {name: PYTHONUNBUFFERED, value: "1"}
      - {name: HOME, value: /tmp}
    resources:
      {{- toYaml .Values.setup.resources | nindent 6 }}
    securityContext:
      {{- include "floe.containerSecurityContext" . | nindent 6 }}
    volumeMounts:
      {{- include "floe.tokenMount" . | nindent 6 }}
      - {name: tmp, mountPath: /tmp}
volumes:
  {{- include "floe.tokenVolume" . | nindent 2 }}
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
{{- end }}
