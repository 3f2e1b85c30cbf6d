with sensors as (

    select * from {{ ref('stg_sensors') }}

),

readings as (

    select * from {{ ref('stg_readings') }}

),

clock as (

    select max(measured_at) as as_of from readings

),

series as (

    select
        sensors.sensor_id,
        sensors.equipment_id,
        sensors.tolerance,
        sensors.sample_minutes,
        readings.reading_id,
        readings.measured_at,
        readings.value,
        readings.value - sensors.setpoint as deviation,
        row_number() over in_order as position,
        lag(readings.value) over in_order as value_before,
        lead(readings.value) over in_order as value_after,
        lead(readings.measured_at) over in_order as measured_next

    from readings
    inner join sensors using (sensor_id)
    window in_order as (partition by sensors.sensor_id order by readings.measured_at, readings.reading_id)

),

-- Cumulative sums: how far the deviations beyond a slack add up, in either direction. A sum that restarts at
-- zero is the running total less its lowest point so far.
steps as (

    select
        *,
        least(greatest(deviation, -2 * tolerance), 2 * tolerance) - 0.75 * tolerance as step_above,
        -least(greatest(deviation, -2 * tolerance), 2 * tolerance) - 0.75 * tolerance as step_below,
        case when value = value_before then 0 else 1 end as is_other

    from series

),

totals as (

    select
        *,
        sum(step_above) over so_far as total_above,
        sum(step_below) over so_far as total_below,
        sum(is_other) over so_far as stretch

    from steps
    window so_far as (partition by sensor_id order by position rows unbounded preceding)

),

judged as (

    select
        *,
        greatest(
            total_above - least(0, min(total_above) over so_far),
            total_below - least(0, min(total_below) over so_far)
        ) > 4 * tolerance as is_drifting

    from totals
    window so_far as (partition by sensor_id order by position rows unbounded preceding)

),

alarms as (

    select
        *,
        position - row_number() over (partition by sensor_id order by position) as alarm

    from judged
    where is_drifting

),

spikes as (

    select
        sensor_id, equipment_id, 'spike' as kind, reading_id as first_reading_id,
        measured_at as began_at, measured_at as ended_at, 1 as reading_count, abs(deviation) as largest_deviation

    from series
    where least(value - value_before, value - value_after) > 4 * tolerance
        or greatest(value - value_before, value - value_after) < -4 * tolerance

),

stuck as (

    select
        sensor_id, equipment_id, 'stuck' as kind, arg_min(reading_id, position) as first_reading_id,
        min(measured_at) as began_at, max(measured_at) as ended_at, count(*) as reading_count,
        max(abs(deviation)) as largest_deviation

    from totals
    group by sensor_id, equipment_id, stretch
    having count(*) >= 5

),

drifts as (

    select
        sensor_id, equipment_id, 'drift' as kind, arg_min(reading_id, position) as first_reading_id,
        min(measured_at) as began_at, max(measured_at) as ended_at, count(*) as reading_count,
        max(abs(deviation)) as largest_deviation

    from alarms
    group by sensor_id, equipment_id, alarm

),

dropouts as (

    select
        sensor_id, equipment_id, 'dropout' as kind, reading_id as first_reading_id,
        measured_at as began_at, measured_next as ended_at, 0 as reading_count, null as largest_deviation

    from series
    cross join clock
    where date_diff('second', measured_at, coalesce(measured_next, as_of)) > 4 * 60 * sample_minutes

),

anomalies as (

    select * from spikes
    union all
    select * from stuck
    union all
    select * from drifts
    union all
    select * from dropouts

),

renamed as (

    select
        ---------- ids
        concat(sensor_id, '-', kind, '-', first_reading_id) as anomaly_id,
        sensor_id,
        equipment_id,

        ---------- what it is
        kind,
        cast(reading_count as bigint) as reading_count,
        cast(largest_deviation as decimal(10, 2)) as largest_deviation,

        ---------- timestamps
        began_at,
        ended_at

    from anomalies

)

select * from renamed
