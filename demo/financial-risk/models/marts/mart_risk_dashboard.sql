with portfolios as (

    select * from {{ ref('int_portfolio_risk') }}

),

positions as (

    select * from {{ ref('int_position_values') }}

),

exposure as (

    select counterparty_id, is_over_limit from {{ ref('int_counterparty_exposure') }}

),

credit as (

    select
        positions.portfolio_id,
        count(distinct positions.counterparty_id) as counterparty_count,
        count(distinct positions.counterparty_id) filter (where exposure.is_over_limit) as over_limit_counterparty_count,
        cast(coalesce(sum(positions.notional) filter (where exposure.is_over_limit), 0) as decimal(18, 2))
            as over_limit_notional
    from positions
    inner join exposure using (counterparty_id)
    group by positions.portfolio_id

),

limited as (

    select
        portfolios.*,
        cast(round(cast(portfolios.gross_notional as decimal(24, 2)) * cast('0.0060' as decimal(5, 4)), 2) as decimal(18, 2)) as var_limit,
        credit.counterparty_count,
        credit.over_limit_counterparty_count,
        credit.over_limit_notional
    from portfolios
    inner join credit using (portfolio_id)

),

shares as (

    select
        *,
        case when var_limit > 0
            then {{ quotient(units('var_99', 2), units('var_limit', 2), 4) }}
            else cast(0 as decimal(18, 4))
        end as limit_use,
        case when gross_notional > 0
            then {{ quotient(units('over_limit_notional', 2), units('gross_notional', 2), 4) }}
            else cast(0 as decimal(18, 4))
        end as over_limit_share,
        {{ quotient('(unpriced_position_count + stale_position_count)', 'position_count', 4) }} as doubtful_share
    from limited

),

scored as (

    select
        *,
        var_99 > var_limit as is_var_breached,
        over_limit_counterparty_count > 0 as is_counterparty_breached,
        cast(
            round(50 * least(limit_use, 1) + 30 * over_limit_share + 20 * doubtful_share, 0) as integer
        ) as risk_score
    from shares

)

select
    ---------- ids
    portfolio_id,
    valuation_date,

    ---------- what it holds
    position_count,
    instrument_count,
    market_value,
    gross_notional,

    ---------- what it could lose in a day
    scenario_count,
    var_95,
    var_99,
    expected_shortfall,
    worst_loss,
    worst_date,
    var_limit,
    limit_use,

    ---------- with whom
    counterparty_count,
    over_limit_counterparty_count,
    over_limit_share,

    ---------- how far it is to be believed
    unpriced_position_count,
    stale_position_count,
    doubtful_share,

    ---------- what to do
    is_var_breached,
    is_counterparty_breached,
    risk_score,
    case
        when is_var_breached and is_counterparty_breached then 'critical'
        when is_var_breached or risk_score >= 60 then 'high'
        when is_counterparty_breached or risk_score >= 30 then 'elevated'
        else 'low'
    end as risk_band

from scored
