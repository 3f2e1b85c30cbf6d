{{ config(meta={'dagster': {'ref': {'name': 'mart_regulatory_report'}}}) }}

-- What the regulator is told of gross exposure is what the priced positions are worth to us where they are
-- worth something, whoever the counterparty is: nobody is left out because we do not know them.
with gold as (

    select sum(gross_exposure) as total from {{ ref('mart_regulatory_report') }}

),

silver as (

    select coalesce(sum(mark_to_market), 0) as total
    from {{ ref('int_position_values') }}
    where mark_to_market > 0

)

select gold.total as gold_total, silver.total as silver_total
from gold
cross join silver
where gold.total is distinct from silver.total
