with sensors as (

    select * from {{ ref('stg_sensors') }}

),

readings as (

    select * from {{ ref('stg_readings') }}

),

known as (

    select
        sensors.sensor_id,
        sensors.equipment_id,
        sensors.kind,
        sensors.unit,
        sensors.tolerance,
        readings.value,
        abs(readings.value - sensors.setpoint) as deviation,
        readings.measured_at

    from readings
    inner join sensors using (sensor_id)

),

aggregated as (

    select
        ---------- ids
        sensor_id,
        equipment_id,

        ---------- text
        kind,
        unit,

        ---------- values
        count(*) as reading_count,
        {{ with_decimals(half_up('cast(sum(value) * 100 as bigint)', 'count(*)'), 2) }} as mean_value,
        min(value) as lowest_value,
        max(value) as highest_value,
        cast(max(deviation) as decimal(10, 2)) as largest_deviation,
        count(*) filter (where deviation > tolerance) as out_of_tolerance_count,

        ---------- timestamps
        min(measured_at) as first_measured_at,
        max(measured_at) as last_measured_at

    from known
    group by sensor_id, equipment_id, kind, unit

)

select * from aggregated
