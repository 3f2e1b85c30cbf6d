-- What passed through each depot.
select depot, count(distinct parcel) as parcels
from {{ ref('stg_scans') }}
group by depot
