"""The fields that leads and program members have of themselves, and the types of activities.

- https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/fields/list-of-standard-fields
- https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/program-members
- https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/activities : the numbers of
  the usual types; instances have further ones of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.marketo.stamps import moment

Record = dict[str, Any]
TEXTS = {"string", "email", "phone", "url", "text"}
WHOLE = {"integer", "score"}
LARGEST = 2**63


class Misfit(ValueError):
    """A value that the field does not take."""


@dataclass(frozen=True)
class Field:
    """One field. `length` 0 is none; `searchable` says that records can be asked for by it."""

    name: str
    label: str
    type: str = "string"
    length: int = 255
    read_only: bool = False
    searchable: bool = False

    def told(self) -> Record:
        """As describe has it."""
        found: Record = {"name": self.name, "displayName": self.label, "dataType": self.type}
        if self.type in TEXTS:
            found["length"] = self.length
        return {**found, "updateable": not self.read_only, "crmManaged": False}

    def taken(self, value: Any) -> Any:
        """The value as the field keeps it; blank is none. Misfit where it cannot."""
        if value is None or value == "":
            return None
        if isinstance(value, dict | list):
            raise Misfit(f"Invalid value. Required of type '{self.type}'")
        try:
            kept = self._read(value)
        except (ValueError, OverflowError) as error:
            raise Misfit(f"Invalid value '{value}'. Required of type '{self.type}'") from error
        if self.type in TEXTS and len(kept) > self.length:
            raise Misfit(f"Value for '{self.name}' is longer than {self.length} characters")
        return kept

    def _read(self, value: Any) -> Any:
        if self.type == "boolean":
            words = str(value).strip().lower()
            if words not in ("true", "false", "1", "0"):
                raise ValueError(words)
            return words in ("true", "1")
        if self.type in WHOLE:
            whole = int(str(value).strip()) if isinstance(value, str) else int(value)
            if isinstance(value, bool) or whole != float(value) or abs(whole) >= LARGEST:
                raise ValueError(value)
            return whole
        if self.type in ("float", "currency"):
            return float(value)
        if self.type == "date":
            return date.fromisoformat(str(value)[:10]).isoformat()
        if self.type == "datetime":
            return iso(moment(value))
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if self.type == "email":
            local, at, domain = text.strip().partition("@")
            if not (
                text.isascii() and local and at and "." in domain and "@" not in domain and " " not in text.strip()
            ):
                raise ValueError(text)
            return text.strip()
        return text


def _fields(*fields: Field) -> dict[str, Field]:
    return {field.name: field for field in fields}


LEAD: dict[str, Field] = _fields(
    Field("id", "Id", "integer", read_only=True, searchable=True),
    Field("email", "Email Address", "email", searchable=True),
    Field("firstName", "First Name"),
    Field("lastName", "Last Name"),
    Field("middleName", "Middle Name"),
    Field("salutation", "Salutation"),
    Field("title", "Job Title"),
    Field("company", "Company Name"),
    Field("department", "Department"),
    Field("phone", "Phone Number", "phone"),
    Field("mobilePhone", "Mobile Phone Number", "phone"),
    Field("address", "Address", "text", 2000),
    Field("city", "City"),
    Field("state", "State"),
    Field("postalCode", "Postal Code"),
    Field("country", "Country"),
    Field("website", "Website", "url"),
    Field("industry", "Industry"),
    Field("leadSource", "Person Source"),
    Field("leadStatus", "Person Status"),
    Field("leadScore", "Person Score", "score"),
    Field("unsubscribed", "Unsubscribed", "boolean"),
    Field("unsubscribedReason", "Unsubscribed Reason", "text", 2000),
    Field("emailInvalid", "Email Invalid", "boolean"),
    Field("emailInvalidCause", "Email Invalid Cause"),
    Field("doNotCall", "Do Not Call", "boolean"),
    Field("dateOfBirth", "Date of Birth", "date"),
    Field("leadPartitionId", "Person Partition Id", "integer", read_only=True, searchable=True),
    Field("sfdcAccountId", "SFDC Account Id", length=50, read_only=True, searchable=True),
    Field("sfdcContactId", "SFDC Contact Id", length=50, read_only=True, searchable=True),
    Field("sfdcLeadId", "SFDC Lead Id", length=50, read_only=True, searchable=True),
    Field("sfdcLeadOwnerId", "SFDC Lead Owner Id", length=50, read_only=True, searchable=True),
    Field("sfdcOpptyId", "SFDC Oppty Id", length=50, read_only=True, searchable=True),
    Field("cookies", "Cookies", "text", 2000, read_only=True, searchable=True),
    Field("facebookId", "Facebook Id", searchable=True),
    Field("linkedInId", "LinkedIn Id", searchable=True),
    Field("twitterId", "Twitter Id", searchable=True),
    Field("originalSourceType", "Original Source Type", read_only=True),
    Field("originalSourceInfo", "Original Source Info", read_only=True),
    Field("acquisitionProgramId", "Acquisition Program", "integer"),
    Field("createdAt", "Created At", "datetime", read_only=True),
    Field("updatedAt", "Updated At", "datetime", read_only=True),
)
DEFAULTS = ("email", "updatedAt", "createdAt", "lastName", "firstName", "id")
"""What is told of a lead where no fields are named."""
MEMBER: dict[str, Field] = _fields(
    Field("leadId", "leadId", "integer", read_only=True, searchable=True),
    Field("programId", "programId", "integer", read_only=True),
    Field("program", "program", read_only=True),
    Field("statusName", "statusName", read_only=True, searchable=True),
    Field("statusReason", "statusReason", read_only=True),
    Field("reachedSuccess", "reachedSuccess", "boolean", read_only=True, searchable=True),
    Field("reachedSuccessDate", "reachedSuccessDate", "datetime", read_only=True),
    Field("acquiredBy", "acquiredBy", "boolean", read_only=True),
    Field("membershipDate", "membershipDate", "datetime", read_only=True),
    Field("isExhausted", "isExhausted", "boolean", read_only=True),
    Field("nurtureCadence", "nurtureCadence", read_only=True),
    Field("trackName", "trackName", read_only=True),
    Field("waitlistPriority", "waitlistPriority", "integer", read_only=True),
    Field("registrationCode", "registrationCode", length=100),
    Field("webinarUrl", "webinarUrl", length=2000),
    Field("createdAt", "createdAt", "datetime", read_only=True),
    Field("updatedAt", "updatedAt", "datetime", read_only=True),
)
MEMBER_DEFAULTS = ("acquiredBy", "leadId", "membershipDate", "programId", "reachedSuccess")


def inferred(name: str, values: list[Any]) -> Field:
    """A field that the instance has made for itself, by the values that stand in it."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return Field(name, name, "boolean")
    if known and all(isinstance(value, int) and not isinstance(value, bool) for value in known):
        return Field(name, name, "integer", searchable=True)
    if known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return Field(name, name, "float")
    longest = max((len(str(value)) for value in known), default=0)
    return Field(name, name, length=max(255, longest), searchable=True)


