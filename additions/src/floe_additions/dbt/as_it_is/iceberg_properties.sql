{# The properties of a table that this compute plugin asks for: none, so the engine's own defaults apply. #}
{% macro iceberg_properties() %}
  {{ return({}) }}
{% endmacro %}
