"""Where each area of HubSpot's API is, for each version that we speak.

The version segment moves from area to area, some roots are renamed, and some areas have no dated version at all, so
that paths are looked up here and never built from one another (https://developers.hubspot.com/docs/api-reference and
its migration guide, read 2026-11: numbered versions end in September 2027, v4 in March 2027).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

V3: Mapping[str, str] = {
    "account": "/account-info/v3/details",
    "objects": "/crm/v3/objects",
    "associations": "/crm/v4/associations",
    "object_associations": "/crm/v4/objects",
    "properties": "/crm/v3/properties",
    "owners": "/crm/v3/owners",
    "users": "/settings/v3/users/",  # the official client's spelling, with a slash at the end
    "lists": "/crm/v3/lists",
    "marketing_events": "/marketing/v3/marketing-events",
    "marketing_emails": "/marketing/v3/emails",
    "forms": "/marketing/v3/forms",
    "form_submissions": "/form-integrations/v1/submissions/forms",
    "email_events": "/email/public/v1/events",
    "email_campaigns": "/email/public/v1/campaigns",
}

DATED: Mapping[str, str] = {
    "account": "/account-info/2026-09/details",
    "objects": "/crm/objects/2026-09",
    "associations": "/crm/associations/2026-09",
    "object_associations": "/crm/objects/2026-09",
    "properties": "/crm/properties/2026-09",
    "owners": "/crm/owners/2026-09",
    "users": "/settings/users/2026-03",  # 2026-09 is in beta
    "lists": "/crm/lists/2026-09",
    "marketing_events": "/marketing/marketing-events/2026-09",
    "marketing_emails": "/marketing/emails/2026-09",
    "forms": "/marketing/forms/2026-09-beta",  # no version is generally available
    "form_submissions": "/form-integrations/v1/submissions/forms",  # v1 only
    "email_events": "/email/public/v1/events",  # v1 only
    "email_campaigns": "/email/public/v1/campaigns",  # v1 only
}

PATHS: Mapping[str, Mapping[str, str]] = {"2026-09": DATED, "v3": V3}


def path(version: str, area: str, *parts: str) -> str:
    """Return the path of something in an area: `path("v3", "objects", "contacts", "search")`."""
    root = PATHS[version][area]
    if not parts:
        return root
    return "/".join((root.rstrip("/"), *(quote(part, safe="") for part in parts)))