NEW_LEAD, CHANGE, ADD_TO_LIST, REMOVE_FROM_LIST, MERGE, DELETE = 12, 13, 24, 25, 32, 37
STATUS_CHANGE, MEMBER_CHANGE, PUSH = 104, 123, 145
TYPES: dict[int, tuple[str, str, tuple[str, ...]]] = {
    1: ("Visit Webpage", "Webpage ID", ("Client IP Address", "Query Parameters", "Referrer URL", "Webpage URL")),
    2: ("Fill Out Form", "Webform ID", ("Client IP Address", "Form Fields", "Query Parameters", "Webpage ID")),
    3: ("Click Link", "Link ID", ("Client IP Address", "Query Parameters", "Webpage ID")),
    6: ("Send Email", "Mailing ID", ("Campaign Run ID", "Choice Number", "Step ID")),
    7: ("Email Delivered", "Mailing ID", ("Campaign Run ID", "Choice Number", "Step ID")),
    8: ("Email Bounced", "Mailing ID", ("Category", "Details", "Email", "Subcategory")),
    9: ("Unsubscribe Email", "Mailing ID", ("Client IP Address", "Form Fields", "Webform ID")),
    10: ("Open Email", "Mailing ID", ("Device", "Is Mobile Device", "Platform", "User Agent", "Is Bot Activity")),
    11: ("Click Email", "Mailing ID", ("Link", "Link ID", "Is Mobile Device", "User Agent", "Is Bot Activity")),
    12: ("New Lead", "", ("Created Date", "Form Name", "Lead Source", "List Name", "Source Type", "API Method Name")),
    13: ("Change Data Value", "Attribute Name", ("New Value", "Old Value", "Reason", "Source", "API Method Name")),
    22: ("Change Score", "Score Name", ("Change Value", "New Value", "Old Value", "Reason")),
    24: ("Add to List", "List ID", ("Source",)),
    25: ("Remove from List", "List ID", ("Source",)),
    27: ("Email Bounced Soft", "Mailing ID", ("Category", "Details", "Email", "Subcategory")),
    32: ("Merge Leads", "Lead ID", ("Master Updated", "Merge IDs", "Merge Fields", "Merge Source")),
    37: ("Delete Lead", "Lead ID", ("Campaign", "API Method Name", "Remove from CRM")),
    46: ("Interesting Moment", "Milestone", ("Date", "Description", "Source")),
    47: ("Request Campaign", "Campaign ID", ("Source",)),
    104: (
        "Change Status in Progression",
        "Program ID",
        ("Acquired By", "New Status", "New Status ID", "Old Status", "Old Status ID", "Reason", "Source", "Success"),
    ),
    110: ("Call Webhook", "Webhook", ("Error Type", "Response")),
    113: ("Add to Nurture", "Program ID", ("Track ID", "Track Name")),
    114: ("Change Nurture Track", "Program ID", ("New Track ID", "Previous Track ID", "Track Name")),
    115: ("Change Nurture Cadence", "Program ID", ("New Nurture Cadence", "Previous Nurture Cadence")),
    123: ("Change Program Member Data", "Program ID", ("Attribute Name", "New Value", "Old Value", "Reason", "Source")),
    145: ("Push Lead to Marketo", "Source", ("Lead ID", "Program ID", "Program Status", "Reason")),
}
"""Number, name, the primary attribute, the others."""
