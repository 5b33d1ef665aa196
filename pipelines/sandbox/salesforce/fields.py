"""The standard objects and their fields, as describe gives them in an org that nobody has changed much.

One line a field: name, type, length, flags, objects referred to, relationship, label. The flags: C createable,
U updateable, N nillable, D defaulted on create, R restricted picklist, X external id, Q unique, S case-sensitive,
I idLookup, F not filterable. Lengths and flags follow recorded describes of a developer org (API 42 and 59) and
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_task.htm
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

Record = dict[str, Any]
STAMPS = """
CreatedDate datetime 0 D
CreatedById reference 18 D User CreatedBy
LastModifiedDate datetime 0 D
LastModifiedById reference 18 D User LastModifiedBy
SystemModstamp datetime 0 D
"""
START = """
Id id 18 ID
IsDeleted boolean 0 D
"""
PERSON = """
MasterRecordId reference 18 N {0} MasterRecord
LastName string 80 CU
FirstName string 40 CUN
Salutation picklist 40 CUN
Name string 121 -
Title string 128 CUN
Phone phone 40 CUN
MobilePhone phone 40 CUN
Fax phone 40 CUN
Email email 80 CUNI
LeadSource picklist 40 CUN
Description textarea 32000 CUNF
LastActivityDate date 0 N
"""
ACTIVITY = """
WhoId reference 18 CUN Contact,Lead Who
WhatId reference 18 CUN Account,Opportunity,Campaign What
AccountId reference 18 N Account Account
Subject combobox 255 CUN
Description textarea 32000 CUNF
OwnerId reference 18 CUD User Owner
Type picklist 40 CUN
IsArchived boolean 0 D
IsReminderSet boolean 0 CUD
ReminderDateTime datetime 0 CUN
IsRecurrence boolean 0 CD
RecurrenceActivityId reference 18 N - -
Turnout_Id__c string 255 CUNXQSI
Turnout_Occurred_At__c datetime 0 CUN
Turnout_Activity__c string 255 CUN
"""
TABLES = {
    "User": """
Id id 18 ID
Username string 80 CUI
LastName string 80 CU
FirstName string 40 CUN
Name string 121 -
Email email 128 CUI
Alias string 8 CU
IsActive boolean 0 CUD
TimeZoneSidKey picklist 40 CUR
UserType picklist 40 -
ProfileId reference 18 CU Profile Profile
FederationIdentifier string 512 CUN
""",
    "Account": START
    + """
MasterRecordId reference 18 N Account MasterRecord
Name string 255 CU
Type picklist 40 CUN
ParentId reference 18 CUN Account Parent
Phone phone 40 CUN
Website url 255 CUN
Industry picklist 40 CUN
AnnualRevenue currency 0 CUN
NumberOfEmployees int 0 CUN
BillingCity string 40 CUN
BillingCountry string 80 CUN
AccountNumber string 40 CUN
Site string 80 CUN
Description textarea 32000 CUNF
OwnerId reference 18 CUD User Owner
LastActivityDate date 0 N
""",
    "Contact": START
    + PERSON.format("Contact")
    + """
AccountId reference 18 CUN Account Account
Department string 80 CUN
MailingCity string 40 CUN
MailingCountry string 80 CUN
ReportsToId reference 18 CUN Contact ReportsTo
OwnerId reference 18 CUD User Owner
HasOptedOutOfEmail boolean 0 CUD
IsEmailBounced boolean 0 D
EmailBouncedDate datetime 0 CUN
EmailBouncedReason string 255 CUN
""",
    "Lead": START
    + PERSON.format("Lead")
    + """
Company string 255 CU
City string 40 CUN
Country string 80 CUN
Website url 255 CUN
Status picklist 40 CUD
Industry picklist 40 CUN
Rating picklist 40 CUN
OwnerId reference 18 CUD User Owner
HasOptedOutOfEmail boolean 0 CUD
IsConverted boolean 0 CD
ConvertedDate date 0 N
ConvertedAccountId reference 18 N Account ConvertedAccount
ConvertedContactId reference 18 N Contact ConvertedContact
ConvertedOpportunityId reference 18 N Opportunity ConvertedOpportunity
EmailBouncedDate datetime 0 UN
EmailBouncedReason string 255 UN
""",
    "Opportunity": START
    + """
