-- What is there of each article.
select article, sum(moved)::bigint as pieces
from {{ ref('stg_stock_moves') }}
group by article
