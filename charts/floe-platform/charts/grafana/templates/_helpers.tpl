{{/* What Grafana asks. The dashboards name their source by its uid. */}}
{{- define "grafana.datasources" -}}
apiVersion: 1
datasources:
  {{- if .Values.global.observability.prometheus }}
  - name: Prometheus
    uid: prometheus
    type: prometheus
    access: proxy
    url: http://prometheus:9090
    isDefault: true
    editable: false
    jsonData:
      timeInterval: 5s
  {{- end }}
  {{- if .Values.global.observability.jaeger }}
  - name: Jaeger
    uid: jaeger
    type: jaeger
    access: proxy
    url: http://jaeger:16686
    editable: false
  {{- end }}
{{- end }}

{{/* Where it finds the dashboards. */}}
{{- define "grafana.providers" -}}
apiVersion: 1
providers:
  - name: floe
    folder: floe
    type: file
    allowUiUpdates: false
    options:
      path: /var/lib/floe/dashboards
{{- end }}
