with exposure as (

    select * from {{ ref('int_counterparty_exposure') }}

),

weighted as (

    select
        *,
        cast(net_exposure + add_on as decimal(18, 2)) as exposure_at_default,
        case
            when rating in ('AAA', 'AA') then cast('0.20' as decimal(3, 2))
            when rating = 'A' then cast('0.50' as decimal(3, 2))
            when rating = 'BBB' then cast('0.75' as decimal(3, 2))
            when rating in ('BB', 'NR') then cast('1.00' as decimal(3, 2))
            else cast('1.50' as decimal(3, 2))
        end as risk_weight
    from exposure

),

charged as (

    select
        *,
        cast(round(cast(exposure_at_default as decimal(24, 2)) * risk_weight, 2) as decimal(18, 2)) as risk_weighted_amount
    from weighted

)

select
    ---------- ids
    counterparty_id,

    ---------- who they are
    coalesce(name, 'unknown') as name,
    country,
    sector,
    rating,
    is_known,

    ---------- exposure
    gross_exposure,
    netted_exposure,
    collateral,
    net_exposure as replacement_cost,
    add_on,
    exposure_at_default,

    ---------- capital
    risk_weight,
    risk_weighted_amount,
    cast(round(cast(risk_weighted_amount as decimal(24, 2)) * cast('0.08' as decimal(3, 2)), 2) as decimal(18, 2)) as own_funds_requirement,

    ---------- limits
    exposure_limit,
    limit_use,
    is_over_limit,
    exposure_at_default >= 150000.00 as is_large_exposure

from charged
