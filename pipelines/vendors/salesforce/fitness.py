"""Whether an org can take our Tasks, by its own description: our fields, and the task types chosen (HS-01, HS-10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from pipelines.errors import VendorError
from pipelines.vendors.salesforce.client import SalesforceClient
from pipelines.vendors.salesforce.objects import OURS

SETUP = "`turnout setup salesforce` writes metadata that makes it, ready to deploy."


def missing_fields(client: SalesforceClient) -> list[str]:
    """Return what Task and Event lack of our own fields, a sentence each."""
    problems: list[str] = []
    for kind in ("Task", "Event"):
        try:
            told = orjson.loads(client.describe(kind))
        except VendorError as error:
            problems.append(str(error))
            continue
        fields = {str(field.get("name")): field for field in told.get("fields", ())}
        problems += lacking(kind, fields)
    return problems


def lacking(kind: str, fields: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what an object's description lacks of our own fields, a sentence each."""
    problems: list[str] = []
    for name in OURS:
        field = fields.get(name)
        if field is None:
            problems.append(f"salesforce: {kind} has no field {name} that our user can see. {SETUP}")
        elif not field.get("createable") or not field.get("updateable"):
            problems.append(f"salesforce: our user cannot write {kind}.{name}. {SETUP}")
    key = fields.get(OURS[0])
    if key is not None and not (key.get("externalId") and key.get("unique")):
        problems.append(
            f"salesforce: {kind}.{OURS[0]} must be an external id and unique, so that no Task can stand twice. {SETUP}"
        )
    return problems


def unknown_types(fields: Mapping[str, Mapping[str, Any]], chosen: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the task types that the settings choose (HS-01).

    Args:
        fields: name to description of Task's fields.
        chosen: activity type to task type, "" for none.
    """
    wanted = {kind: name for kind, name in chosen.items() if name}
    if not wanted:
        return []
    field = fields.get("Type")
    if field is None:
        return [
            "salesforce: Task has no field Type that our user can see, and the settings choose task types "
            f"({', '.join(sorted(wanted))}). Show it to the user, or choose none."
        ]
    has = [str(entry.get("value")) for entry in field.get("picklistValues", ()) if entry.get("active", True)]
    return [
        f"salesforce: activities.{kind}.task_type: Task has no type {name!r}; it has {', '.join(has) or 'none'}. "
        "Correct the setting, or add the type in Salesforce."
        for kind, name in sorted(wanted.items())
        if name not in has
    ]
