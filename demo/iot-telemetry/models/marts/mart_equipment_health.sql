with clock as (

    select max(measured_at) as as_of from {{ ref('stg_readings') }}

),

machines as (

    select
        equipment_id,
        max(equipment_type) as equipment_type,
        max(line) as line,
        count(*) as sensor_count,
        count(*) filter (where status = 'active') as active_sensor_count

    from {{ ref('stg_sensors') }}
    group by equipment_id

),

readings as (

    select
        equipment_id,
        cast(sum(reading_count) as bigint) as reading_count,
        cast(sum(out_of_tolerance_count) as bigint) as out_of_tolerance_count

    from {{ ref('int_sensor_metrics') }}
    group by equipment_id

),

anomalies as (

    select
        equipment_id,
        count(*) filter (where kind = 'spike') as spike_count,
        count(*) filter (where kind = 'stuck') as stuck_count,
        count(*) filter (where kind = 'drift') as drift_count,
        count(*) filter (where kind = 'dropout') as dropout_count,
        max(began_at) as latest_anomaly_at

    from {{ ref('int_anomaly_detection') }}
    group by equipment_id

),

work as (

    select
        equipment_id,
        max(closed_at) as last_maintained_at,
        count(*) filter (where is_open) as open_order_count,
        cast(coalesce(sum(downtime_minutes), 0) as bigint) as downtime_minutes

    from {{ ref('stg_maintenance') }}
    group by equipment_id

),

joined as (

    select
        ---------- ids
        machines.equipment_id,

        ---------- what it is
        machines.equipment_type,
        machines.line,

        ---------- its sensors
        machines.sensor_count,
        machines.active_sensor_count,
        coalesce(readings.reading_count, 0) as reading_count,
        coalesce(readings.out_of_tolerance_count, 0) as out_of_tolerance_count,

        ---------- what is wrong with them
        coalesce(anomalies.spike_count, 0) as spike_count,
        coalesce(anomalies.stuck_count, 0) as stuck_count,
        coalesce(anomalies.drift_count, 0) as drift_count,
        coalesce(anomalies.dropout_count, 0) as dropout_count,
        anomalies.latest_anomaly_at,

        ---------- the work on it
        work.last_maintained_at,
        coalesce(work.open_order_count, 0) as open_order_count,
        coalesce(work.downtime_minutes, 0) as downtime_minutes

    from machines
    left join readings using (equipment_id)
    left join anomalies using (equipment_id)
    left join work using (equipment_id)

),

scored as (

    select
        joined.*,
        case
            when reading_count > 0 then {{ with_decimals(half_up('10000 * out_of_tolerance_count', 'reading_count'), 4) }}
            else cast(0 as decimal(10, 4))
        end as out_of_tolerance_share,
        cast(
            greatest(
                0,
                100
                - 40 * drift_count
                - 30 * stuck_count
                - 20 * dropout_count
                - 10 * spike_count
                - case when reading_count > 0 then 20 * out_of_tolerance_count // reading_count else 0 end
            ) as integer
        ) as health_score,
        case
            when stuck_count > 0 then 'replace sensor'
            when drift_count > 0 then 'recalibrate'
            when dropout_count > 0 then 'check connection'
            when spike_count > 0 then 'inspect machine'
            when active_sensor_count > 0
                and (last_maintained_at is null or last_maintained_at < clock.as_of - interval 90 days)
                then 'service due'
            else 'none'
        end as maintenance_alert,
        open_order_count > 0 as is_order_open

    from joined
    cross join clock

)

select * from scored
