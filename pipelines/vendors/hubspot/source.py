"""HubSpot as a source: which streams there are, and in which order they are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pipelines.errors import VendorError
from pipelines.events import Batch, Stream
from pipelines.log import Log
from pipelines.settings import Connection, Ingest
from pipelines.vendors.hubspot import account, contacts, engagements, marketing, partners
from pipelines.vendors.hubspot.client import client_of
from pipelines.vendors.hubspot.run import Run
from pipelines.vendors.reading import Notes

STREAMS: tuple[Stream, ...] = (
    Stream("account", "state", about="the portal and its time zone"),
    Stream("users", "state", about="who works in the portal"),
    Stream("owners", "state", about="who can own a record, former ones too"),
    Stream("properties", "state", about="definitions of the contacts' properties"),
    Stream("activity_properties", "state", about="definitions of the properties of what comes from Salesforce"),
    Stream("contacts", "fact", about="each state of each contact, with the histories that tell activities"),
    Stream("email_events", "fact", about="what happened to each marketing email"),
    Stream("forms", "state", about="definitions of forms"),
    Stream("form_submissions", "fact", needs=("forms",), about="what was submitted"),
    Stream("calls", "fact", about="each state of each call, with whom it was"),
    Stream("emails", "fact", about="each state of each sales email, with whom it was"),
    Stream("meetings", "fact", about="each state of each meeting, with whom it was"),
    Stream("notes", "fact", about="each state of each note, of whom it is"),
    Stream("tasks", "fact", about="each state of each task, of whom it is"),
    Stream("deals", "fact", about="deals that activities name, and their opportunities"),
    Stream("companies", "fact", about="companies that activities name, and their accounts"),
)

Reader = Callable[[Run, Log, Mapping[str, Any] | None], Iterator[Batch]]

READERS: dict[str, Reader] = {
    "account": account.account,
    "users": account.users,
    "owners": account.owners,
    "properties": account.properties,
    "activity_properties": account.activity_properties,
    "contacts": contacts.contacts,
    "email_events": marketing.email_events,
    "forms": marketing.forms,
    "form_submissions": marketing.form_submissions,
    **{kind: engagements.reader(kind) for kind in engagements.PROPERTIES},
    **{kind: partners.reader(kind) for kind in partners.SALESFORCE_ID},
}


class HubSpotSource:
    """One HubSpot portal. `notes` says what was left out of a reading and why.

    `inbound` are the kinds of activities that come from Salesforce, each with the properties that are mapped (HS-15);
    `further` are properties of contacts that the settings ask for (HZ-32, HZ-33).
    """

    name = "hubspot"
    streams = STREAMS

    def __init__(
        self,
        connection: Connection,
        ingest: Ingest,
        api_version: str,
        inbound: Mapping[str, Collection[str]] = MappingProxyType({}),
        further: Collection[str] = (),
    ) -> None:
        told = Notes()
        self.notes: list[str] = told
        self.client = client_of(connection, api_version)
        self._run = Run(self.client, ingest, told, inbound, further)

    @property
    def account(self) -> str:
        """The portal's id.

        Raises:
            VendorError: it is not known yet, and HubSpot does not tell it.
        """
        return self._run.account

    @account.setter
    def account(self, portal: str) -> None:
        self._run.account = portal

    def examine(self) -> list[str]:
        """Ask one small thing of each area, and return what HubSpot says against it."""
        self.client.account()
        path, problems = self.client.path, []
        areas = {
            path("users"): {"limit": 1},
            path("owners"): {"limit": 1},
            path("properties", "contacts"): {},
            path("objects", "contacts"): {"limit": 1},
            path("forms"): {"limit": 1},
            path("email_events"): {"limit": 1},
            **{path("objects", kind): {"limit": 1} for kind in engagements.PROPERTIES},
        }
        for where, params in areas.items():
            try:
                self.client.get(where, doing=f"a look at {where}", params=params)
            except VendorError as error:
                problems.append(str(error))
        return problems

    def read(self, stream: str, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        """Yield what is new in a stream; see `pipelines.ingest.Source`."""
        return READERS[stream](self._run, log, cursor)