AccountId reference 18 CUN Account Account
Name string 120 CU
Description textarea 32000 CUNF
StageName picklist 255 CU
Amount currency 0 CUN
Probability percent 0 CUN
CloseDate date 0 CU
Type picklist 255 CUN
LeadSource picklist 255 CUN
CampaignId reference 18 CUN Campaign Campaign
ContactId reference 18 CN Contact Contact
IsClosed boolean 0 D
IsWon boolean 0 D
OwnerId reference 18 CUD User Owner
LastActivityDate date 0 N
""",
    "Task": START
    + ACTIVITY
    + """
ActivityDate date 0 CUN
Status picklist 40 CUD
Priority picklist 40 CUD
IsHighPriority boolean 0 D
IsClosed boolean 0 D
TaskSubtype picklist 40 CNDR
CompletedDateTime datetime 0 N
CallType picklist 40 CUNR
CallDurationInSeconds int 0 CUN
CallDisposition string 255 CUN
CallObject string 255 CUN
""",
    "Event": START
    + ACTIVITY
    + """
Location string 255 CUN
IsAllDayEvent boolean 0 CUD
ActivityDateTime datetime 0 CUN
ActivityDate date 0 CUN
DurationInMinutes int 0 CUN
StartDateTime datetime 0 CUN
EndDateTime datetime 0 CUN
EndDate date 0 N
IsPrivate boolean 0 CUD
ShowAs picklist 40 CUNDR
IsChild boolean 0 D
IsGroupEvent boolean 0 D
GroupEventType picklist 40 NR
EventSubtype picklist 40 CNDR
""",
    "Campaign": START
    + """
Name string 80 CUI
ParentId reference 18 CUN Campaign Parent
Type picklist 40 CUND
Status picklist 40 CUND
StartDate date 0 CUN
EndDate date 0 CUN
IsActive boolean 0 CUD
Description textarea 32000 CUNF
OwnerId reference 18 CUD User Owner
LastActivityDate date 0 N
""",
    "CampaignMember": START
    + """
CampaignId reference 18 C Campaign Campaign
LeadId reference 18 CN Lead Lead
ContactId reference 18 CN Contact Contact
Status picklist 40 CUND
HasResponded boolean 0 D
FirstRespondedDate date 0 N
""",
    "EmailMessage": START
    + """
ParentId reference 18 CUN - -
ActivityId reference 18 CN Task Activity
RelatedToId reference 18 CUN Account,Opportunity,Campaign RelatedTo
Subject string 3000 CUN
TextBody textarea 131072 CUNF
FromAddress string 1000 CUN
FromName string 1000 CUN
ToAddress string 4000 CUN
MessageDate datetime 0 CUN
MessageIdentifier string 765 CUN
Incoming boolean 0 CUD
Status picklist 40 CDR
""",
    "TaskStatus": """
Id id 18 ID
MasterLabel string 255 N
ApiName string 255 N
SortOrder int 0 N
IsDefault boolean 0 D
IsClosed boolean 0 D
""",
    "TaskPriority": """
Id id 18 ID
MasterLabel string 255 N
ApiName string 255 N
SortOrder int 0 N
IsDefault boolean 0 D
IsHighPriority boolean 0 D
""",
    "Organization": """
