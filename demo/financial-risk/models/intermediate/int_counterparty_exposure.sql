with positions as (

    select * from {{ ref('int_position_values') }}

),

counterparties as (

    select * from {{ ref('stg_counterparties') }}

),

valued as (

    select
        counterparty_id,
        count(*) as position_count,
        count(*) filter (where not is_priced) as unpriced_position_count,
        cast(coalesce(sum(greatest(mark_to_market, 0)), 0) as decimal(18, 2)) as positive_value,
        cast(coalesce(sum(greatest(-mark_to_market, 0)), 0) as decimal(18, 2)) as negative_value,
        cast(coalesce(sum(mark_to_market), 0) as decimal(18, 2)) as net_value,
        cast(
            coalesce(sum(round(
                cast(notional as decimal(24, 2)) * case asset_class
                    when 'bond' then cast('0.005' as decimal(4, 3))
                    when 'fx' then cast('0.050' as decimal(4, 3))
                    when 'equity' then cast('0.080' as decimal(4, 3))
                    else cast('0.120' as decimal(4, 3))
                end,
                2
            )), 0) as decimal(18, 2)
        ) as add_on
    from positions
    group by counterparty_id

),

known as (

    select
        valued.*,
        counterparties.counterparty_id is not null as is_known,
        counterparties.name,
        counterparties.country,
        counterparties.sector,
        coalesce(counterparties.rating, 'NR') as rating,
        coalesce(counterparties.has_netting_agreement, false) as has_netting_agreement,
        cast(coalesce(counterparties.collateral, 0) as decimal(18, 2)) as collateral,
        -- Nobody has approved dealing with who is not known.
        case
            when counterparties.counterparty_id is null then cast(0 as decimal(18, 2))
            else counterparties.exposure_limit
        end as exposure_limit
    from valued
    left join counterparties using (counterparty_id)

),

netted as (

    select
        *,
        case
            when has_netting_agreement then cast(greatest(net_value, 0) as decimal(18, 2))
            else positive_value
        end as netted_exposure
    from known

),

secured as (

    select
        *,
        cast(greatest(netted_exposure - collateral, 0) as decimal(18, 2)) as net_exposure
    from netted

)

select
    ---------- ids
    counterparty_id,

    ---------- who they are
    is_known,
    name,
    country,
    sector,
    rating,
    has_netting_agreement,

    ---------- counts
    position_count,
    unpriced_position_count,

    ---------- money
    positive_value as gross_exposure,
    negative_value as gross_liability,
    netted_exposure,
    collateral,
    net_exposure,
    add_on,
    exposure_limit,
    case when exposure_limit > 0
        then {{ quotient(units('net_exposure', 2), units('exposure_limit', 2), 4) }}
    end as limit_use,

    ---------- booleans
    coalesce(net_exposure > exposure_limit, false) as is_over_limit

from secured
