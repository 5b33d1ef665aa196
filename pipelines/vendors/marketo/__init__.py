"""Marketo: its programs with their members, leads and activities, read."""

from __future__ import annotations

from pipelines.vendors.marketo.client import MarketoClient
from pipelines.vendors.marketo.source import MarketoSource

__all__ = ["MarketoClient", "MarketoSource"]
