with source as (

    select * from {{ ref('raw_maintenance_log') }}

),

attributable as (

    select * from source
    where entry_id is not null
        and equipment_id is not null

),

latest as (

    select *
    from attributable
    qualify row_number() over (partition by entry_id order by updated_at desc) = 1

),

renamed as (

    select
        ---------- ids
        entry_id,
        equipment_id,

        ---------- text
        lower(trim(activity)) as activity,
        lower(trim(priority)) as priority,

        ---------- numerics
        case when downtime_minutes between 0 and 10080 then downtime_minutes end as downtime_minutes,

        ---------- booleans
        closed_at is null as is_open,

        ---------- timestamps
        opened_at,
        closed_at,
        updated_at

    from latest

)

select * from renamed
