-- One row a parcel that comes back. A table of this name is parcel-tracking's too: neither knows the other.
{{ config(materialized='incremental', unique_key='scan_id') }}

select
    scan_id,
    parcel,
    reason,
    refund
from {{ ref('raw_scans') }}