Id id 18 I
Name string 80 -
TimeZoneSidKey picklist 40 R
LanguageLocaleKey picklist 40 R
OrganizationType picklist 40 NR
IsSandbox boolean 0 -
""",
}
READ_ONLY = {"TaskStatus", "TaskPriority", "Organization"}
ACTIVITIES = ("Task", "Event")
VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    ("Task", "TaskSubtype"): ("Task", "Email", "ListEmail", "Cadence", "Call"),
    ("Task", "CallType"): ("Internal", "Inbound", "Outbound"),
    ("Event", "ShowAs"): ("Busy", "OutOfOffice", "Free"),
    ("Event", "EventSubtype"): ("Event",),
    ("Event", "GroupEventType"): ("0", "1", "2"),
    ("Event", "Type"): ("Email", "Meeting", "Other", "Call"),
    ("Lead", "Status"): ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"),
    ("Campaign", "Status"): ("Planned", "In Progress", "Completed", "Aborted"),
    ("CampaignMember", "Status"): ("Sent", "Responded"),
    ("EmailMessage", "Status"): ("0", "1", "2", "3", "4", "5"),
    ("Opportunity", "StageName"): ("Prospecting", "Qualification", "Proposal", "Closed Won", "Closed Lost"),
}
DEFAULTS: dict[tuple[str, str], Any] = {
    ("Task", "TaskSubtype"): "Task",
    ("Event", "ShowAs"): "Busy",
    ("Event", "EventSubtype"): "Event",
    ("Lead", "Status"): "Open - Not Contacted",
    ("Campaign", "Status"): "Planned",
    ("CampaignMember", "Status"): "Sent",
    ("EmailMessage", "Status"): "3",
    ("User", "IsActive"): True,
}
TEXTS = {"string", "picklist", "combobox", "textarea", "email", "phone", "url", "id", "reference", "multipicklist"}
NUMBERS = {"int", "double", "currency", "percent"}
LABELS = {
    "WhoId": "Name ID",
    "WhatId": "Related To ID",
    "OwnerId": "Assigned To ID",
    "ActivityDate": "Due Date Only",
    "AccountId": "Account ID",
    "Turnout_Id__c": "Turnout Id",
}


@dataclass(frozen=True)
class Field:
    """One field of one object."""

    name: str
    type: str
    length: int
    flags: str
    refers: tuple[str, ...] = ()
    relationship: str = ""

    def __getattr__(self, name: str) -> bool:
        """`createable`, `updateable` and the like, by the letter that stands for them."""
        try:
            is_set = FLAGS[name] in self.flags
        except KeyError:
            raise AttributeError(name) from None
        self.__dict__[name] = is_set  # asked for again with every row that is written
        return is_set

    @property
    def label(self) -> str:
        if self.name in LABELS:
            return LABELS[self.name]
        words = self.name.removesuffix("__c").replace("_", " ")
        spaced = "".join(
            f" {at}" if at.isupper() and was.islower() else at for was, at in zip(" " + words, words, strict=False)
        )
        return spaced.replace("  ", " ").strip().removesuffix(" Id") + (" ID" if self.type == "reference" else "")

    @cached_property
    def required(self) -> bool:
        """Whether a record cannot be created without it."""
        return self.createable and not self.nillable and not self.defaulted and self.type != "boolean"


FLAGS = {
    "createable": "C",
    "updateable": "U",
    "nillable": "N",
    "defaulted": "D",
    "restricted": "R",
    "external": "X",
    "unique": "Q",
    "case_sensitive": "S",
    "id_lookup": "I",
    "unfilterable": "F",
}


def _read(line: str) -> Field:
    name, type_, length, flags, *rest = line.split()
    refers, relationship = (rest + ["", ""])[:2]
    return Field(
        name,
        type_,
        int(length),
        flags,
        tuple(refers.split(",")) if refers not in ("", "-") else (),
        relationship.strip("-"),
    )


def _table(name: str, text: str) -> dict[str, Field]:
    lines = text.strip().splitlines()
    if name not in READ_ONLY:
        lines += STAMPS.strip().splitlines()
    return {field.name: field for field in (_read(line) for line in lines if line.strip())}


SCHEMA: dict[str, dict[str, Field]] = {name: _table(name, text) for name, text in TABLES.items()}


def inferred(name: str, values: list[Any]) -> Field:
    """A field that is in no table, by the values that records have in it."""
    given = [value for value in values if value is not None]
    if given and all(isinstance(value, bool) for value in given):
        return Field(name, "boolean", 0, "CUD")
    if given and all(isinstance(value, int | float) for value in given):
        return Field(name, "double", 0, "CUN")
    longest = max((len(value) for value in given if isinstance(value, str)), default=0)
    return Field(name, "string", max(255, longest), "CUN")
