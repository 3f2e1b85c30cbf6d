{#
  `partition_by` of a model: a list such as ["day(sold_at)", "country", "bucket(16, customer_id)"]. A table is
  made with it; one that is there already takes it for what is written from then on, and what was written
  before stays where it is and readable.

  DuckDB 1.5 writes a deletion of a row under the partitioning of today, whichever the row was written under,
  and other readers of Iceberg then still see the row. So a row is never deleted across partitionings: rows that
  are replaced are deleted before the partitioning changes, and what cannot be done so is refused.
#}
{% macro iceberg_partition_by(query) %}
  {%- set parts = [] -%}
  {%- for part in config.get('partition_by') or [] -%}
    {%- set said = modules.re.fullmatch(
        '(?:(year|month|day|hour)\\(\\s*(\\w+)\\s*\\)|(bucket|truncate)\\(\\s*(\\d+)\\s*,\\s*(\\w+)\\s*\\)|(\\w+))', part | trim) -%}
    {%- if not said -%}
      {%- do exceptions.raise_compiler_error(
          'partition_by of ' ~ model.name ~ ': ' ~ part ~ ' is no column, and none of year, month, day and hour (column), bucket and truncate (number, column)') -%}
    {%- endif -%}
    {%- set column = said.group(2) or said.group(5) or said.group(6) -%}
    {%- if said.group(3) -%}
      {%- set transform, call = said.group(3) ~ '[' ~ said.group(4) ~ ']', said.group(3) ~ '(' ~ said.group(4) ~ ', ' ~ column ~ ')' -%}
    {%- elif said.group(1) -%}
      {%- set transform, call = said.group(1), said.group(1) ~ '(' ~ column ~ ')' -%}
    {%- else -%}
      {%- set transform, call = 'identity', column -%}
    {%- endif -%}
    {%- do parts.append({'column': column, 'says': transform ~ ' ' ~ column, 'sql': call}) -%}
  {%- endfor -%}
  {%- if parts -%}
    {%- set columns = run_query('describe (' ~ query ~ '\n)').columns[0].values() -%}
    {%- for part in parts if part.column not in columns -%}
      {%- do exceptions.raise_compiler_error(
          'partition_by of ' ~ model.name ~ ': there is no column ' ~ part.column ~ ' among ' ~ columns | join(', ')) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(parts) }}
{% endmacro %}


{# The clause of a new table. #}
{% macro iceberg_partitioned_by(relation, query) %}
  {%- set parts = iceberg_partition_by(query) -%}
  {{ return(' partitioned by (' ~ parts | map(attribute='sql') | join(', ') ~ ')' if parts and iceberg_is_attached(relation) else '') }}
{% endmacro %}


{#
  The statement that gives an existing table the partitioning that its model asks for; empty where it has it,
  or none is asked for.
#}
{% macro iceberg_repartition(relation, query, deletes=true) %}
  {%- set parts = iceberg_partition_by(query) -%}
  {%- if not parts or not iceberg_is_attached(relation) -%}
    {{ return('') }}
  {%- endif -%}
  {%- set specs = iceberg_partitionings(relation) -%}
  {%- set wanted = parts | map(attribute='says') | join(', ') -%}
  {%- if specs.current == wanted -%}
    {{ return('') }}
  {%- elif deletes and specs.ever -%}
    {%- do exceptions.raise_compiler_error(
        'table ' ~ relation ~ ' is partitioned by ' ~ (specs.current or 'nothing') ~ ' and cannot be by ' ~ wanted
        ~ ': a table whose rows are replaced can be partitioned once; drop it, and the next run makes it so') -%}
  {%- endif -%}
  {{ return('alter table ' ~ relation ~ ' set partitioned by (' ~ parts | map(attribute='sql') | join(', ') ~ ');') }}
{% endmacro %}


{# How a table is partitioned: `id` and words of the current partitioning, how many there are, and whether any has fields. #}
{% macro iceberg_partitionings(relation) %}
  {%- set found = run_query(
      'with answer as (select metadata from iceberg_load_table_response(' ~ relation ~ ')), '
      ~ 'schemas as (select unnest(cast(metadata.schemas as struct("schema-id" integer, fields struct(id integer, name varchar)[])[])) as one, '
      ~ 'cast(metadata."current-schema-id" as integer) as current from answer), '
      ~ 'names as (select map_from_entries(list_transform(one.fields, lambda field: (field.id, field.name))) as by_id from schemas where one."schema-id" = current), '
      ~ 'specs as (select unnest(cast(metadata."partition-specs" as struct("spec-id" integer, fields struct("transform" varchar, "source-id" integer)[])[])) as one, '
      ~ 'cast(metadata."default-spec-id" as integer) as current from answer) '
      ~ 'select one."spec-id", one."spec-id" = current, '
      ~ "coalesce(array_to_string(list_transform(one.fields, lambda field: field.\"transform\" || ' ' || by_id[field.\"source-id\"]), ', '), '') "
      ~ 'from specs, names order by 1').rows -%}
  {%- set told = {'count': found | length, 'ever': found | map(attribute=2) | select | list | length > 0} -%}
  {%- for spec in found if spec[1] -%}
    {%- do told.update({'id': spec[0], 'current': spec[2]}) -%}
  {%- endfor -%}
  {{ return(told) }}
{% endmacro %}


{#
  Refuse to replace rows that were written under another partitioning than what is written now.
  `repartition` is the statement that is about to change it, `arrived` and `keys` tell which rows are meant:
  all of them without.
#}
{% macro iceberg_refuse_across_partitionings(relation, repartition, arrived=none, keys=[]) %}
  {%- if iceberg_is_attached(relation) -%}
    {%- set specs = iceberg_partitionings(relation) -%}
    {%- if repartition or specs.count > 1 -%}
      {%- set files = 'select file_path from iceberg_metadata(' ~ relation ~ ') where manifest_path in '
          ~ '(select manifest_path from iceberg_partition_stats(' ~ relation ~ ') where partition_spec_id = ' ~ specs.id ~ ')' -%}
      {%- set old = 'true' if repartition else 'known.filename not in (' ~ files ~ ')' -%}
      {%- set meant = 'true' -%}
      {%- if arrived -%}
        {%- set same = [] -%}
        {%- for key in keys -%}
          {%- do same.append('known.' ~ key ~ ' is not distinct from arrived.' ~ key) -%}
        {%- endfor -%}
        {%- set meant = 'exists (select 1 from ' ~ arrived ~ ' as arrived where ' ~ same | join(' and ') ~ ')' -%}
      {%- endif -%}
      {%- set rows = run_query('select count(*) from ' ~ relation ~ ' as known where ' ~ old ~ ' and ' ~ meant).rows[0][0] -%}
      {%- if rows -%}
        {%- do exceptions.raise_compiler_error(
            'table ' ~ relation ~ ': ' ~ rows ~ ' rows that are to be replaced were written under an earlier partitioning, '
            ~ 'where DuckDB cannot delete them for every reader; drop the table, and the next run makes it anew') -%}
      {%- endif -%}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}
