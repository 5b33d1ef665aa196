-- Which Tasks should Salesforce have, and what should they say?
-- grain: one row per object_key: the external id of an activity's Task
-- units: fields carry Salesforce's names; ActivityDate is a day in the org's time zone, Turnout_Occurred_At__c an
--        instant in UTC to the second; texts are cut at 255 and 32,000 characters
-- rule:  HS-01 to HS-10; reason is null for what is published; a Task stays on whom it was put
-- destination: salesforce
-- object: task
-- create only: WhoId, WhatId, Status, Type
-- context: account_id
-- apart: activity_key
-- incremental: activity_key
with

worded as (

    select
        activities.activity_key,
        people.task_key as object_key,
        told.task_id as vendor_id,
        case
            when told.task_key is null
                then people.reason
            when people.reason in ('type_off', 'deleted_in_hubspot')
                then people.reason
        end as reason,
        people.account_id,
        left(
            case activities.activity_type
                when 'form_submission'
                    then 'Form submitted: ' || coalesce(activities.subject, 'a form')
                when 'marketing_email_sent'
                    then 'Marketing email sent: ' || coalesce(activities.subject, 'no subject')
                when 'marketing_email_opened'
                    then 'Marketing email opened: ' || coalesce(activities.subject, 'no subject')
                when 'marketing_email_clicked'
                    then 'Marketing email clicked: ' || coalesce(activities.subject, 'no subject')
                when 'sales_email_sent'
                    then 'Email sent: ' || coalesce(activities.subject, 'no subject')
                when 'sales_email_opened'
                    then 'Sales email opened'
                when 'sales_email_clicked'
                    then 'Sales email clicked'
                when 'meeting_scheduled'
                    then concat_ws(': ', 'Meeting', nullif(activities.subject, 'Meeting'))
                when 'call_made'
                    then concat_ws(': ', 'Call', nullif(activities.subject, 'Call'))
                when 'note_created'
                    then concat_ws(': ', 'Note', nullif(activities.subject, 'Note'))
                when 'sales_content_viewed'
                    then 'Sales content viewed'
                when 'task_created'
                    then concat_ws(': ', 'Task', nullif(activities.subject, 'Task'))
                else 'Webinar: ' || coalesce(activities.subject, 'no title')
            end,
            255
        ) as "Subject",
        org.closed_status as "Status",
        nullif(settings.task_type, '') as "Type",
        strftime(timezone(org.time_zone, activities.occurred_at), '%Y-%m-%d') as "ActivityDate",
        coalesce(told.who_id, people.record_id) as "WhoId",
        case when people.record_kind = 'contact' then whats.what_id end as "WhatId",
        left(activities.body, 32000) as "Description",
        strftime(timezone('UTC', activities.occurred_at), '%Y-%m-%dT%H:%M:%SZ') as "Turnout_Occurred_At__c",
        activities.activity_type as "Turnout_Activity__c"
    from int_activity_people as people
    inner join int_activities as activities
        on people.activity_key = activities.activity_key
    inner join int_activity_settings as settings
        on people.activity_type = settings.activity_type
    cross join int_salesforce_org as org
    left join int_activity_whats as whats
        on people.activity_key = whats.activity_key
    left join int_published_tasks as told
        on people.task_key = told.task_key

)

select * from worded
