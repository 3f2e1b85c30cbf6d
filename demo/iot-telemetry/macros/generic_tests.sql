{# Every row satisfies the expression; one that gives null fails as well. #}
{% test expression_is_true(model, expression, column_name=None) %}
select *
from {{ model }}
where not coalesce({{ (column_name ~ " ") if column_name else "" }}{{ expression }}, false)
{% endtest %}

{# The table is not empty. #}
{% test has_rows(model) %}
select rows_found
from (select count(*) as rows_found from {{ model }}) as counted
where rows_found = 0
{% endtest %}
