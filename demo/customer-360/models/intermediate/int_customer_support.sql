with customers as (

    select customer_id from {{ ref('stg_crm_customers') }}

),

tickets as (

    select * from {{ ref('stg_support_tickets') }}

),

known as (

    select tickets.*
    from tickets
    inner join customers using (customer_id)

),

aggregated as (

    select
        customer_id,

        ---------- counts
        count(*) as ticket_count,
        count(*) filter (where is_open) as open_ticket_count,
        count(satisfaction) as rated_ticket_count,

        ---------- satisfaction
        cast(coalesce(sum(satisfaction), 0) as bigint) as satisfaction_points,

        ---------- timestamps
        max(opened_at) as last_ticket_at

    from known
    group by customer_id

)

select * from aggregated
