{#
  `incremental` as an Iceberg table. With a unique_key the strategy is `merge` (update what is
  known, insert what is new), without one `append`. The new rows are computed once, into a
  temporary table in memory, and committed in one transaction.
#}
{% materialization incremental, adapter='duckdb', supported_languages=['sql'] %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set strategy = config.get('incremental_strategy') or ('merge' if config.get('unique_key') else 'append') -%}
  {%- set keys = iceberg_keys(config.get('unique_key')) -%}
  {%- if strategy not in ['merge', 'append'] -%}
    {%- do exceptions.raise_compiler_error(
        'incremental_strategy ' ~ strategy ~ ' of ' ~ model.name ~ ' is not one of merge, append') -%}
  {%- elif strategy == 'merge' and not keys -%}
    {%- do exceptions.raise_compiler_error('incremental model ' ~ model.name ~ ' merges and needs a unique_key') -%}
  {%- endif -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {% if existing_relation is not none %}
    {% do iceberg_keep_properties(target_relation) %}
  {% endif %}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% do iceberg_contract(sql) %}

  {% if existing_relation is none %}
    {% call statement('main') -%}
      {{ iceberg_create(target_relation, sql) }}
    {%- endcall %}
  {% elif should_full_refresh() %}
    {% do iceberg_fit_columns(target_relation, sql) %}
    {%- set repartition = iceberg_repartition(target_relation, sql) -%}
    {% if not repartition %}
      {% do iceberg_refuse_across_partitionings(target_relation, repartition) %}
    {% endif %}
    {% call statement('main') -%}
      {{ iceberg_replace_rows(target_relation, sql, repartition) }}
    {%- endcall %}
  {% else %}
    {% do iceberg_fit_columns(target_relation, sql) %}
    {%- set arrived = make_temp_relation(target_relation, '__arrived') -%}
    {% call statement('arrived') -%}
      create temporary table {{ arrived }} as (
      {{ sql }}
      )
    {%- endcall %}
    {%- set repartition = iceberg_repartition(target_relation, sql, deletes=strategy == 'merge') -%}
    {%- if strategy == 'merge' -%}
      {% do iceberg_refuse_repeated_keys(arrived, keys) %}
      {% do iceberg_refuse_across_partitionings(target_relation, repartition, arrived, keys) %}
    {%- endif -%}
    {% call statement('main') -%}
      {{ repartition }}
      {%- if strategy == 'merge' -%}
        {{ iceberg_merge(target_relation, arrived, keys, iceberg_column_names(arrived)) }}
      {%- else -%}
        {{ iceberg_append(target_relation, arrived) }}
      {%- endif -%}
    {%- endcall %}
    {% call statement('done') -%}
      drop table {{ arrived }}
    {%- endcall %}
  {% endif %}

  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{# unique_key as a list, whether it was given as one name or several. #}
{% macro iceberg_keys(unique_key) %}
  {%- if not unique_key -%}
    {{ return([]) }}
  {%- elif unique_key is string -%}
    {{ return([unique_key]) }}
  {%- else -%}
    {{ return(unique_key | list) }}
  {%- endif -%}
{% endmacro %}


{% macro iceberg_column_names(relation) %}
  {%- set names = [] -%}
  {%- for column in run_query('describe ' ~ relation).rows -%}
    {%- do names.append(column[0]) -%}
  {%- endfor -%}
  {{ return(names) }}
{% endmacro %}


{# Two new rows of one key have no right answer: which would win is chance. #}
{% macro iceberg_refuse_repeated_keys(relation, keys) %}
  {%- set columns = keys | join(', ') -%}
  {%- set found = run_query(
      'select ' ~ columns ~ ', count(*) from ' ~ relation ~ ' group by ' ~ columns ~ ' having count(*) > 1 limit 1') -%}
  {%- if found.rows | length > 0 -%}
    {%- do exceptions.raise_compiler_error(
        'merge into ' ~ model.name ~ ': several new rows have ' ~ columns ~ ' = '
        ~ found.rows[0].values()[:-1] | join(', ')) -%}
  {%- endif -%}
{% endmacro %}


{% macro iceberg_append(target, arrived) -%}
insert into {{ target }} by name select * from {{ arrived }}
{%- endmacro %}


{# Keys are compared null-safe: a row whose key is null is updated too, not inserted again. #}
{% macro iceberg_merge(target, arrived, keys, columns) -%}
merge into {{ target }} as known
using {{ arrived }} as arrived
on {% for key in keys %}known.{{ key }} is not distinct from arrived.{{ key }}{{ " and " if not loop.last }}{% endfor %}

when matched then update set
  {% for column in columns if column not in keys -%}
  {{ adapter.quote(column) }} = arrived.{{ adapter.quote(column) }}{{ ", " if not loop.last }}
  {%- endfor %}

when not matched then insert ({% for column in columns %}{{ adapter.quote(column) }}{{ ", " if not loop.last }}{% endfor %})
  values ({% for column in columns %}arrived.{{ adapter.quote(column) }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}
