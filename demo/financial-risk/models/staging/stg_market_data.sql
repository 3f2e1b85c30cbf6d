{{ config(materialized='incremental', unique_key=['instrument_id', 'price_date']) }}

with source as (

    select * from {{ ref('raw_market_data') }}

),

quoted as (

    select * from source
    where quote_id is not null
        and instrument_id is not null
        and price_date is not null
        and close_price > 0

),

renamed as (

    select
        ---------- ids
        quote_id,
        upper(trim(instrument_id)) as instrument_id,

        ---------- text
        lower(trim(asset_class)) as asset_class,
        {{ currency_of('currency') }} as currency,
        lower(trim(vendor)) as vendor,

        ---------- numerics
        {{ price_of('close_price', 'currency') }} as close_price,

        ---------- timestamps
        price_date,
        loaded_at

    from quoted

),

latest as (

    select *
    from renamed
    qualify row_number() over (partition by instrument_id, price_date order by loaded_at desc, quote_id desc) = 1

)

{% if is_incremental() %}

-- A price that is new, or a later word on one that is known; in whatever order they arrive.
select latest.*
from latest
left join {{ this }} as known using (instrument_id, price_date)
where known.quote_id is null
    or (latest.loaded_at, latest.quote_id) > (known.loaded_at, known.quote_id)

{% else %}

select * from latest

{% endif %}
