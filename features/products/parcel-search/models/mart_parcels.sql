-- Where each parcel was last seen.
select parcel, depot, scanned_at
from {{ ref('stg_scans') }}
qualify row_number() over (partition by parcel order by scanned_at desc, depot) = 1
