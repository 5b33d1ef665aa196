"""One run over a portal: what the readers of all streams share."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.settings import Ingest
from pipelines.vendors.hubspot.client import HubSpotClient


class Run:
    """The client, the settings, and the portal's id as soon as it is known."""

    def __init__(self, client: HubSpotClient, ingest: Ingest, notes: list[str]) -> None:
        self.client = client
        self.ingest = ingest
        self.notes = notes
        self._account = ""

    @property
    def account(self) -> str:
        """The portal's id; asked for once."""
        if not self._account:
            self._account = str(self.client.account()["portalId"])
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
        return self.client.now()

    def note(self, text: str) -> None:
        """Tell a person, once."""
        if text not in self.notes:
            self.notes.append(text)
