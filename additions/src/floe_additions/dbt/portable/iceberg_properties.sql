{# The properties of a table that this compute plugin asks for: files that every Parquet reader can read. #}
{% macro iceberg_properties() %}
  {{ return({'write.parquet.compression-codec': 'snappy'}) }}
{% endmacro %}
