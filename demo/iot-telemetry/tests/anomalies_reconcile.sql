{{ config(meta={'dagster': {'ref': {'name': 'mart_equipment_health'}}}) }}

-- No anomaly and no reading appears or is lost between silver and gold.
with gold as (

    select
        sum(spike_count + stuck_count + drift_count + dropout_count) as anomalies,
        sum(reading_count) as readings
    from {{ ref('mart_equipment_health') }}

),

silver as (

    select
        (select count(*) from {{ ref('int_anomaly_detection') }}) as anomalies,
        (
            select count(*) from {{ ref('stg_readings') }}
            where sensor_id in (select sensor_id from {{ ref('stg_sensors') }})
        ) as readings

)

select
    gold.anomalies as gold_anomalies,
    silver.anomalies as silver_anomalies,
    gold.readings as gold_readings,
    silver.readings as silver_readings
from gold
cross join silver
where gold.anomalies is distinct from silver.anomalies
    or gold.readings is distinct from silver.readings
