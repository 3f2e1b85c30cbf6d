with source as (

    select * from {{ ref('raw_support_tickets') }}

),

attributable as (

    select * from source
    where ticket_id is not null
        and customer_id is not null

),

latest as (

    select *
    from attributable
    qualify row_number() over (partition by ticket_id order by updated_at desc) = 1

),

renamed as (

    select
        ---------- ids
        ticket_id,
        customer_id,

        ---------- text
        lower(trim(category)) as category,
        lower(trim(priority)) as priority,

        ---------- numerics
        case when satisfaction between 1 and 5 then satisfaction end as satisfaction,

        ---------- booleans
        closed_at is null as is_open,

        ---------- timestamps
        opened_at,
        closed_at,
        updated_at

    from latest

)

select * from renamed
