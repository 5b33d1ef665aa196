"""Settings: one frozen class per section of `turnout.toml`, secrets from the environment alone.

Every wrong entry is named at once, with the name that was probably meant. What can change a published number is
`Settings.meaning()`: it goes into the log as an event (EV-13).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Mapping
from datetime import date
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipelines.errors import SettingsError
from pipelines.settings.connections import HOSTS as HOSTS
from pipelines.settings.connections import NEEDED as NEEDED
from pipelines.settings.connections import Connection as Connection
from pipelines.settings.connections import address_of as address_of
from pipelines.settings.connections import connections as connections
from pipelines.settings.connections import signed_with as signed_with
from pipelines.settings.connections import webhook_secrets as webhook_secrets
from pipelines.settings.entries import AddressOrDomain, Brand, Domain, Moment, WebinarId, Zone, brands_once, once
from pipelines.settings.entries import webinar_id as webinar_id
from pipelines.settings.marketo import MarketoOptions
from pipelines.settings.registration import Registration
from pipelines.settings.salesforce import DEFAULTS as MAPPED
from pipelines.settings.salesforce import SalesforceOptions

UNUSABLE = frozenset('%*?[]{}"\\\n')
"""What the path of TURNOUT_HOME cannot have: Delta's library takes some of it for an escape, DuckDB for a pattern."""
ACTIVITY_TYPES = (
    "form_submission",
    "marketing_email_sent",
    "marketing_email_opened",
    "marketing_email_clicked",
    "sales_email_sent",
    "sales_email_opened",
    "sales_email_clicked",
    "meeting_scheduled",
    "call_made",
    "note_created",
    "sales_content_viewed",
    "task_created",
    "integration_event",
)
"""The thirteen activity types of HS-01."""


