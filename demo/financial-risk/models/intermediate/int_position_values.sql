with positions as (

    select * from {{ ref('stg_positions') }}

),

prices as (

    select *
    from {{ ref('int_instrument_prices') }}
    where price_date = (select max(price_date) from {{ ref('int_instrument_prices') }})

),

valuation as (

    select max(price_date) as valuation_date from prices

),

rates as (

    select 'EUR' as currency, cast(1 as decimal(18, 6)) as rate
    union all
    select substring(instrument_id, 4) as currency, close_price as rate
    from prices
    where instrument_id like 'FX-%'

),

priced as (

    select
        positions.*,
        valuation.valuation_date,
        prices.asset_class,
        prices.price_age,
        prices.price_eur,
        rates.rate as trade_rate,
        prices.price_eur is not null and rates.rate is not null as is_priced
    from positions
    cross join valuation
    left join prices using (instrument_id)
    left join rates on rates.currency = positions.currency

)

select
    ---------- ids
    position_id,
    portfolio_id,
    instrument_id,
    counterparty_id,

    ---------- text
    asset_class,

    ---------- numerics
    quantity,
    case when is_priced then price_eur end as price_eur,
    case when is_priced
        then cast(round(cast(quantity as decimal(20, 0)) * price_eur, 2) as decimal(18, 2))
    end as market_value,
    case when is_priced
        then cast(round(cast(abs(quantity) as decimal(20, 0)) * price_eur, 2) as decimal(18, 2))
    end as notional,
    case when is_priced
        then cast(
            round(cast(quantity as decimal(20, 0)) * (price_eur - cast(trade_price as decimal(24, 6)) * trade_rate), 2)
            as decimal(18, 2)
        )
    end as mark_to_market,
    price_age,

    ---------- booleans
    is_priced,
    is_priced and price_age > 5 as is_stale,

    ---------- timestamps
    valuation_date

from priced
