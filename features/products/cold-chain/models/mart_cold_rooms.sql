-- How cold each room was when it was last measured.
select room, celsius, measured_at
from {{ ref('stg_readings') }}
qualify row_number() over (partition by room order by measured_at desc, celsius) = 1
