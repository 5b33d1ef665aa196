"""One run over a portal: what the readers of all streams share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from pipelines.settings import Ingest
from pipelines.vendors.hubspot.client import HubSpotClient
from pipelines.vendors.reading import Notes


class Run:
    """The client, the settings, and the portal's id as soon as it is known.

    `inbound` are the kinds of activities that come from Salesforce, each with the properties that are mapped (HS-15).
    `further` are properties of contacts that the settings ask for (HZ-32, HZ-33).
    """

    def __init__(
        self,
        client: HubSpotClient,
        ingest: Ingest,
        notes: Notes,
        inbound: Mapping[str, Collection[str]] = MappingProxyType({}),
        further: Collection[str] = (),
    ) -> None:
        self.client = client
        self.ingest = ingest
        self.notes = notes
        self.inbound = inbound
        self.further = further
        self._account = ""
        self._has_begun = False

    def begin(self) -> None:
        """Ask for the account's details once a run, so that they and the clock are of now: a client lives longer."""
        if not self._has_begun:
            portal = str(self.client.account(anew=True)["portalId"])
            self._account = self._account or portal
            self._has_begun = True

    @property
    def account(self) -> str:
        """The portal's id."""
        if not self._account:
            self.begin()
        return self._account

    @account.setter
    def account(self, portal: str) -> None:
        self._account = portal

    @property
    def lag(self) -> timedelta:
        """How long HubSpot may take to show what has happened."""
        return timedelta(minutes=self.ingest.lag_minutes)

    @property
    def overlap(self) -> timedelta:
        """How much of what was read before is read again."""
        return timedelta(minutes=self.ingest.overlap_minutes)

    def now(self) -> datetime:
        """Return HubSpot's clock."""
        self.begin()
        return self.client.now()

    def note(self, text: str) -> None:
        """Tell a person, once."""
        self.notes.once(text)

    def left_out(self, what: str, lacks: str) -> None:
        """Count a record that has no key to be known by."""
        self.notes.left_out(f"hubspot: {what}", lacks)
