"""How HubSpot's answers to writes are read: what was done, what was refused, and whether it holds what we told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from pipelines.publish.rows import Row


def results(data: Any) -> list[dict[str, Any]]:
    """Return the records of an answer."""
    found = data.get("results") if isinstance(data, dict) else None
    return [entry for entry in found or () if isinstance(entry, dict)]


def errors(data: Any) -> list[dict[str, Any]]:
    """Return the errors of an answer, wherever its status says that there are none."""
    found = data.get("errors") if isinstance(data, dict) else None
    return [entry for entry in found or () if isinstance(entry, dict)]


def why(errors: Iterable[dict[str, Any]], otherwise: str) -> str:
    """Return what errors say, each message once."""
    messages = [str(error.get("message") or error.get("category") or "") for error in errors]
    return "; ".join(sorted({message for message in messages if message}))[:500] or otherwise


def by_trace(data: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Return trace to id of what was done, and trace to reason of what was refused."""
    done = {
        str(found["objectWriteTraceId"]): str(found.get("id"))
        for found in results(data)
        if found.get("objectWriteTraceId")
    }
    refused: dict[str, str] = {}
    for error in errors(data):
        for trace in (error.get("context") or {}).get("objectWriteTraceId") or ():
            refused[str(trace)] = why([error], "refused")
    return done, refused


def email_of(contact: dict[str, Any]) -> str:
    """Return a contact's address, as we compare it."""
    return str((contact.get("properties") or {}).get("email") or "").strip().lower()


def holds(contact: dict[str, Any], row: Row, names: Sequence[str]) -> bool:
    """Whether a contact has the values that a row told."""
    properties = contact.get("properties") or {}
    return all(same(properties.get(name), row.fields.get(name)) for name in names)


def same(held: Any, told: Any) -> bool:
    """Whether HubSpot's form of a value is the one that we told: numbers as numbers, instants as instants."""
    left = "" if held is None else str(held)
    right = "" if told is None else str(told)
    if left.lower() == right.lower():
        return True
    try:
        return Decimal(left) == Decimal(right)
    except InvalidOperation:
        pass
    try:
        return datetime.fromisoformat(left) == datetime.fromisoformat(right)
    except (ValueError, TypeError):
        return False


def decoded(raw: Any) -> dict[str, Any]:
    """Return a record of a page as an object."""
    told = orjson.loads(bytes(raw))
    return told if isinstance(told, dict) else {}
