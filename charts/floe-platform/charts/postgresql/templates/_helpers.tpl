{{/* Key of a database's password in the Secret, from the database's name. */}}
{{- define "postgresql.passwordKey" -}}
{{ . | replace "_" "-" }}-password
{{- end }}

{{/* Variable that hands that password to the initialisation script. */}}
{{- define "postgresql.passwordVariable" -}}
{{ upper . }}_OWNER_PASSWORD
{{- end }}
