with customers as (

    select * from {{ ref('stg_crm_customers') }}

),

orders as (

    select * from {{ ref('int_customer_orders') }}

),

support as (

    select * from {{ ref('int_customer_support') }}

),

joined as (

    select
        ---------- ids
        customers.customer_id,

        ---------- who they are
        customers.first_name,
        customers.last_name,
        customers.email,
        customers.country,
        customers.marketing_opt_in,
        customers.signed_up_at,

        ---------- what they bought
        coalesce(orders.order_count, 0) as order_count,
        coalesce(orders.settled_order_count, 0) as settled_order_count,
        coalesce(orders.pending_order_count, 0) as pending_order_count,
        coalesce(orders.refunded_order_count, 0) as refunded_order_count,
        cast(coalesce(orders.settled_amount, 0) as decimal(18, 2)) as lifetime_value,
        orders.first_order_at,
        orders.last_order_at,
        case
            when coalesce(orders.settled_order_count + orders.refunded_order_count, 0) > 0
                then {{ half_up('orders.refunded_order_count', '(orders.settled_order_count + orders.refunded_order_count)', 4) }}
            else cast(0 as decimal(9, 4))
        end as refund_share,

        ---------- how they feel about it
        coalesce(support.ticket_count, 0) as ticket_count,
        coalesce(support.open_ticket_count, 0) as open_ticket_count,
        case
            when coalesce(support.rated_ticket_count, 0) > 0
                then {{ half_up('support.satisfaction_points', 'support.rated_ticket_count', 2) }}
        end as average_satisfaction

    from customers
    left join orders using (customer_id)
    left join support using (customer_id)

),

segmented as (

    select
        *,
        case
            when settled_order_count > 0 and ticket_count >= 2 and average_satisfaction <= 2.50
                then 'at risk'
            when lifetime_value >= 1000.00 then 'vip'
            when settled_order_count >= 5 then 'loyal'
            when settled_order_count >= 1 then 'active'
            else 'prospect'
        end as segment

    from joined

)

select * from segmented
