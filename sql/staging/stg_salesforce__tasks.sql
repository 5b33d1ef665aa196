-- What did Salesforce say of each Task, each time it said something new?
-- grain: one row per event of salesforce/tasks
-- units: ids have 18 characters; fields is the record as it was told, null where it is one of ours or was erased; a
--        kind of absent is a record that was erased for good
-- rule:  HS-12, HS-17, what a TaskSubtype other than Task, Email and Call stands for is nobody's to see; HS-18
with

parsed as (

    select
        event_id,
        account,
        key as record_id,
        kind,
        occurred_at,
        observed_at,
        payload,
        from_json(
            payload,
            '{
                "TaskSubtype": "VARCHAR",
                "WhoId": "VARCHAR",
                "WhatId": "VARCHAR",
                "OwnerId": "VARCHAR",
                "Turnout_Id__c": "VARCHAR",
                "CreatedDate": "TIMESTAMPTZ",
                "LastModifiedDate": "TIMESTAMPTZ",
                "IsDeleted": "BOOLEAN"
            }'
        ) as told
    from raw_salesforce__tasks

),

named as (

    select
        event_id,
        account,
        record_id,
        kind,
        occurred_at,
        observed_at,
        case coalesce(nullif(told.tasksubtype, ''), 'Task')
            when 'Task' then 'task'
            when 'Email' then 'email'
            when 'Call' then 'call'
        end as activity_kind,
        nullif(told.whoid, '') as who_id,
        nullif(told.whatid, '') as what_id,
        nullif(told.ownerid, '') as owner_id,
        nullif(told.turnout_id__c, '') as turnout_id,
        told.createddate as created_at,
        told.lastmodifieddate as modified_at,
        coalesce(told.isdeleted, false) as is_deleted,
        case when coalesce(told.turnout_id__c, '') = '' then cast(payload as varchar) end as fields
    from parsed

)

select * from named
