{{/*
The collector's configuration. It names only what both OpenTelemetry's own collector (contrib) and Jaeger's program
have; the chart runs the latter, so that one image serves both and the same bytes run with a registry and without.

A run is a process that ends, and its gauges are to be seen until the next run replaces them: they expire after a
day. Resource attributes do not become labels: the product's version and the SDK's would begin new series while the
old ones are still told, and whoever sums them would count twice.
*/}}
{{- define "otel-collector.configuration" -}}
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318
processors:
  memory_limiter:
    check_interval: 1s
    limit_percentage: 75
    spike_limit_percentage: 20
  batch:
    timeout: 200ms
exporters:
  {{- if .Values.global.observability.jaeger }}
  otlp/jaeger:
    endpoint: jaeger:4317
    tls:
      insecure: true
    sending_queue:
      queue_size: 2000
    retry_on_failure:
      initial_interval: 500ms
      max_interval: 5s
      max_elapsed_time: 60s
  {{- else }}
  nop:
  {{- end }}
  prometheus:
    endpoint: 0.0.0.0:8889
    metric_expiration: 24h
    resource_to_telemetry_conversion:
      enabled: false
extensions:
  healthcheckv2:
    use_v2: true
    http:
      endpoint: 0.0.0.0:13133
service:
  extensions: [healthcheckv2]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [{{ if .Values.global.observability.jaeger }}otlp/jaeger{{ else }}nop{{ end }}]
    metrics:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [prometheus]
  telemetry:
    resource:
      service.name: otel-collector
    logs:
      level: warn
      encoding: json
    metrics:
      level: normal
      readers:
        - pull:
            exporter:
              prometheus:
                host: 0.0.0.0
                port: 8888
{{- end }}
