with source as (

    select * from {{ ref('raw_customers') }}

),

identified as (

    select * from source
    where customer_id is not null

),

latest as (

    select *
    from identified
    qualify row_number() over (partition by customer_id order by updated_at desc) = 1

),

renamed as (

    select
        ---------- ids
        customer_id,

        ---------- text
        trim(first_name) as first_name,
        trim(last_name) as last_name,
        nullif(lower(trim(email)), '') as email,
        upper(trim(country)) as country,

        ---------- booleans
        coalesce(marketing_opt_in, false) as marketing_opt_in,

        ---------- timestamps
        signed_up_at,
        updated_at

    from latest

)

select * from renamed
