with source as (

    select * from {{ ref('raw_counterparties') }}

),

identified as (

    select * from source
    where counterparty_id is not null

),

latest as (

    select *
    from identified
    qualify row_number() over (partition by counterparty_id order by updated_at desc) = 1

),

renamed as (

    select
        ---------- ids
        counterparty_id,

        ---------- text
        trim(name) as name,
        upper(trim(country)) as country,
        lower(trim(sector)) as sector,
        coalesce(nullif(rtrim(upper(trim(rating)), '+-'), ''), 'NR') as rating,

        ---------- booleans
        coalesce(has_netting_agreement, false) as has_netting_agreement,

        ---------- numerics
        cast(coalesce(collateral, 0) as decimal(18, 2)) as collateral,
        exposure_limit,

        ---------- timestamps
        updated_at

    from latest

)

select * from renamed
