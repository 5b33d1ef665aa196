-- Whom did somebody here ask to be registered for a webinar?
-- grain: one row per event of turnout/wishes
-- rule:  HZ-32
select
    event_id,
    occurred_at,
    observed_at,
    try_cast(payload ->> '$.webinar_id' as bigint) as webinar_id,
    try_cast(payload ->> '$.contact_id' as bigint) as contact_id
from raw_turnout__wishes
