"""Whether what the settings map from Salesforce to HubSpot exists on both sides, as the log knows them (HS-15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.log import Log
from pipelines.settings.salesforce import SOURCES
from pipelines.vendors.salesforce.objects import OURS


def wrong_mappings(log: Log, inbound: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what is wrong with mappings, a sentence each, before anything is sent.

    Args:
        inbound: kind in the plural to HubSpot property to Salesforce field, or to "=" and a fixed text.
    """
    if not inbound:
        return []
    properties = log.latest("hubspot", "activity_properties")
    described = log.latest("salesforce", "descriptions")
    told: list[str] = []
    for kind, mapping in inbound.items():
        known = {name.removeprefix(f"{kind}."): one for name, one in properties.items() if name.startswith(f"{kind}.")}
        fields = {str(field.get("name")) for field in described.get(SOURCES[kind], {}).get("fields", ())}
        if not known:
            told.append(f"hubspot/activity_properties was never read of {kind}, so nobody knows what one can hold")
        if not fields:
            told.append(f"salesforce/descriptions was never read, so nobody knows what a {SOURCES[kind]} holds")
        told += [_of_hubspot(kind, name, known) for name in mapping if known and _cannot_take(known.get(name))]
        told += [
            f"salesforce.{kind}.fields: {name} = {field!r}: Salesforce's {SOURCES[kind]} has no field {field} that our "
            "user can see. Correct the setting, or show the field to the user."
            for name, field in mapping.items()
            if fields and not field.startswith("=") and field not in fields
        ]
        if fields and OURS[0] not in fields:
            told.append(
                f"salesforce.{kind}: Salesforce's {SOURCES[kind]} has no field {OURS[0]} that our user can see, so "
                "what we wrote there could come back. `turnout setup salesforce` writes metadata that makes it."
            )
    return list(dict.fromkeys(told))


def _cannot_take(definition: Mapping[str, Any] | None) -> bool:
    return definition is None or bool((definition.get("modificationMetadata") or {}).get("readOnlyValue"))


def _of_hubspot(kind: str, name: str, known: Mapping[str, Any]) -> str:
    why = "can only be read" if name in known else "does not exist"
    return (
        f"salesforce.{kind}.fields: {name}: HubSpot's property {name} of {kind} {why}. "
        'Correct the setting, create the property in HubSpot, or set it to "".'
    )
