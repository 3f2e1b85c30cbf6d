-- One row a scan: each day's are added, and one that comes again, corrected, takes its own place.
{{ config(materialized='incremental', unique_key='scan_id', partition_by=['day(scanned_at)']) }}

select
    scan_id,
    parcel,
    depot,
    litres,
    scanned_at,
    weight
from {{ ref('raw_scans') }}
