-- One row a reading of a thermometer: each run reads them all. A reading is kept for an hour.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={'floe': {'retention': {'column': 'measured_at', 'hours': 1}}}
) }}

select
    room,
    cast(celsius as decimal(4, 1)) as celsius,
    cast(current_timestamp at time zone 'UTC' as timestamp) as measured_at
from (values ('dairy', 4.5), ('fish', 0.5), ('fruit', 7.0), ('meat', 2.0)) as thermometers (room, celsius)
