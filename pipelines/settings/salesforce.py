"""Settings of the exchange with Salesforce: how far back, and what of it comes into HubSpot (HS-03, HS-12 to HS-16)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.settings.entries import Moment


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
    fields: dict[str, str] = Field(default_factory=dict)


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
