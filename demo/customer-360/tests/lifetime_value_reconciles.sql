{{ config(meta={'dagster': {'ref': {'name': 'mart_customer_360'}}}) }}

-- Not a cent appears or is lost between silver and gold: the lifetime values add up to the settled
-- orders of the customers the shop knows.
with gold as (

    select sum(lifetime_value) as total from {{ ref('mart_customer_360') }}

),

silver as (

    select coalesce(sum(amount), 0) as total
    from {{ ref('stg_transactions') }}
    where is_settled
        and customer_id in (select customer_id from {{ ref('stg_crm_customers') }})

)

select gold.total as gold_total, silver.total as silver_total
from gold
cross join silver
where gold.total is distinct from silver.total
