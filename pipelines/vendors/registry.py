"""The table of contents of the integrations: which vendors we read and write, and how each is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipelines.events import Stream
from pipelines.inbox import Receiver
from pipelines.ingest import Source
from pipelines.publish import Destination
from pipelines.settings import ACTIVITY_TYPES, Connection, Settings, connections
from pipelines.vendors.hubspot.destination import HubSpotDestination
from pipelines.vendors.hubspot.source import HubSpotSource
from pipelines.vendors.hubspot.webhooks import HubSpotReceiver
from pipelines.vendors.marketo.destination import MarketoDestination
from pipelines.vendors.marketo.source import MarketoSource
from pipelines.vendors.salesforce.destination import SalesforceDestination
from pipelines.vendors.salesforce.source import SalesforceSource
from pipelines.vendors.zoom.destination import ZoomDestination
from pipelines.vendors.zoom.run import everything, no_meeting, nobody
from pipelines.vendors.zoom.source import ZoomSource
from pipelines.vendors.zoom.webhooks import ZoomReceiver


def _zoom(connection: Connection, settings: Settings) -> Source:
    wanted = settings.may_be_in_scope if settings.ingest.only_in_scope else everything
    transcribed = nobody if settings.sync.recordings == "none" else settings.may_be_transcribed
    met = settings.may_be_met if settings.meetings.sync else no_meeting
    return ZoomSource(connection, settings.ingest, wanted, transcribed, met)


def _hubspot(connection: Connection, settings: Settings) -> Source:
    return HubSpotSource(
        connection,
        settings.ingest,
        settings.hubspot.api_version,
        settings.salesforce.inbound,
        settings.registration.properties,
    )


def _salesforce(connection: Connection, settings: Settings) -> Source:
    return SalesforceSource(connection, settings.ingest, settings.salesforce.streams, settings.salesforce.asked)


def _marketo(connection: Connection, settings: Settings) -> Source:
    return MarketoSource(connection, settings.ingest)


SOURCES: dict[str, Callable[[Connection, Settings], Source]] = {
    "hubspot": _hubspot,
    "salesforce": _salesforce,
    "marketo": _marketo,
    "zoom": _zoom,
}
"""In reading order: HubSpot first, whose ten-second limit then rests while others are read and publishing comes."""

STREAMS: dict[str, tuple[Stream, ...]] = {
    "zoom": ZoomSource.streams,
    "hubspot": HubSpotSource.streams,
    "salesforce": SalesforceSource.streams,
    "marketo": MarketoSource.streams,
}
"""What each source reads, known without connecting to it."""


def _to_hubspot(connection: Connection, settings: Settings) -> Destination:
    return HubSpotDestination(connection, settings.hubspot.api_version, settings.salesforce.inbound, settings.made)


def _to_salesforce(connection: Connection, settings: Settings) -> Destination:
    chosen = {kind: getattr(settings.activities, kind) for kind in ACTIVITY_TYPES}
    return SalesforceDestination(
        connection, {kind: activity.task_type for kind, activity in chosen.items() if activity.sync}
    )


def _to_marketo(connection: Connection, settings: Settings) -> Destination:
    return MarketoDestination(connection, settings.marketo.list_folder)


def _to_zoom(connection: Connection, settings: Settings) -> Destination:
    return ZoomDestination((connection, *connection.others))


DESTINATIONS: dict[str, Callable[[Connection, Settings], Destination]] = {
    "hubspot": _to_hubspot,
    "marketo": _to_marketo,
    "salesforce": _to_salesforce,
    "zoom": _to_zoom,
}


RECEIVERS: dict[str, Callable[[str], Receiver]] = {"zoom": ZoomReceiver, "hubspot": HubSpotReceiver}
"""Whose webhooks we take, each made with the secret that signs them."""


def sources(settings: Settings, environment: Mapping[str, str] | None = None) -> list[Source]:
    """Return a source for each account that the environment connects.

    Raises:
        SettingsError: a vendor is half configured.
    """
    connected = connections(environment, settings.connections.zoom)
    return [
        make(one, settings)
        for vendor, make in SOURCES.items()
        if vendor in connected
        for one in (connected[vendor], *connected[vendor].others)
    ]


def destinations(settings: Settings, environment: Mapping[str, str] | None = None) -> dict[str, Destination]:
    """Return name to destination for each vendor that the environment connects and we write to.

    Raises:
        SettingsError: a vendor is half configured.
    """
    connected = connections(environment, settings.connections.zoom)
    return {vendor: make(connected[vendor], settings) for vendor, make in DESTINATIONS.items() if vendor in connected}
