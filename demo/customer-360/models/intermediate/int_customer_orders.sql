with customers as (

    select customer_id from {{ ref('stg_crm_customers') }}

),

orders as (

    select * from {{ ref('stg_transactions') }}

),

known as (

    select orders.*
    from orders
    inner join customers using (customer_id)

),

aggregated as (

    select
        customer_id,

        ---------- counts
        count(*) as order_count,
        count(*) filter (where is_settled) as settled_order_count,
        count(*) filter (where status = 'pending') as pending_order_count,
        count(*) filter (where is_refunded) as refunded_order_count,

        ---------- money
        cast(coalesce(sum(amount) filter (where is_settled), 0) as decimal(18, 2)) as settled_amount,
        cast(coalesce(sum(amount) filter (where is_refunded), 0) as decimal(18, 2)) as refunded_amount,

        ---------- timestamps
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at

    from known
    group by customer_id

)

select * from aggregated
