{{ config(meta={'dagster': {'ref': {'name': 'mart_risk_dashboard'}}}) }}

-- Not a cent appears or is lost between the books and the dashboard.
with gold as (

    select sum(market_value) as total from {{ ref('mart_risk_dashboard') }}

),

silver as (

    select coalesce(sum(market_value), 0) as total from {{ ref('int_position_values') }}

)

select gold.total as gold_total, silver.total as silver_total
from gold
cross join silver
where gold.total is distinct from silver.total
