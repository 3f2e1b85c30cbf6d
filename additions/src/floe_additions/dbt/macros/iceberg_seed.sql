{#
  `seed` as an Iceberg table, typed: every column has its type in `column_types`, by name, and a
  value that does not fit is an error that names file and line. DuckDB reads the CSV itself; dbt's
  own way through Python objects takes minutes for a million rows. An empty field is null.
#}
{% materialization seed, adapter='duckdb' %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set types = config.get('column_types') -%}
  {%- if not types -%}
    {%- do exceptions.raise_compiler_error('seed ' ~ model.name ~ ' has no column_types: every column needs its type') -%}
  {%- endif -%}
  {%- set query = iceberg_read_csv(adapter.get_seed_file_path(model), types, config.get('delimiter', ',')) -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {% if existing_relation is not none %}
    {% do iceberg_keep_properties(target_relation) %}
  {% endif %}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% if existing_relation is none %}
    {% call statement('main') -%}
      {{ iceberg_create(target_relation, query) }}
    {%- endcall %}
  {% else %}
    {% do iceberg_fit_columns(target_relation, query) %}
    {% call statement('main') -%}
      {{ iceberg_replace_rows(target_relation, query) }}
    {%- endcall %}
  {% endif %}

  {# dbt asks a seed for the table it read into memory; there is none. #}
  {%- do store_result('agate_table', response='OK') -%}

  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{# The query over a CSV file whose header names exactly the typed columns, in any order. #}
{% macro iceberg_read_csv(path, types, delimiter) -%}
select {% for name in types %}{{ adapter.quote(name) }}{{ ", " if not loop.last }}{% endfor %}

from read_csv(
  '{{ adapter.escape_sql_string(path) }}',
  header = true, delim = '{{ delimiter }}', quote = '"', escape = '"', nullstr = '', strict_mode = true,
  types = { {%- for name, type in types.items() %}'{{ name }}': '{{ type }}'{{ ", " if not loop.last }}{% endfor -%} }
)
{%- endmacro %}
