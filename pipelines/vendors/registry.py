"""The table of contents of the integrations: which vendors we read and write, and how each is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipelines.events import Stream
from pipelines.ingest import Source
from pipelines.publish import Destination
from pipelines.settings import Connection, Settings, connections
from pipelines.vendors.hubspot.destination import HubSpotDestination
from pipelines.vendors.hubspot.source import HubSpotSource
from pipelines.vendors.zoom.source import ZoomSource


def _zoom(connection: Connection, settings: Settings) -> Source:
    if settings.ingest.only_in_scope:
        return ZoomSource(connection, settings.ingest, settings.may_be_in_scope)
    return ZoomSource(connection, settings.ingest)


def _hubspot(connection: Connection, settings: Settings) -> Source:
    return HubSpotSource(connection, settings.ingest, settings.hubspot.api_version)


SOURCES: dict[str, Callable[[Connection, Settings], Source]] = {
    "hubspot": _hubspot,
    "zoom": _zoom,
}
"""In reading order: HubSpot first, whose ten-second limit then rests while Zoom is read and publishing comes."""

STREAMS: dict[str, tuple[Stream, ...]] = {"zoom": ZoomSource.streams, "hubspot": HubSpotSource.streams}
"""What each source reads, known without connecting to it."""


def _to_hubspot(connection: Connection, settings: Settings) -> Destination:
    return HubSpotDestination(connection, settings.hubspot.api_version)


DESTINATIONS: dict[str, Callable[[Connection, Settings], Destination]] = {
    "hubspot": _to_hubspot,
}


def sources(settings: Settings, environment: Mapping[str, str] | None = None) -> list[Source]:
    """Return a source for each vendor that the environment connects.

    Raises:
        SettingsError: a vendor is half configured.
    """
    connected = connections(environment)
    return [make(connected[vendor], settings) for vendor, make in SOURCES.items() if vendor in connected]


def destinations(settings: Settings, environment: Mapping[str, str] | None = None) -> dict[str, Destination]:
    """Return name to destination for each vendor that the environment connects and we write to.

    Raises:
        SettingsError: a vendor is half configured.
    """
    connected = connections(environment)
    return {vendor: make(connected[vendor], settings) for vendor, make in DESTINATIONS.items() if vendor in connected}
