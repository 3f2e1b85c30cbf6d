{{/*
Jaeger's configuration: spans come from the collector by OTLP and stay in memory, the oldest traces first to go.
*/}}
{{- define "jaeger.configuration" -}}
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
exporters:
  jaeger_storage_exporter:
    trace_storage: memory
extensions:
  jaeger_storage:
    backends:
      memory:
        memory:
          max_traces: {{ int .Values.maxTraces }}
  jaeger_query:
    storage:
      traces: memory
    # What is asked of it is no trace of the platform.
    enable_tracing: false
    http:
      endpoint: 0.0.0.0:16686
    grpc:
      endpoint: 0.0.0.0:16685
  healthcheckv2:
    use_v2: true
    http:
      endpoint: 0.0.0.0:13133
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [jaeger_storage_exporter]
  telemetry:
    resource:
      service.name: jaeger
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
