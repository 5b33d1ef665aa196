"""Marketo: its programs with their members, leads and activities, read; who came to a webinar, written."""

from __future__ import annotations

from pipelines.vendors.marketo.client import MarketoClient
from pipelines.vendors.marketo.destination import MarketoDestination
from pipelines.vendors.marketo.source import MarketoSource

__all__ = ["MarketoClient", "MarketoDestination", "MarketoSource"]
