"""Settings of the exchange with Salesforce: how far back, and what of it comes into HubSpot (HS-03, HS-12 to HS-16)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipelines.settings.entries import Moment

PROPERTY = re.compile(r"[a-z][a-z0-9_]*")
FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
OURS = frozenset({"turnout_id", "associated_contacts", "associated_companies", "associated_deals"})
"""Names that a mapping may not take: our key, and what we keep of associations."""

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "tasks": {
        "hs_task_body": "Description",
        "hs_task_priority": "Priority",
        "hs_task_status": "IsClosed",
        "hs_task_subject": "Subject",
        "hs_timestamp": "ActivityDate",
    },
    "emails": {
        "hs_email_direction": "=EMAIL",
        "hs_email_status": "=SENT",
        "hs_email_subject": "Subject",
        "hs_email_text": "Description",
        "hs_timestamp": "ActivityDate",
    },
    "calls": {
        "hs_call_body": "Description",
        "hs_call_direction": "CallType",
        "hs_call_duration": "CallDurationInSeconds",
        "hs_call_status": "=COMPLETED",
        "hs_call_title": "Subject",
        "hs_timestamp": "ActivityDate",
    },
    "meetings": {
        "hs_meeting_body": "Description",
        "hs_meeting_end_time": "EndDateTime",
        "hs_meeting_location": "Location",
        "hs_meeting_start_time": "StartDateTime",
        "hs_meeting_title": "Subject",
        "hs_timestamp": "StartDateTime",
    },
}
"""Per kind, HubSpot property to Salesforce field, or to a fixed text after "=" (HS-15)."""
SOURCES: Mapping[str, str] = {"tasks": "Task", "emails": "Task", "calls": "Task", "meetings": "Event"}
"""The object of Salesforce that each kind is of; which kind a Task is its TaskSubtype tells."""


def _mapping(fields: dict[str, str]) -> dict[str, str]:
    for name, field in fields.items():
        if not PROPERTY.fullmatch(name) or name in OURS:
            raise ValueError(f"{name!r} is no HubSpot property that can be mapped: write its internal name")
        if field and not field.startswith("=") and not FIELD.fullmatch(field):
            raise ValueError(
                f'{name} = {field!r} is no Salesforce field: write its API name, "=text" for a fixed text, '
                'or "" to take the property away'
            )
    return fields


class Inbound(BaseModel):
    """One kind of record on its way from Salesforce into HubSpot (HS-12 to HS-16).

    Attributes:
        on_delete: what becomes of the HubSpot record of one that was deleted in Salesforce.
        prefer: who is right where both were changed since they last agreed.
        owners: whether a record's owner is carried, found by address.
        fields: HubSpot property to Salesforce field, beyond the defaults or in their place; "" takes one away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    sync: bool = False
    on_delete: Literal["nothing", "delete"] = "nothing"
    prefer: Literal["hubspot", "salesforce"] = "salesforce"
    owners: Literal["none", "by_email"] = "none"
    fields: Annotated[dict[str, str], AfterValidator(_mapping)] = Field(default_factory=dict)


class SalesforceOptions(BaseModel):
    """What goes to Salesforce, and what comes from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    activities_since: Moment | None = None
    tasks: Inbound = Inbound()
    emails: Inbound = Inbound()
    calls: Inbound = Inbound()
    meetings: Inbound = Inbound()

    @property
    def streams(self) -> frozenset[str]:
        """The streams of activities that a switch asks for: Tasks hold tasks, emails and calls, Events meetings."""
        from_tasks = {"tasks"} if self.tasks.sync or self.emails.sync or self.calls.sync else set()
        return frozenset(from_tasks | ({"events"} if self.meetings.sync else set()))

    def mapping(self, kind: str) -> dict[str, str]:
        """Return HubSpot property to Salesforce field, or to "=" and a fixed text, of a kind in the plural (HS-15)."""
        edited: Inbound = getattr(self, kind)
        return {name: field for name, field in sorted({**DEFAULTS[kind], **edited.fields}.items()) if field}

    @property
    def inbound(self) -> dict[str, dict[str, str]]:
        """The mappings of the kinds whose switch is on."""
        return {kind: self.mapping(kind) for kind in DEFAULTS if getattr(self, kind).sync}

    @property
    def asked(self) -> dict[str, tuple[str, ...]]:
        """Object of Salesforce to the fields that mappings take from it, of the kinds whose switch is on."""
        found: dict[str, set[str]] = {}
        for kind, mapping in self.inbound.items():
            found.setdefault(SOURCES[kind], set()).update(
                field for field in mapping.values() if not field.startswith("=")
            )
        return {name: tuple(sorted(fields)) for name, fields in found.items()}
