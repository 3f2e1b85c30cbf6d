{# The ISO 4217 code of a currency, however a feed spells it; GBX, pence, is still told apart. #}
{% macro currency_spelled(column) -%}
case upper(trim({{ column }}))
    when 'US$' then 'USD'
    when '€' then 'EUR'
    else upper(trim({{ column }}))
end
{%- endmacro %}


{# The currency itself: a price in pence is one in pounds. #}
{% macro currency_of(column) -%}
case {{ currency_spelled(column) }} when 'GBX' then 'GBP' else {{ currency_spelled(column) }} end
{%- endmacro %}


{# A price in its currency: a hundredth of what was quoted in pence. #}
{% macro price_of(price, currency) -%}
cast(
    case {{ currency_spelled(currency) }}
        when 'GBX' then round({{ price }} * cast('0.01' as decimal(2, 2)), 6)
        else {{ price }}
    end
    as decimal(18, 6)
)
{%- endmacro %}
