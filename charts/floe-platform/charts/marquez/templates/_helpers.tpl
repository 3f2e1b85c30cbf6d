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
