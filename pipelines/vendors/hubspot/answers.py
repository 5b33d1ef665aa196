"""How HubSpot's answers to writes are read: what was done, what was refused, and whether it holds what we told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from pipelines.publish.rows import Row
from pipelines.vendors.reading import mend, payload

STATES = {
    "register": {"REGISTERED", "CANCELLED", "ATTENDED", "NO_SHOW"},
    "cancel": {"CANCELLED"},
    "attend": {"ATTENDED"},
}
"""States of a participation in which a step has arrived."""


def results(data: Any) -> list[dict[str, Any]]:
    """Return the records of an answer."""
    return objects(data.get("results") if isinstance(data, dict) else None)


def errors(data: Any) -> list[dict[str, Any]]:
    """Return the errors of an answer, wherever its status says that there are none."""
    return objects(data.get("errors") if isinstance(data, dict) else None)


def objects(told: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; nothing where it is no list."""
    return [entry for entry in told if isinstance(entry, dict)] if isinstance(told, list) else []


def within(told: Any, *names: str) -> Any:
    """Return what stands at the end of nested names; None where anything on the way is missing or of another shape."""
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told


def id_of(told: Any) -> str:
    """Return a record's id as text; "" where it has none that could be one."""
    found = told.get("id") if isinstance(told, dict) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and str(found).isdecimal() else ""


def why(errors: Iterable[dict[str, Any]], otherwise: str) -> str:
    """Return what errors say, each message once."""
    messages = [str(error.get("message") or error.get("category") or "") for error in errors]
    return "; ".join(sorted({message for message in messages if message}))[:500] or otherwise


def by_trace(data: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Return trace to id of what was done, and trace to reason of what was refused."""
    done = {
        str(found["objectWriteTraceId"]): name
        for found in results(data)
        if found.get("objectWriteTraceId") and (name := id_of(found))
    }
    refused: dict[str, str] = {}
    for error in errors(data):
        traces = within(error, "context", "objectWriteTraceId")
        for trace in traces if isinstance(traces, list) else ():
            refused[str(trace)] = why([error], "refused")
    return done, refused


def email_of(contact: dict[str, Any]) -> str:
    """Return a contact's address, as we compare it."""
    return str(within(contact, "properties", "email") or "").strip().lower()


def holds(contact: dict[str, Any], row: Row, names: Sequence[str]) -> bool:
    """Whether a contact has the values that a row told."""
    return all(same(within(contact, "properties", name), row.fields.get(name)) for name in names)


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


def shows(row: Row, state: str, at: datetime | None, *, is_answered: bool) -> bool:
    """Whether a participation shows what a row tells: its step, and no earlier time of it.

    The time matters: who cancelled and registers again is told a second time, and until that arrives their earlier
    registration and cancellation are what is there. `is_answered`: HubSpot answered the call, and need not have kept
    a second time of the same state.
    """
    step = row.context["step"]
    if state not in STATES[str(step)]:
        return False
    is_hidden = state == "ATTENDED" and step == "register"
    is_same = is_answered and (state != "CANCELLED" or step == "cancel")
    if at is None or is_hidden or is_same:
        return True
    return round(at.timestamp() * 1000) >= int(str(row.fields["interactionDateTime"]))


def decoded(raw: Any) -> dict[str, Any]:
    """Return a record of a page as an object."""
    content = payload(raw)
    try:
        told = orjson.loads(content)
    except ValueError:
        told = orjson.loads(mend(content))
    return told if isinstance(told, dict) else {}
