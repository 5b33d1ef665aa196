-- What is the subject of each marketing email?
-- grain: one row per portal_id and campaign_id of which anything was sent under a subject
-- units: subject is the last in the alphabet where an email was sent under several
-- rule:  HS-01; what was opened or clicked does not bear it itself
-- incremental: portal_id, campaign_id
select
    account as portal_id,
    campaign_id,
    max(subject) as subject
from stg_hubspot__email_events
where event_type = 'SENT' and subject is not null and campaign_id is not null
group by account, campaign_id
