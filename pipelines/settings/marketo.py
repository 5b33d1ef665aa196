"""Settings of the exchange with Marketo: which program is of which webinar, and what its statuses are called."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pipelines.settings.entries import webinar_id

MOST_USERS = 20
PROGRAM = re.compile(r"[0-9]{1,15}")


def _program(text: str) -> str:
    if not PROGRAM.fullmatch(text):
        raise ValueError("write the program's id, digits only: the number behind PG in its address in Marketo")
    return text


def _webinar(text: str) -> str:
    """Read `<webinar id>`, or `<webinar id>/<occurrence id>` for one occurrence of a series."""
    number, is_one, occurrence = text.partition("/")
    if is_one and not PROGRAM.fullmatch(occurrence.strip()):
        raise ValueError('write "<webinar id>", or "<webinar id>/<occurrence id>" for one occurrence of a series')
    return f"{webinar_id(number)}/{occurrence.strip()}" if is_one else webinar_id(number)


def _address(text: str) -> str:
    entry = text.strip().lower()
    if "@" not in entry or " " in entry:
        raise ValueError("write the address of a Zoom user, for example host@acme.com")
    return entry


class Statuses(BaseModel):
    """What a channel calls the statuses that we give; "" is Marketo's own name for it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    registered: str = ""
    no_show: str = ""
    attended: str = ""


class MarketoOptions(BaseModel):
    """Programs on their way between Zoom and Marketo (ZM-01 to ZM-11).

    Attributes:
        tag: a type of tag; a program that bears it is of the webinar that it says, unless `programs` says another.
        users: Zoom users whose webinars can be linked, beside the owner of the Zoom account.
        programs: program id to webinar id, or to one occurrence of a series.
        list_folder: id of the folder in which the lists of segments are made, 0 for that of a list which is there.
        channels: the statuses of channels that do not have Marketo's own names; what is named here is for webinars.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tag: str = "Zoom Webinar"
    users: list[Annotated[str, AfterValidator(_address)]] = Field(default_factory=list)
    unlimited_users: bool = False
    sync_zoom_page_registrations: bool = False
    create_leads_from_attendees: bool = True
    programs: dict[Annotated[str, AfterValidator(_program)], Annotated[str, AfterValidator(_webinar)]] = Field(
        default_factory=dict
    )
    channels: dict[str, Statuses] = Field(default_factory=dict)
    list_folder: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _is_within_what_can_be_seen(self) -> MarketoOptions:
        if len(set(self.users)) > MOST_USERS and not self.unlimited_users:
            raise ValueError(
                f"users names {len(set(self.users))} Zoom users, and {MOST_USERS} can be seen beside the owner: "
                "take some away, or set unlimited_users = true"
            )
        return self

    def meaning(self) -> dict[str, Any]:
        """Return the section as JSON values, with names and lists in order."""
        links = [(program, *webinar.partition("/")) for program, webinar in sorted(self.programs.items())]
        return {
            **self.model_dump(mode="json", exclude={"list_folder"}),
            "users": sorted(set(self.users)),
            "programs": [
                {"program_id": program, "webinar_id": webinar, "occurrence_id": occurrence}
                for program, webinar, _, occurrence in links
            ],
            "channels": [{"name": name, **one.model_dump()} for name, one in sorted(self.channels.items())],
        }
