"""HubSpot: contacts, marketing emails, forms."""

from __future__ import annotations

from pipelines.vendors.hubspot.client import HubSpotClient
from pipelines.vendors.hubspot.source import HubSpotSource

__all__ = ["HubSpotClient", "HubSpotSource"]
