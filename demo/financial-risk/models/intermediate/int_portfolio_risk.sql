with positions as (

    select * from {{ ref('int_position_values') }}

),

prices as (

    select * from {{ ref('int_instrument_prices') }}

),

portfolios as (

    select
        portfolio_id,
        max(valuation_date) as valuation_date,
        count(*) as position_count,
        count(distinct instrument_id) as instrument_count,
        count(*) filter (where not is_priced) as unpriced_position_count,
        count(*) filter (where is_stale) as stale_position_count,
        cast(coalesce(sum(market_value), 0) as decimal(18, 2)) as market_value,
        cast(coalesce(sum(notional), 0) as decimal(18, 2)) as gross_notional
    from positions
    group by portfolio_id

),

holdings as (

    select
        portfolio_id,
        instrument_id,
        cast(sum(quantity) as decimal(20, 0)) as quantity,
        min(price_eur) as price_eur
    from positions
    where is_priced
    group by portfolio_id, instrument_id

),

-- The window of the simulation: the first day of the calendar has no day before it.
scenarios as (

    select distinct price_date
    from prices
    where price_date > (select min(price_date) from prices)
    order by price_date desc
    limit 100

),

moves as (

    select instrument_id, price_date, daily_factor
    from prices
    inner join scenarios using (price_date)
    where daily_factor is not null

),

-- What today's holdings would gain or lose if the day came again.
gains as (

    select
        holdings.portfolio_id,
        moves.price_date,
        sum(holdings.quantity * holdings.price_eur * cast(moves.daily_factor - 1 as decimal(12, 8))) as gain
    from holdings
    inner join moves using (instrument_id)
    group by holdings.portfolio_id, moves.price_date

),

simulated as (

    select
        portfolios.portfolio_id,
        scenarios.price_date,
        cast(round(coalesce(gains.gain, 0), 2) as decimal(18, 2)) as gain
    from portfolios
    cross join scenarios
    left join gains using (portfolio_id, price_date)

),

ranked as (

    select
        portfolio_id,
        price_date,
        -gain as loss,
        row_number() over (partition by portfolio_id order by gain, price_date) as place,
        count(*) over (partition by portfolio_id) as scenario_count
    from simulated

),

measured as (

    select
        portfolio_id,
        max(scenario_count) as scenario_count,
        max(loss) filter (where place = 1) as worst_loss,
        max(price_date) filter (where place = 1) as worst_date,
        max(loss) filter (where place = scenario_count * 5 // 100 + 1) as loss_95,
        max(loss) filter (where place = scenario_count // 100 + 1) as loss_99,
        sum(loss) filter (where place <= scenario_count * 25 // 1000 + 1) as tail_loss,
        max(scenario_count * 25 // 1000 + 1) as tail_count
    from ranked
    group by portfolio_id

)

select
    ---------- ids
    portfolios.portfolio_id,
    portfolios.valuation_date,

    ---------- counts
    portfolios.position_count,
    portfolios.instrument_count,
    portfolios.unpriced_position_count,
    portfolios.stale_position_count,
    coalesce(measured.scenario_count, 0) as scenario_count,

    ---------- money
    portfolios.market_value,
    portfolios.gross_notional,
    cast(greatest(coalesce(measured.loss_95, 0), 0) as decimal(18, 2)) as var_95,
    cast(greatest(coalesce(measured.loss_99, 0), 0) as decimal(18, 2)) as var_99,
    case when measured.tail_loss > 0
        then {{ quotient(units('measured.tail_loss', 2), '100 * measured.tail_count', 2) }}
        else cast(0 as decimal(18, 2))
    end as expected_shortfall,
    cast(greatest(coalesce(measured.worst_loss, 0), 0) as decimal(18, 2)) as worst_loss,

    ---------- timestamps
    measured.worst_date

from portfolios
left join measured using (portfolio_id)
