{{/* "yes" when the service has a PostgreSQL of its own, else empty. */}}
{{- define "marquez.dedicated" -}}
{{- if eq .Values.global.lineage.database "dedicated" -}}yes{{- end -}}
{{- end }}

{{/* The PostgreSQL that holds its database. */}}
{{- define "marquez.postgresql" -}}
{{- if include "marquez.dedicated" . -}}marquez-postgresql{{- else -}}postgresql{{- end -}}
{{- end }}

{{/* The Secret with the password of the database's owner. */}}
{{- define "marquez.secret" -}}
{{- include "floe.secretName" (dict "root" . "secret" (ternary "marquez" "postgresql" (eq (include "marquez.dedicated" .) "yes"))) -}}
{{- end }}

{{/* What the definitions of the postgresql sub-chart take for the server of its own, as JSON without root. */}}
{{- define "marquez.server" -}}
{{- toJson (dict "name" "marquez-postgresql" "databases" (list "marquez") "secret" (include "marquez.secret" .) "values" .Values.postgresql) -}}
{{- end }}

{{/*
Marquez' own configuration. The one in its image has a password written into it and asks for a search
engine; the image substitutes variables of the environment in this file. The stand-in reads those alone.
*/}}
{{- define "marquez.configuration" -}}
server:
  applicationConnectors:
    - {type: http, port: 5000, httpCompliance: RFC7230_LEGACY}
  adminConnectors:
    - {type: http, port: 5001}
db:
  driverClass: org.postgresql.Driver
  url: jdbc:postgresql://${POSTGRES_HOST}:${POSTGRES_PORT}/${POSTGRES_DB}
  user: ${POSTGRES_USER}
  password: ${POSTGRES_PASSWORD}
migrateOnStartup: true
graphql:
  enabled: false
search:
  enabled: false
logging:
  level: WARN
{{- end }}

{{/*
An init container that makes its database on the platform's PostgreSQL where it is not there yet: a server whose volume
is older than the lineage service has made its databases long ago. The same statements as on a new volume.
*/}}
{{- define "marquez.database" -}}
{{- $secret := include "marquez.secret" . -}}
- name: database
  {{- include "floe.containerImage" (dict "root" . "image" "postgresql") | nindent 2 }}
  command:
    - psql
    - --no-psqlrc
    - --quiet
    - --set=ON_ERROR_STOP=1
    - --file=/sql/database.sql
  env:
    - {name: PGHOST, value: {{ include "marquez.postgresql" . }}}
    - {name: PGUSER, value: postgres}
    - {name: PGCONNECT_TIMEOUT, value: "10"}
    {{- include "floe.envFromSecret" (dict "env" "PGPASSWORD" "secret" $secret "key" "superuser-password") | nindent 4 }}
    {{- include "floe.envFromSecret" (dict "env" (include "postgresql.passwordVariable" "marquez") "secret" $secret "key" "marquez-password") | nindent 4 }}
  {{- include "floe.waiterLimits" . | nindent 2 }}
  volumeMounts:
    - {name: configuration, mountPath: /sql, readOnly: true}
{{- end }}

{{- define "marquez.databaseScript" -}}
\getenv owner_password {{ include "postgresql.passwordVariable" "marquez" }}
SELECT format('CREATE ROLE marquez LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %L', :'owner_password')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'marquez') \gexec
-- The Secret may be younger than the role: lineage that was kept elsewhere meanwhile took the password with it.
SELECT format('ALTER ROLE marquez PASSWORD %L', :'owner_password') \gexec
SELECT 'CREATE DATABASE marquez OWNER marquez'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'marquez') \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE marquez FROM PUBLIC;
{{- end }}
