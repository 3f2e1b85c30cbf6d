{# Remove the rows whose version of a key stands in the source no more. #}
{% macro withdrawn(source, key, version) %}
delete from {{ this }} as held
where not exists (
    select 1
    from {{ ref(source) }} as said
    where said.{{ key }} = held.{{ key }}
        and said.{{ version }} = held.{{ version }}
)
{% endmacro %}
