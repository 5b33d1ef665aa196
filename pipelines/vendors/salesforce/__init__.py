"""Salesforce: its people and activities in, Tasks out (HS-01 to HS-19)."""

from __future__ import annotations

from pipelines.vendors.salesforce.client import SalesforceClient
from pipelines.vendors.salesforce.source import SalesforceSource

__all__ = ["SalesforceClient", "SalesforceSource"]
