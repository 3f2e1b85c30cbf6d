{#
  The quotient of two whole numbers, rounded half up to `places` decimals, without leaving exact
  arithmetic: integers are divided, the point is put in by a decimal multiplication. The
  numerator must not be negative and the denominator not zero.
#}
{% macro half_up(numerator, denominator, places) -%}
cast(
    cast(
        (2 * {{ 10 ** places }} * cast({{ numerator }} as bigint) + cast({{ denominator }} as bigint))
        // (2 * cast({{ denominator }} as bigint))
        as decimal(18, 0)
    ) * cast('{{ "0." ~ "0" * (places - 1) ~ "1" }}' as decimal({{ places }}, {{ places }}))
    as decimal(9, {{ places }})
)
{%- endmacro %}
