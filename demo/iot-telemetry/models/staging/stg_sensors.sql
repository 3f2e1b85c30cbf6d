with source as (

    select * from {{ ref('raw_sensors') }}

),

identified as (

    select * from source
    where sensor_id is not null
        and equipment_id is not null

),

latest as (

    select *
    from identified
    qualify row_number() over (partition by sensor_id order by updated_at desc) = 1

),

renamed as (

    select
        ---------- ids
        sensor_id,
        equipment_id,

        ---------- text
        equipment_type,
        lower(trim(line)) as line,
        kind,
        case kind
            when 'temperature' then 'degC'
            when 'vibration' then 'mm/s'
            when 'pressure' then 'bar'
        end as unit,
        lower(trim(status)) as status,

        ---------- numerics
        setpoint,
        tolerance,
        sample_minutes,

        ---------- timestamps
        installed_at,
        updated_at

    from latest

)

select * from renamed
