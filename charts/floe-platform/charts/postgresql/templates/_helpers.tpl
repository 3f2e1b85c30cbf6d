{{/* Key of a database's password in the Secret, from the database's name. */}}
{{- define "postgresql.passwordKey" -}}
{{ . | replace "_" "-" }}-password
{{- end }}

{{/* Variable that hands that password to the initialisation script. */}}
{{- define "postgresql.passwordVariable" -}}
{{ upper . }}_OWNER_PASSWORD
{{- end }}

{{/*
The objects below are those of one PostgreSQL server:
(dict "root" $ "name" NAME "databases" (list ...) "secret" SECRET "values" (dict "uid" ... "settings" ... "resources" ... "persistence" ...)).
*/}}

{{/* What makes the databases on a new volume. */}}
{{- define "postgresql.script" -}}
\set ON_ERROR_STOP on
-- Whoever is not named below gets into no database, and template1 hands the rule on.
REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC;
REVOKE CONNECT, TEMPORARY ON DATABASE template1 FROM PUBLIC;
{{- range .databases }}

\getenv owner_password {{ include "postgresql.passwordVariable" . }}
CREATE ROLE {{ . }} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE DATABASE {{ . }} OWNER {{ . }};
REVOKE CONNECT, TEMPORARY ON DATABASE {{ . }} FROM PUBLIC;
{{- end }}
{{- end }}

{{- define "postgresql.initialisation" -}}
{{- $labels := dict "root" .root "name" .name "component" "database" }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .name }}-init
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "floe.labels" $labels | nindent 4 }}
data:
  # Runs once, on a new volume. Passwords come from the environment, which psql reads: none is written here.
  10-databases.sql: |
    {{- include "postgresql.script" . | nindent 4 }}
{{- end }}

{{- define "postgresql.service" -}}
{{- $labels := dict "root" .root "name" .name "component" "database" }}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "floe.labels" $labels | nindent 4 }}
spec:
  selector:
    {{- include "floe.selector" $labels | nindent 4 }}
  ports:
    - name: postgresql
      port: 5432
      targetPort: postgresql
{{- end }}

{{- define "postgresql.server" -}}
{{- $labels := dict "root" .root "name" .name "component" "database" }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "floe.labels" $labels | nindent 4 }}
spec:
  serviceName: {{ .name }}
  replicas: 1
  selector:
    matchLabels:
      {{- include "floe.selector" $labels | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "floe.podLabels" $labels | nindent 8 }}
      annotations:
        checksum/config: {{ include "postgresql.script" . | sha256sum }}
    spec:
      {{- include "floe.podSpec" (dict "root" .root "uid" .values.uid) | nindent 6 }}
      terminationGracePeriodSeconds: 30
      containers:
        - name: postgresql
          {{- include "floe.containerImage" (dict "root" .root "image" "postgresql") | nindent 10 }}
          args:
            - postgres
            - -c
            - listen_addresses=*
            {{- range $name, $value := .values.settings }}
            - -c
            - {{ printf "%s=%s" $name $value | quote }}
            {{- end }}
          ports:
            - {name: postgresql, containerPort: 5432}
          env:
            # Inside the volume, so that the folder is the server's own whatever made the volume.
            - {name: PGDATA, value: /var/lib/postgresql/data/pgdata}
            {{- include "floe.envFromSecret" (dict "env" "POSTGRES_PASSWORD" "secret" $.secret "key" "superuser-password") | nindent 12 }}
            {{- range .databases }}
            {{- include "floe.envFromSecret" (dict "env" (include "postgresql.passwordVariable" .) "secret" $.secret "key" (include "postgresql.passwordKey" .)) | nindent 12 }}
            {{- end }}
          # By TCP: while the volume is being initialised the server listens on its socket only.
          startupProbe:
            exec:
              command: [pg_isready, --quiet, --host=127.0.0.1, --username=postgres]
            periodSeconds: 1
            timeoutSeconds: 3
            failureThreshold: 120
          readinessProbe:
            exec:
              command: [pg_isready, --quiet, --host=127.0.0.1, --username=postgres]
            periodSeconds: 5
            timeoutSeconds: 3
          livenessProbe:
            tcpSocket:
              port: postgresql
            periodSeconds: 20
            timeoutSeconds: 5
            failureThreshold: 6
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          securityContext:
            {{- include "floe.containerSecurityContext" .root | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: /var/lib/postgresql/data}
            - {name: init, mountPath: /docker-entrypoint-initdb.d, readOnly: true}
            - {name: run, mountPath: /var/run/postgresql}
            - {name: tmp, mountPath: /tmp}
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: {{ .name }}-data}
        - name: init
          configMap: {name: {{ .name }}-init}
        - name: run
          emptyDir: {sizeLimit: 16Mi}
        - name: tmp
          emptyDir: {sizeLimit: 256Mi}
{{- end }}

{{/* Lengths of the passwords that a server's Secret holds, by key: (dict "databases" (list ...)). */}}
{{- define "postgresql.passwords" -}}
{{- $keys := dict "superuser-password" 32 -}}
{{- range .databases }}
{{- $_ := set $keys (include "postgresql.passwordKey" .) 32 }}
{{- end }}
{{- toJson $keys -}}
{{- end }}
