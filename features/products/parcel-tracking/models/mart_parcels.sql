-- Where each parcel was seen last.
select
    parcel,
    count(*)::integer as scans,
    max_by(depot, scanned_at) as last_depot,
    max(litres)::decimal(8, 2) as largest,
    avg(litres)::float as mean,
    max(scanned_at) as last_seen_at
from {{ ref('stg_scans') }}
group by parcel
