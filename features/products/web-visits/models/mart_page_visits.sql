-- How many visitors each page had, and how many views.
select page, count(*) as views, count(distinct visitor) as visitors
from {{ ref('stg_page_views') }}
group by page