class Section(BaseModel):
    """A table of the settings file: frozen, and nothing in it that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SyncUser(Section):
    """Switches of one Zoom user (HZ-02, HZ-03)."""

    new_webinars: bool = True
    recordings: bool = False


class Sync(Section):
    """What is in scope (HZ-02, HZ-03)."""

    webinars: bool = True
    by_webinar: Annotated[dict[WebinarId, bool], BeforeValidator(once)] = Field(default_factory=dict)
    new_webinars: bool = True
    recordings: Literal["none", "selected", "all"] = "none"
    users: dict[str, SyncUser] = Field(default_factory=dict)


class Meetings(Section):
    """Which meetings are synced (HZ-12).

    Attributes:
        new_meetings: whether those are that a user schedules from now on, for users not named in `users`.
        users: address of a user to what holds in place of `new_meetings`. `single`: meetings by id, which win over it.
    """

    sync: bool = False
    new_meetings: bool = True
    cloud_recorded_only: bool = False
    users: dict[str, bool] = Field(default_factory=dict)
    single: Annotated[dict[WebinarId, bool], BeforeValidator(once)] = Field(default_factory=dict)


class Exclusions(Section):
    """Who and what is never synced (HZ-04)."""

    host_domains: list[Domain] = Field(default_factory=list)
    recording_domains: list[Domain] = Field(default_factory=list)
    contacts: list[AddressOrDomain] = Field(default_factory=list)


class Attendance(Section):
    """How attendance is counted (HZ-20)."""

    count_panelists: bool = False


class Identity(Section):
    """Whose a secondary address is (HZ-06)."""

    secondary_emails: Literal["ignore", "attribute"] = "ignore"


class Activity(Section):
    """One activity type on its way to Salesforce (HS-01)."""

    sync: bool = True
    task_type: str = ""


class Activities(Section):
    """Activities on their way to Salesforce (HS-01 to HS-08)."""

    since: Moment | None = None
    bots: Literal["exclude", "include"] = "exclude"
    time_zone: Zone = "UTC"
    form_submission: Activity = Activity()
    marketing_email_sent: Activity = Activity()
    marketing_email_opened: Activity = Activity()
    marketing_email_clicked: Activity = Activity()
    sales_email_sent: Activity = Activity()
    sales_email_opened: Activity = Activity()
    sales_email_clicked: Activity = Activity()
    meeting_scheduled: Activity = Activity()
    call_made: Activity = Activity()
    note_created: Activity = Activity()
    sales_content_viewed: Activity = Activity()
    task_created: Activity = Activity()
    integration_event: Activity = Activity()


class Ingest(Section):
    """How far back and how carefully vendors are read. Machines only: no number depends on it."""

    years: int = Field(default=3, ge=1, le=20)
    overlap_minutes: int = Field(default=30, ge=0, le=10_080)
    lag_minutes: int = Field(default=5, ge=0, le=1_440)
    report_settles_hours: int = Field(default=24, ge=1, le=720)
    reconcile_hours: int = Field(default=24, ge=1, le=8_760)
    at_once: int = Field(default=8, ge=1, le=32)
    only_in_scope: bool = False


class Imports(Section):
    """Files that people drop for us (Dagster's sensor looks into the folder `import` of TURNOUT_HOME)."""

    time_zone: Zone = "UTC"


class HubSpotOptions(Section):
    """Which API version of HubSpot is spoken."""

    api_version: Literal["2026-09", "v3"] = "2026-09"


class Further(Section):
    """Accounts beside the one that the environment names, by the name of their brand (HZ-13)."""

    zoom: Annotated[list[Brand], AfterValidator(brands_once)] = Field(default_factory=list)


class Fuses(Section):
    """Shapes of a plan that a person must allow (EV-05)."""

    delete_share: float = Field(default=0.1, ge=0, le=1)
    delete_at_least: int = Field(default=10, ge=0)
    create_times_usual: float = Field(default=10.0, ge=1)
    create_at_least: int = Field(default=500, ge=0)
    emptied_at_least: int = Field(default=10, ge=0)


class Quality(Section):
    """What failed checks may hold back (EV-12)."""

    warn: list[str] = Field(default_factory=list)


class Settings(Section):
    """The whole of `turnout.toml`."""

    sync: Sync = Sync()
    meetings: Meetings = Meetings()
    exclusions: Exclusions = Exclusions()
    attendance: Attendance = Attendance()
    identity: Identity = Identity()
    activities: Activities = Activities()
    ingest: Ingest = Ingest()
    imports: Imports = Imports()
    hubspot: HubSpotOptions = HubSpotOptions()
    salesforce: SalesforceOptions = SalesforceOptions()
    marketo: MarketoOptions = MarketoOptions()
    registration: Registration = Registration()
    connections: Further = Further()
    fuses: Fuses = Fuses()
    quality: Quality = Quality()

    def may_be_in_scope(self, webinar_id: str, host_email: str) -> bool:
        """Whether a webinar could be in scope, as far as it can be told before its history is known (HZ-02).

        A user's switch counts from the moment it came into force, so it excludes nothing here.
        """
        if not self.sync.webinars or not self.sync.by_webinar.get(webinar_id, True):
            return False
        return not _is_among(host_email, self.exclusions.host_domains)

    def may_be_met(self, meeting_id: str, host_email: str, is_recorded: bool) -> bool:
        """Whether who came to a meeting is read: whether it could be in scope (HZ-12)."""
        is_on = self.meetings.sync and self.meetings.single.get(meeting_id, True)
        is_kind = is_recorded or not self.meetings.cloud_recorded_only
        return is_on and is_kind and not _is_among(host_email, self.exclusions.host_domains)

    def may_be_transcribed(self, host_email: str) -> bool:
        """Whether what was said in sessions of a host may be read (HZ-03, HZ-04)."""
        users = {name.strip().lower(): user for name, user in self.sync.users.items()}
        chosen = self.sync.recordings == "all" or (
            self.sync.recordings == "selected" and host_email in users and users[host_email].recordings
        )
        lists = (self.exclusions.host_domains, self.exclusions.recording_domains)
        return self.sync.webinars and chosen and not any(_is_among(host_email, domains) for domains in lists)

    @property
    def made(self) -> tuple[str, ...]:
        """HubSpot's object types of which we make records of what is in Zoom (HZ-12, HZ-26)."""
        calls = ("calls",) if self.sync.recordings != "none" else ()
        return (*calls, "meetings") if self.meetings.sync else calls

    def meaning(self) -> dict[str, Any]:
        """Return the sections that rules of people depend on, as JSON values with names and lists in order."""
        told = self.model_dump(mode="json", include=MEANINGFUL)
        sync = told["sync"]
        sync["by_webinar"] = [
            {"webinar_id": webinar_id, "is_on": is_on} for webinar_id, is_on in sorted(sync["by_webinar"].items())
        ]
        sync["users"] = [{"email": name.strip().lower(), **user} for name, user in sorted(sync["users"].items())]
        for name, key in (("users", "email"), ("single", "meeting_id")):
            chosen = told["meetings"][name].items()
            told["meetings"][name] = [{key: one.strip().lower(), "is_on": is_on} for one, is_on in sorted(chosen)]
        for kind in MAPPED:
            told["salesforce"][kind]["fields"] = self.salesforce.mapping(kind)
        told["marketo"] = self.marketo.meaning()
        told["registration"] = self.registration.meaning()
        return told


WEBINAR_TABLE = re.compile(r"^(\s*\[\s*sync\s*\.\s*)webinars\s*\]", re.MULTILINE)
"""`[sync.webinars]`, the table of single webinars, beside `webinars = true`, the global switch: TOML itself does not
allow one name to be both, so the table is read under a name of its own."""

MEANINGFUL = {
    "sync",
    "meetings",
    "exclusions",
    "attendance",
    "identity",
    "activities",
    "salesforce",
    "marketo",
    "registration",
}
"""Sections that rules of people depend on."""

SHOWN_CHARACTERS = 200
"""Of a wrong entry."""

WORDS = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text in quotes",
    "list_type": 'must be a list, for example ["acme.com"]',
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "datetime_type": "must be a moment, for example 2026-01-31T00:00:00Z",
}
"""What an entry must be, for kinds of errors that pydantic words for programmers."""


