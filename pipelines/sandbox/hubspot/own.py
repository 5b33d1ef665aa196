"""The properties that every portal has without anybody defining them, as far as this product meets them.

Names come from the inventories of real portals, not from an official list
(https://knowledge.hubspot.com/properties/hubspots-default-contact-properties); one that is missing here is taken for
a text property of HubSpot's own where a world's record has it.
"""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]

# name, type and flags: r = read-only
CONTACTS = """
email string, firstname string, lastname string, phone phone_number, mobilephone phone_number, company string,
jobtitle string, website string, address string, city string, state string, zip string, country string, industry string,
salutation string, message string, lifecyclestage enumeration, hs_lead_status enumeration, hubspot_owner_id enumeration,
hubspot_team_id enumeration r, hs_additional_emails enumeration, hs_language enumeration, hs_timezone enumeration,
numemployees string, annualrevenue string, twitterhandle string, hs_persona enumeration, hs_email_domain string r,
hs_full_name_or_email string r, hs_marketable_status enumeration r, hs_legal_basis enumeration,
createdate datetime r, lastmodifieddate datetime r, hs_object_id number r, hs_object_source enumeration r,
hs_object_source_id string r, hs_object_source_label enumeration r, hs_object_source_user_id number r,
hs_object_source_detail_1 string r, hs_object_source_detail_2 string r, hs_object_source_detail_3 string r,
hs_merged_object_ids enumeration r, hs_calculated_merged_vids enumeration r,
hs_analytics_source enumeration r, hs_analytics_source_data_1 string r, hs_analytics_source_data_2 string r,
hs_latest_source enumeration r, hs_latest_source_data_1 string r, hs_latest_source_data_2 string r,
hs_latest_source_timestamp datetime r, hs_analytics_first_timestamp datetime r, hs_analytics_last_timestamp datetime r,
hs_analytics_num_page_views number r, hs_analytics_num_visits number r,
salesforcecontactid string, salesforceleadid string, salesforceaccountid string, salesforceownerid string,
salesforcecampaignids enumeration, salesforcedeleted bool, salesforceopportunitystage string,
salesforcelastsynctime datetime,
hs_email_open number r, hs_email_click number r, hs_email_delivered number r, hs_email_replied number r,
hs_email_bounce number r, hs_email_optout bool, hs_email_last_send_date datetime r, hs_email_last_open_date datetime r,
hs_email_last_click_date datetime r, hs_email_last_email_name string r, hs_email_first_open_date datetime r,
hs_email_first_click_date datetime r, hs_email_first_send_date datetime r,
hs_email_sends_since_last_engagement number r,
hs_sales_email_last_opened datetime r, hs_sales_email_last_clicked datetime r, hs_sales_email_last_replied datetime r,
hs_document_last_revisited datetime r, notes_last_contacted datetime r, notes_last_updated datetime r,
num_contacted_notes number r, num_notes number r, hs_last_sales_activity_timestamp datetime r,
hs_last_sales_activity_date datetime r, hs_last_sales_activity_type enumeration r, num_conversion_events number r,
num_unique_conversion_events number r, recent_conversion_date datetime r, recent_conversion_event_name string r,
first_conversion_date datetime r, first_conversion_event_name string r
"""
COMPANIES = """
name string, domain string, industry string, phone phone_number, city string, country string, website string,
numberofemployees number, annualrevenue number, hubspot_owner_id enumeration, createdate datetime r,
salesforceaccountid string, hs_lastmodifieddate datetime r, hs_object_id number r, hs_merged_object_ids enumeration r
"""
DEALS = """
dealname string, dealstage enumeration, pipeline enumeration, amount number, closedate datetime,
hubspot_owner_id enumeration, createdate datetime r, hs_lastmodifieddate datetime r, hs_object_id number r,
hs_salesforceopportunityid string, hs_merged_object_ids enumeration r
"""
ACTIVITY = """
hs_timestamp datetime, hs_createdate datetime r, hs_lastmodifieddate datetime r, hs_object_id number r,
hubspot_owner_id enumeration, hs_attachment_ids string, hs_activity_type string, hs_unique_id string r,
hs_body_preview string r, hs_object_source enumeration r, hs_object_source_id string r,
hs_object_source_label enumeration r
"""
ENGAGEMENTS = {
    "calls": """hs_call_title string, hs_call_body string, hs_call_direction enumeration,
        hs_call_disposition enumeration, hs_call_duration number, hs_call_status enumeration,
        hs_call_from_number string, hs_call_to_number string, hs_call_recording_url string,
        hs_call_callee_object_id number, hs_call_source string""",
    "emails": """hs_email_direction enumeration, hs_email_status enumeration, hs_email_subject string,
        hs_email_text string, hs_email_html string, hs_email_headers string, hs_email_from_email string r,
        hs_email_to_email string r, hs_email_from_firstname string r, hs_email_from_lastname string r,
        hs_email_open_count number r, hs_email_click_count number r""",
    "meetings": """hs_meeting_title string, hs_meeting_body string, hs_internal_meeting_notes string,
        hs_meeting_start_time datetime, hs_meeting_end_time datetime, hs_meeting_outcome enumeration,
        hs_meeting_location string, hs_meeting_external_url string""",
    "notes": "hs_note_body string",
    "tasks": """hs_task_subject string, hs_task_body string, hs_task_status enumeration, hs_task_priority enumeration,
        hs_task_type enumeration, hs_task_reminders string, hs_task_completion_date datetime r""",
    "communications": """hs_communication_channel_type enumeration, hs_communication_logged_from enumeration,
        hs_communication_body string""",
}
OPTIONS = {
    "lifecyclestage": (
        "subscriber",
        "lead",
        "marketingqualifiedlead",
        "salesqualifiedlead",
        "opportunity",
        "customer",
        "evangelist",
        "other",
    ),
    "hs_call_direction": ("INBOUND", "OUTBOUND"),
    "hs_email_direction": ("EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL"),
    "hs_email_status": ("BOUNCED", "FAILED", "SCHEDULED", "SENDING", "SENT"),
    "hs_task_priority": ("NONE", "LOW", "MEDIUM", "HIGH"),
    "hs_task_status": ("NOT_STARTED", "IN_PROGRESS", "COMPLETED", "WAITING", "DEFERRED"),
    "hs_task_type": ("EMAIL", "CALL", "TODO"),
    "hs_communication_channel_type": ("WHATS_APP", "LINKEDIN_MESSAGE", "SMS"),
    "hs_communication_logged_from": ("CRM",),
}
FIELDS = {
    "number": "number",
    "date": "date",
    "datetime": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
    "phone_number": "phonenumber",
}
GROUPS = {
    "contacts": "contactinformation",
    "companies": "companyinformation",
    "deals": "dealinformation",
    "calls": "call",
    "emails": "email",
    "meetings": "meeting",
    "notes": "note",
    "tasks": "task",
    "communications": "communication",
}
SHOWN = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": ("amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id"),
}
CREATED = {"contacts": "createdate", "companies": "createdate", "deals": "createdate"}
MODIFIED = {"contacts": "lastmodifieddate"}
TYPE_IDS = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "calls": "0-48",
    "emails": "0-49",
    "meetings": "0-47",
    "notes": "0-46",
    "tasks": "0-27",
    "communications": "0-18",
}
SINGULAR = {"companies": "company"}


