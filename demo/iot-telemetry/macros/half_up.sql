{#
  The quotient of two whole numbers, rounded half up to a whole number, also below zero: -0.5 becomes 0.
  Nothing leaves the integers. The numerator is within a million millions of zero, the denominator positive.
#}
{% macro half_up(numerator, denominator) -%}
(
    (2 * ({{ numerator }}) + ({{ denominator }}) + 2 * ({{ denominator }}) * 1000000000000)
    // (2 * ({{ denominator }}))
    - 1000000000000
)
{%- endmacro %}

{# A whole number of units of the last of `places` decimals as the decimal that it stands for. #}
{% macro with_decimals(whole, places) -%}
cast(
    cast({{ whole }} as decimal(18, 0)) * cast('{{ "0." ~ "0" * (places - 1) ~ "1" }}' as decimal({{ places }}, {{ places }}))
    as decimal(10, {{ places }})
)
{%- endmacro %}