def home(environment: Mapping[str, str] | None = None) -> Path:
    """Return TURNOUT_HOME as an absolute path, by default `data/` in the current folder.

    Raises:
        SettingsError: its path has a character that the log's library, or DuckDB, takes for more than itself.
    """
    found = (os.environ if environment is None else environment).get("TURNOUT_HOME") or "data"
    path = Path(found).expanduser().absolute()
    if odd := sorted(set(str(path)) & UNUSABLE):
        raise SettingsError(
            f"TURNOUT_HOME: {path} has {' and '.join(odd)} in it, which a path of the log cannot have. "
            "Choose another folder."
        )
    return path


def settings_file(environment: Mapping[str, str] | None = None) -> Path:
    """Return TURNOUT_SETTINGS, by default `turnout.toml` in the current folder."""
    return Path((os.environ if environment is None else environment).get("TURNOUT_SETTINGS") or "turnout.toml")


def load(path: Path | None = None) -> Settings:
    """Read the settings; a file that is not named and not there means all defaults.

    Raises:
        SettingsError: it cannot be read, is no TOML, or holds entries that are wrong; all of them are named.
    """
    file = path or settings_file()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if path is None and not os.environ.get("TURNOUT_SETTINGS"):
            return Settings()
        raise SettingsError(f"{file}: there is no such settings file. Correct TURNOUT_SETTINGS.") from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{file}: the settings are not in UTF-8 (byte {error.start + 1}). Save the file as UTF-8 and run again."
        ) from None
    except OSError as error:
        raise SettingsError(
            f"{file}: the settings cannot be read: {error.strerror or error}. See that it is a file you may read."
        ) from None
    try:
        entries = tomllib.loads(WEBINAR_TABLE.sub(r"\1by_webinar]", text))
    except (ValueError, RecursionError) as error:  # a number too long for Python, or a nest too deep, is neither's own
        reason = (
            "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition("; use sys")[0]
        )
        raise SettingsError(f"{file}: this is no TOML: {_shown(reason)}. Mend that line and run again.") from None
    return parse(entries, str(file))


def parse(entries: Mapping[str, Any], where: str = "turnout.toml") -> Settings:
    """Check entries as read from TOML.

    Raises:
        SettingsError: names every wrong entry.
    """
    try:
        settings = Settings.model_validate(entries)
    except ValidationError as error:
        wrong = [f"  {_name(found['loc'])}: {_reason(found)}" for found in error.errors()]
        raise SettingsError(
            f"{where} has {len(wrong)} wrong entr{'y' if len(wrong) == 1 else 'ies'}:\n" + "\n".join(wrong)
        ) from None
    return settings


def _is_among(email: str, domains: Collection[str]) -> bool:
    """Whether an address is of one of these domains, `*.acme.com` being the subdomains of acme.com."""
    domain = email.rpartition("@")[2]
    return any(
        domain.endswith(entry.removeprefix("*")) if entry.startswith("*.") else domain == entry for entry in domains
    )


def _name(loc: tuple[int | str, ...]) -> str:
    return ".".join("webinars" if part == "by_webinar" else _shown(str(part)) for part in loc if part != "[key]")


def _reason(found: Any) -> str:
    if found["type"] != "extra_forbidden":
        said = str(found["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
        given = "" if said.startswith(("webinar ", "users ")) else f", not {_shown(_written(found['input']))}"
        return f"{WORDS.get(found['type'], said)}{given}"
    section = reduce(_down, found["loc"][:-1], Settings)
    known = [name for name in getattr(section, "model_fields", {}) if name != "by_webinar"]
    near = get_close_matches(str(found["loc"][-1]), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return f"unknown setting; {hint}"


def _shown(text: str) -> str:
    """Return a text from a file as it may be shown: on one line, and not without end."""
    plain = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[:SHOWN_CHARACTERS])
    return plain if len(text) <= SHOWN_CHARACTERS else plain + "…"


def _written(entry: Any) -> str:
    """Return an entry as the file has it."""
    if isinstance(entry, bool):
        return str(entry).lower()
    return "a table" if isinstance(entry, dict) else str(entry) if isinstance(entry, date) else repr(entry)


def _down(section: Any, part: int | str) -> Any:
    fields = getattr(section, "model_fields", {})
    if part in fields:
        kind = fields[part].annotation
        inner = [argument for argument in getattr(kind, "__args__", ()) if hasattr(argument, "model_fields")]
        return inner[0] if inner else kind
    return section
