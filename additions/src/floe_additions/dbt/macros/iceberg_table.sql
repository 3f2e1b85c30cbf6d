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
  {% if existing_relation is not none %}
    {% do iceberg_keep_properties(target_relation) %}
  {% endif %}
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


{# The statement that makes the table from a query, with the properties that the compute plugin asks for. #}
{% macro iceberg_create(relation, query) -%}
{%- set wanted = iceberg_wanted(relation) -%}
create table {{ relation }}
{%- if wanted %} with ({% for name, value in wanted.items() %}'{{ name }}' = '{{ value }}'{{ ", " if not loop.last }}{% endfor %}){% endif %} as (
{{ query }}
)
{%- endmacro %}


{#
  Give a table that is there already the properties that the compute plugin asks for. In a transaction of
  its own: what is written in the one that changes a property is still written by the old one.
#}
{% macro iceberg_keep_properties(relation) %}
  {%- set wanted = iceberg_wanted(relation) -%}
  {%- set missing = {} -%}
  {%- if wanted -%}
    {%- set present = {} -%}
    {%- for property in run_query("select key, value from iceberg_table_properties('" ~ relation ~ "')").rows -%}
      {%- do present.update({property[0]: property[1]}) -%}
    {%- endfor -%}
    {%- for name, value in wanted.items() if present.get(name) != value -%}
      {%- do missing.update({name: value}) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- if missing -%}
    {% call statement('properties') -%}
      call set_iceberg_table_properties('{{ relation }}', {
        {%- for name, value in missing.items() %}'{{ name }}': '{{ value }}'{{ ", " if not loop.last }}{% endfor -%}
      })
    {%- endcall %}
    {% do adapter.commit() %}
  {%- endif -%}
{% endmacro %}


{# What the compute plugin asks for (`iceberg_properties`), where there is an Iceberg catalog to take it. #}
{% macro iceberg_wanted(relation) %}
  {%- set wanted = iceberg_properties() -%}
  {%- set query = "select count(*) from duckdb_databases() where type = 'iceberg' and database_name = '"
      ~ relation.database ~ "'" -%}
  {{ return(wanted if wanted and run_query(query).rows[0][0] else {}) }}
{% endmacro %}


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
