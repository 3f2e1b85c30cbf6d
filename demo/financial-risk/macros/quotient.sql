{#
  The quotient of two whole numbers, rounded half up to `places` decimals, without leaving exact
  arithmetic. The numerator must not be negative and the denominator not zero; both may have up to 27 digits.
#}
{% macro quotient(numerator, denominator, places) -%}
cast(
    cast(
        (2 * cast({{ 10 ** places }} as hugeint) * cast({{ numerator }} as hugeint) + cast({{ denominator }} as hugeint))
        // (2 * cast({{ denominator }} as hugeint))
        as decimal(18, 0)
    ) * cast('{{ "0." ~ "0" * (places - 1) ~ "1" }}' as decimal({{ places }}, {{ places }}))
    as decimal(18, {{ places }})
)
{%- endmacro %}


{#
  An amount as a whole number of its last decimal: what `quotient` divides. DuckDB keeps the product of two
  decimals of up to 18 digits in 18 digits, whatever it needs: wherever it may need more, one of them is made
  wider first.
#}
{% macro units(amount, places) -%}
cast(cast({{ amount }} as decimal(38, {{ places }})) * {{ 10 ** places }} as hugeint)
{%- endmacro %}