def own_definitions(kind: str) -> dict[str, Record]:
    """HubSpot's own property definitions of an object type."""
    text = {"contacts": CONTACTS, "companies": COMPANIES, "deals": DEALS}.get(kind)
    if text is None:
        text = f"{ACTIVITY}, {ENGAGEMENTS[kind]}"
    found = {}
    for words in text.split(","):
        name, type_, *flags = words.split()
        found[name] = definition(name, type_, GROUPS[kind], read_only=bool(flags))
    return found


def definition(name: str, type_: str, group: str, *, read_only: bool = False) -> Record:
    options = [
        {"label": value, "value": value, "displayOrder": at, "hidden": False}
        for at, value in enumerate(OPTIONS.get(name, ()))
    ]
    return {
        "name": name,
        "label": name.removeprefix("hs_").replace("_", " ").capitalize(),
        "type": type_,
        "fieldType": FIELDS.get(type_, "text"),
        "description": "",
        "groupName": group,
        "options": options,
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": name == "hubspot_owner_id",
        "hasUniqueValue": name == "email" or name == "hs_object_id",
        "hidden": False,
        "hubspotDefined": True,
        "formField": not read_only and not name.startswith("hs_"),
        "archived": False,
        "modificationMetadata": {
            "archivable": False,
            "readOnlyDefinition": True,
            "readOnlyOptions": True,
            "readOnlyValue": read_only,
        },
    }


def type_of(name: str) -> str | None:
    """The object type that a path names: plural, singular or id."""
    if name in TYPE_IDS:
        return name
    for kind, number in TYPE_IDS.items():
        if name in (number, kind.rstrip("s"), SINGULAR.get(kind)) or name.lower() == kind:
            return kind
    return None


def created_name(kind: str) -> str:
    return CREATED.get(kind, "hs_createdate")


def modified_name(kind: str) -> str:
    return MODIFIED.get(kind, "hs_lastmodifieddate")
