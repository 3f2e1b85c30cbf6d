with source as (

    select * from {{ ref('raw_positions') }}

),

complete as (

    select * from source
    where position_id is not null
        and portfolio_id is not null
        and instrument_id is not null
        and counterparty_id is not null
        and quantity is not null
        and trade_price is not null

),

latest as (

    select *
    from complete
    qualify row_number() over (partition by position_id order by updated_at desc) = 1

),

-- Only now: the latest version of a position that was closed has a quantity of zero.
held as (

    select * from latest
    where quantity <> 0

),

renamed as (

    select
        ---------- ids
        position_id,
        upper(trim(portfolio_id)) as portfolio_id,
        upper(trim(instrument_id)) as instrument_id,
        counterparty_id,

        ---------- text
        {{ currency_of('currency') }} as currency,

        ---------- numerics
        quantity,
        {{ price_of('trade_price', 'currency') }} as trade_price,

        ---------- timestamps
        traded_on,
        updated_at

    from held

)

select * from renamed
