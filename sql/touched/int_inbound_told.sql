-- Of which records from Salesforce or Zoom may HubSpot hold something else by our doing
-- grain: one row per key of int_inbound_told, at least of those whose rows differ
-- narrowed: int_published by object_key; stg_turnout__outcomes by object_key
select object_key from int_published__changed
where destination = 'hubspot' and left(object_key, 3) in ('sf:', 'zm:', 'zr:')
union
select object_key from stg_turnout__outcomes__changed
where destination = 'hubspot' and left(object_key, 3) in ('sf:', 'zm:', 'zr:')
