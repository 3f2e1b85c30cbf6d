-- One row a scan of a parcel that has a number.
select parcel, depot, scanned_at
from {{ source('deliveries', 'scans') }}
where parcel is not null
