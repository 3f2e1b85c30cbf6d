{#
  `table` as an Iceberg table: created from the query when absent, else emptied and filled again in
  one transaction, so that a reader sees the old rows or the new ones and the history is kept.
  (Iceberg through DuckDB has no `create or replace` and cannot rename what the transaction wrote,
  which is how the stock materialization works.)
#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing_relation = load_cached_relation(this) -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% if existing_relation is none %}
    {% do iceberg_contract(sql) %}
    {% call statement('main') -%}
      {{ iceberg_create(target_relation, sql) }}
    {%- endcall %}
  {% else %}
    {% do iceberg_contract(sql) %}
    {% do iceberg_fit_columns(target_relation, sql) %}
    {% call statement('main') -%}
      {{ iceberg_replace_rows(target_relation, sql) }}
    {%- endcall %}
  {% endif %}

  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{# The statement that makes the table from a query. #}
{% macro iceberg_create(relation, query) -%}
create table {{ relation }} as (
{{ query }}
)
{%- endmacro %}


{# The statements that put a query's rows in the place of all rows; they run in one transaction. #}
{% macro iceberg_replace_rows(relation, query) -%}
delete from {{ relation }};
insert into {{ relation }} by name (
{{ query }}
)
{%- endmacro %}


{# An enforced dbt contract is checked against the query, as dbt's own materializations do. #}
{% macro iceberg_contract(query) %}
  {% if config.get('contract') and config.get('contract').enforced %}
    {{ get_assert_columns_equivalent(query) }}
  {% endif %}
{% endmacro %}


{#
  Make an existing table fit a query: a new column is added, a lost or changed one is refused by
  name, because `insert by name` would fill a lost column with nulls and say nothing.
#}
{% macro iceberg_fit_columns(relation, query) %}
  {%- set wanted = {} -%}
  {%- for column in run_query('describe (' ~ query ~ '\n)').rows -%}
    {%- do wanted.update({column[0]: column[1]}) -%}
  {%- endfor -%}
  {%- set present = {} -%}
  {%- for column in run_query('describe ' ~ relation).rows -%}
    {%- do present.update({column[0]: column[1]}) -%}
  {%- endfor -%}
  {%- set refused = [] -%}
  {%- for name, type in present.items() -%}
    {%- if name not in wanted -%}
      {%- do refused.append('column ' ~ name ~ ' is dropped') -%}
    {%- elif wanted[name] != type -%}
      {%- do refused.append('column ' ~ name ~ ' changes from ' ~ type ~ ' to ' ~ wanted[name]) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if refused -%}
    {%- do exceptions.raise_compiler_error(
        'table ' ~ relation ~ ' would break its readers: ' ~ refused | join('; ')) -%}
  {%- endif -%}
  {%- for name, type in wanted.items() if name not in present -%}
    {% call statement('add_column') -%}
      alter table {{ relation }} add column {{ adapter.quote(name) }} {{ type }}
    {%- endcall %}
  {%- endfor -%}
{% endmacro %}
