-- Who looked at which page, one row a view.
select visitor, page
from (values ('ada', '/'), ('ada', '/cups'), ('bob', '/'), ('cy', '/cups'), ('cy', '/cups')) as views (visitor, page)
