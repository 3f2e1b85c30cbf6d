-- What came in and went out, one row a move.
select article, moved
from (values ('cup', 12), ('cup', -3), ('plate', 40), ('plate', -40), ('spoon', 7)) as moves (article, moved)
