"""Zoom: webinars, who registered, who came."""

from __future__ import annotations

from pipelines.vendors.zoom.client import ZoomClient
from pipelines.vendors.zoom.source import ZoomSource

__all__ = ["ZoomClient", "ZoomSource"]
