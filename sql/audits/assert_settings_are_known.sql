-- Settings are in force: without them nothing could be in scope.
-- grain: one row where there are none
select count(*) as settings_count
from int_settings
having count(*) <> 1
