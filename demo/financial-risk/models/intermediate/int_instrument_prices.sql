with quotes as (

    select * from {{ ref('stg_market_data') }}

),

calendar as (

    select
        price_date,
        row_number() over (order by price_date) as day_number
    from (select distinct price_date from quotes) as dates

),

listed as (

    select
        instrument_id,
        min(price_date) as first_date
    from quotes
    group by instrument_id

),

every_day as (

    select
        listed.instrument_id,
        calendar.price_date,
        calendar.day_number
    from listed
    inner join calendar on calendar.price_date >= listed.first_date

),

-- A day without a quote has the price of the day before.
carried as (

    select
        every_day.instrument_id,
        every_day.price_date,
        last_value(quotes.asset_class ignore nulls) over so_far as asset_class,
        last_value(quotes.currency ignore nulls) over so_far as currency,
        last_value(quotes.close_price ignore nulls) over so_far as close_price,
        every_day.day_number
            - last_value(case when quotes.quote_id is not null then every_day.day_number end ignore nulls) over so_far
            as price_age
    from every_day
    left join quotes using (instrument_id, price_date)
    window so_far as (
        partition by every_day.instrument_id
        order by every_day.price_date
        rows between unbounded preceding and current row
    )

),

rates as (

    select
        substring(instrument_id, 4) as currency,
        price_date,
        close_price as rate
    from carried
    where instrument_id like 'FX-%'

),

in_euro as (

    select
        carried.*,
        case carried.currency when 'EUR' then cast(1 as decimal(18, 6)) else rates.rate end as rate,
        cast(
            round(
                cast(carried.close_price as decimal(24, 6))
                * case carried.currency when 'EUR' then cast(1 as decimal(18, 6)) else rates.rate end,
                6
            ) as decimal(18, 6)
        ) as price_eur
    from carried
    left join rates using (currency, price_date)
    where carried.currency = 'EUR' or rates.rate is not null

),

with_day_before as (

    select
        *,
        lag(price_eur) over (partition by instrument_id order by price_date) as price_eur_before
    from in_euro

)

select
    ---------- ids
    instrument_id,
    price_date,

    ---------- text
    asset_class,
    currency,

    ---------- numerics
    close_price,
    rate,
    price_eur,
    case when price_eur_before > 0
        then {{ quotient(units('price_eur', 6), units('price_eur_before', 6), 8) }}
    end as daily_factor,
    cast(price_age as integer) as price_age

from with_day_before
