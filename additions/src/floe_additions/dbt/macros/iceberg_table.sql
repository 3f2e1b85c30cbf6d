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
    {%- set repartition = iceberg_repartition(target_relation, sql) -%}
    {% call statement('main') -%}
      {{ iceberg_replace_rows(target_relation, sql, repartition) }}
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
create table {{ relation }}{{ iceberg_partitioned_by(relation, query) }}
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
  {{ return(wanted if wanted and iceberg_is_attached(relation) else {}) }}
{% endmacro %}


{# Whether a relation is in an Iceberg catalog; while a product is compiled there is none. #}
{% macro iceberg_is_attached(relation) %}
  {%- set query = "select count(*) from duckdb_databases() where type = 'iceberg' and database_name = '"
      ~ relation.database ~ "'" -%}
  {{ return(run_query(query).rows[0][0] > 0) }}
{% endmacro %}


{#
  The statements that put a query's rows in the place of all rows; they run in one transaction. A partitioning
  changes between the old rows and the new ones.
#}
{% macro iceberg_replace_rows(relation, query, repartition='') -%}
delete from {{ relation }};
{{ repartition }}
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
  Make an existing table fit a query: a new column is added, a type that is wider now widens in place, a lost
  or changed column is refused by name, because `insert by name` would fill a lost one with nulls and say nothing.
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
  {%- set refused, wider = [], {} -%}
  {%- for name, type in present.items() -%}
    {%- if name not in wanted -%}
      {%- do refused.append('column ' ~ name ~ ' is dropped') -%}
    {%- elif iceberg_widens(type, wanted[name]) -%}
      {%- do wider.update({name: wanted[name]}) -%}
    {%- elif wanted[name] != type -%}
      {%- do refused.append('column ' ~ name ~ ' changes from ' ~ type ~ ' to ' ~ wanted[name]) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if refused -%}
    {%- do exceptions.raise_compiler_error(
        'table ' ~ relation ~ ' would break its readers: ' ~ refused | join('; ')) -%}
  {%- endif -%}
  {%- for name, type in wider.items() -%}
    {% call statement('widen_column') -%}
      alter table {{ relation }} alter column {{ adapter.quote(name) }} type {{ type }}
    {%- endcall %}
  {%- endfor -%}
  {%- for name, type in wanted.items() if name not in present -%}
    {% call statement('add_column') -%}
      alter table {{ relation }} add column {{ adapter.quote(name) }} {{ type }}
    {%- endcall %}
  {%- endfor -%}
{% endmacro %}


{# Whether Iceberg changes one type into another in place, every value kept; `floe-complete compile` says the same. #}
{% macro iceberg_widens(old, new) %}
  {%- set decimal = 'DECIMAL\\((\\d+),(\\d+)\\)' -%}
  {%- set before, after = modules.re.fullmatch(decimal, old), modules.re.fullmatch(decimal, new) -%}
  {{ return(
      (old, new) in [('INTEGER', 'BIGINT'), ('FLOAT', 'DOUBLE')]
      or (before and after and after.group(1) | int > before.group(1) | int and after.group(2) == before.group(2)) | default(false, true)
  ) }}
{% endmacro %}
