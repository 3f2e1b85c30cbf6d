{#
  Readings only ever come in addition, corrections too: a run takes what it does not know yet, or knows
  in an earlier version, and merges it. A reading that arrives late by its measured_at is taken all the same.
#}
{{ config(materialized='incremental', unique_key='reading_id') }}

with source as (

    select * from {{ ref('raw_readings') }}

),

identified as (

    select
        *,
        lower(trim(unit)) as unit_sent,
        cast(value * 100 as bigint) as hundredths
    from source
    where reading_id is not null
        and sensor_id is not null
        and value is not null

),

converted as (

    select
        reading_id,
        sensor_id,
        case
            when unit_sent in ('degc', 'c', '°c', 'degf') then 'degC'
            when unit_sent = 'mm/s' then 'mm/s'
            when unit_sent in ('bar', 'kpa') then 'bar'
        end as unit,
        {{ with_decimals(
            "case unit_sent when 'degf' then " ~ half_up("(hundredths - 3200) * 5", "9")
            ~ " when 'kpa' then " ~ half_up("hundredths", "100")
            ~ " else hundredths end",
            2
        ) }} as value,
        measured_at,
        loaded_at

    from identified

),

possible as (

    select * from converted
    where value between 0 and case unit when 'degC' then 300 when 'mm/s' then 50 when 'bar' then 25 end

),

latest as (

    select *
    from possible
    qualify row_number() over (partition by reading_id order by loaded_at desc) = 1

),

renamed as (

    select
        ---------- ids
        reading_id,
        sensor_id,

        ---------- text
        unit,

        ---------- numerics
        value,

        ---------- timestamps
        measured_at,
        loaded_at

    from latest

)

select * from renamed
{% if is_incremental() %}
where not exists (
    select 1
    from {{ this }} as known
    where known.reading_id = renamed.reading_id
        and known.loaded_at >= renamed.loaded_at
)
{% endif %}
