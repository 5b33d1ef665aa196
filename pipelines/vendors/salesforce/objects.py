"""What is read of each object of Salesforce; a field that the org lacks, or hides from the user, is not asked for."""

from __future__ import annotations

STAMPS = ("Id", "CreatedDate", "LastModifiedDate", "SystemModstamp")
"""Fields that every object has."""
OURS = ("Turnout_Id__c", "Turnout_Occurred_At__c", "Turnout_Activity__c")
"""Our own fields on Activity, so on Task and Event."""
FIELDS: dict[str, tuple[str, ...]] = {
    "User": ("Email", "Name", "IsActive", "UserType"),
    "Account": ("IsDeleted", "MasterRecordId"),
    "Contact": ("Email", "AccountId", "OwnerId", "IsDeleted", "MasterRecordId"),
    "Lead": (
        "Email",
        "OwnerId",
        "IsDeleted",
        "MasterRecordId",
        "IsConverted",
        "ConvertedContactId",
        "ConvertedAccountId",
    ),
    "Opportunity": ("AccountId", "IsDeleted"),
    "Task": (
        "WhoId",
        "WhatId",
        "AccountId",
        "OwnerId",
        "Subject",
        "Status",
        "Priority",
        "Type",
        "TaskSubtype",
        "ActivityDate",
        "Description",
        "CallType",
        "CallDurationInSeconds",
        "CallDisposition",
        "IsClosed",
        "IsDeleted",
        "IsArchived",
        "CreatedById",
        "LastModifiedById",
        *OURS,
    ),
    "Event": (
        "WhoId",
        "WhatId",
        "AccountId",
        "OwnerId",
        "Subject",
        "Location",
        "StartDateTime",
        "EndDateTime",
        "ActivityDate",
        "IsAllDayEvent",
        "Description",
        "IsChild",
        "IsDeleted",
        "IsArchived",
        "CreatedById",
        "LastModifiedById",
        *OURS,
    ),
}
DESCRIBED = tuple(FIELDS)
