-- Which emails should HubSpot have of those in Salesforce, and what should they say?
-- grain: one row per object_key: sf: and the id of the record in Salesforce
-- units: properties is a JSON of HubSpot property to text; ids of associated records stand with ; between them
-- rule:  HS-12 to HS-19; reason is null for what is published
-- destination: hubspot
-- object: email
-- fields: properties
-- delete when: is_deleted
-- send whole when: is_contested
-- incremental: object_key
select
    object_key,
    vendor_id,
    reason,
    is_deleted,
    is_contested,
    properties,
    associated_contacts,
    associated_companies,
    associated_deals
from int_inbound_records
where activity_kind = 'email'
