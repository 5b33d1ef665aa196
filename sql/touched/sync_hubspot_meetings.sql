-- Which meetings may HubSpot have to hold otherwise now
-- grain: one row per key of sync_hubspot_meetings, at least of those whose rows differ
-- narrowed: int_inbound_records by object_key
select object_key from int_inbound_records__changed
where activity_kind = 'meeting'
