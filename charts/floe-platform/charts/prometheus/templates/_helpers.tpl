{{/*
What Prometheus scrapes: every service of the release that has metrics. Dagster and PostgreSQL have none of their own;
what Dagster's runs do comes through the collector, with labels that are the senders' own.
*/}}
{{- define "prometheus.configuration" -}}
{{- $parts := .Values.global.observability -}}
global:
  scrape_interval: {{ .Values.scrape.interval }}
  scrape_timeout: {{ .Values.scrape.timeout }}
  evaluation_interval: {{ .Values.scrape.interval }}
rule_files: [/etc/prometheus/rules.yml]
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: ["localhost:9090"]}]
  {{- if $parts.collector }}
  - job_name: telemetry
    honor_labels: true
    static_configs: [{targets: ["otel-collector:8889"]}]
    metric_relabel_configs:
      # The instrumentation scope is the same for all of one program, and its version is no reason for a new series.
      - {action: labeldrop, regex: otel_scope_.*}
  - job_name: otel-collector
    static_configs: [{targets: ["otel-collector:8888"]}]
  {{- end }}
  {{- if $parts.jaeger }}
  - job_name: jaeger
    static_configs: [{targets: ["jaeger:8888"]}]
  {{- end }}
  {{- if $parts.grafana }}
  - job_name: grafana
    static_configs: [{targets: ["grafana:3000"]}]
  {{- end }}
  - job_name: minio
    metrics_path: /minio/v2/metrics/cluster
    static_configs: [{targets: ["minio:9000"]}]
  - job_name: polaris
    metrics_path: /q/metrics
    static_configs: [{targets: ["polaris:8182"]}]
  {{- if .Values.global.lineage.enabled }}
  - job_name: marquez
    static_configs: [{targets: ["marquez:5000"]}]
  {{- end }}
{{- end }}

{{/* What a person should hear of: each alert is a sentence about the platform. */}}
{{- define "prometheus.rules" -}}
groups:
  - name: floe
    rules:
      - alert: ServiceWithoutMetrics
        expr: up == 0
        for: 30s
        annotations:
          summary: {{ `"{{ $labels.job }} has not answered for 30 s"` }}
      - alert: LastRunFailed
        expr: >-
          max by (product) (floe_run_ended_timestamp_seconds{status="failure"})
          > on (product)
          (max by (product) (floe_run_ended_timestamp_seconds{status="success"})
          or on (product) 0 * max by (product) (floe_run_ended_timestamp_seconds))
        annotations:
          summary: {{ `"the last run of {{ $labels.product }} failed"` }}
      - alert: TestsFailed
        expr: sum by (product) (floe_run_tests{status=~"fail|error"}) > 0
        annotations:
          summary: {{ `"{{ $value }} tests of the last run of {{ $labels.product }} failed"` }}
{{- end }}
