"""The frame of a world file: which keys and kinds of value it may have where its shape is ours, not the vendor's."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from typing import Any

TOP = {"now", "zoom", "hubspot", "marketo", "salesforce"}
ZOOM = {
    "account_id",
    "client_id",
    "client_secret",
    "webhook_secret",
    "brand",
    "users",
    "webinars",
    "meetings",
    "missing_scopes",
}
WEBINAR_OWN = {"registrants", "questions", "panelists", "zoom_events", "instances", "recordings", "participants"}
INSTANCE = {
    "uuid",
    "occurrence_id",
    "start_time",
    "end_time",
    "practice_session",
    "participants",
    "recordings",
    "polls",
    "qa",
}
ENGAGEMENTS = ("calls", "emails", "meetings", "notes", "tasks", "communications")
OBJECT_TYPES = ("contacts", "companies", "deals", *ENGAGEMENTS)
HUBSPOT = {
    "portal_id",
    "access_token",
    "client_secret",
    "time_zone",
    "tier",
    "users",
    "owners",
    "properties",
    "property_groups",
    *OBJECT_TYPES,
    "forms",
    "email_events",
    "email_campaigns",
    "lists",
    "marketing_events",
    "blocked_addresses",
}
ENVELOPE = {
    "id",
    "createdAt",
    "updatedAt",
    "archived",
    "archivedAt",
    "properties",
    "propertiesWithHistory",
    "associations",
    "url",
}
MARKETO = {
    "munchkin_id",
    "client_id",
    "client_secret",
    "leads",
    "channels",
    "programs",
    "members",
    "activities",
    "static_lists",
}
SALESFORCE = {
    "org_id",
    "client_id",
    "client_secret",
    "time_zone",
    "User",
    "Account",
    "Contact",
    "Lead",
    "Opportunity",
    "Task",
    "Event",
    "Campaign",
    "CampaignMember",
    "EmailMessage",
    "task_types",
    "task_statuses",
    "task_priorities",
    "integration_user",
    "certificate",
}
SCALARS = {
    "account_id",
    "client_id",
    "client_secret",
    "webhook_secret",
    "brand",
    "portal_id",
    "access_token",
    "time_zone",
    "tier",
    "munchkin_id",
    "org_id",
    "integration_user",
    "certificate",
}


NUMBERS = {"type", "duration"}
LARGEST = 10_000_000
SHOWN_CHARACTERS = 100
TEXTS = ("name", "label", "type", "fieldType", "groupName")
"""Of a definition of properties."""


class WorldError(ValueError):
    """The document cannot be a world; the message begins with the path of what is wrong."""


def shown(value: Any) -> str:
    """A value as a message may show it: on one line, and not without end."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def key_of(name: str) -> str:
    """A key as a path shows it."""
    return name if name.strip() and name.isprintable() and len(name) <= SHOWN_CHARACTERS else shown(name)


def check(world: Any) -> None:
    """Walk the frame; the records inside it are the vendors' and may hold any key."""
    _known(world, TOP, "")
    if "now" in world and not isinstance(world["now"], str):
        raise WorldError("now: expected an ISO instant")
    for key, walk in (("zoom", _zoom), ("hubspot", _hubspot), ("marketo", _marketo), ("salesforce", _salesforce)):
        for account, path in _each(world, key, ""):
            walk(account, path)


def _zoom(account: Any, path: str) -> None:
    _known(account, ZOOM, path)
    _scalars(account, path)
    _all_numbers(account, "users", path)
    for kind in ("webinars", "meetings"):
        for webinar, at in _each(account, kind, path):
            _record(webinar, at)
            _numbers(webinar, at)
            for key in webinar:
                close = _misspelt(key)
                if close:
                    raise WorldError(f"{at}.{key_of(key)}: unknown key; did you mean {close}?")
            if not isinstance(webinar.get("settings"), dict | None):
                raise WorldError(f"{at}.settings: expected an object")
            if not isinstance(webinar.get("questions"), dict | list | None):
                raise WorldError(f"{at}.questions: expected an object")
            _all_numbers(webinar, "occurrences", at)
            _all_records(webinar, "registrants", at)
            _all_records(webinar, "panelists", at)
            for instance, place in _each(webinar, "instances", at):
                _known(instance, INSTANCE, place)
                _all_numbers(instance, "participants", place)
                for row, where in _each(instance, "participants", place):
                    if not isinstance(row.get("user_email"), str | None):
                        raise WorldError(f"{where}.user_email: expected text")
                if not isinstance(instance.get("recordings"), dict | None):
                    raise WorldError(f"{place}.recordings: expected an object or null")
                _all_records(instance.get("recordings") or {}, "recording_files", f"{place}.recordings")


def _hubspot(portal: Any, path: str) -> None:
    _known(portal, HUBSPOT, path)
    _scalars(portal, path)
    for key in ("users", "owners", "properties", "property_groups", "email_events", "email_campaigns", "lists"):
        _all_records(portal, key, path)
    for kind in OBJECT_TYPES:
        for record, at in _each(portal, kind, path):
            _known(record, ENVELOPE, at)
            for key in ("properties", "propertiesWithHistory", "associations"):
                if not isinstance(record.get(key), dict | None):
                    raise WorldError(f"{at}.{key}: expected an object")
            for name, entries in (record.get("propertiesWithHistory") or {}).items():
                if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                    raise WorldError(f"{at}.propertiesWithHistory.{key_of(name)}: expected a list of objects")
            for name, ids in (record.get("associations") or {}).items():
                if not isinstance(ids, list):
                    raise WorldError(f"{at}.associations.{key_of(name)}: expected a list of ids")
    for definition, at in _each(portal, "properties", path):
        for name in TEXTS:
            if not isinstance(definition.get(name), str | None):
                raise WorldError(f"{at}.{name}: expected text")
    for item, at in _each(portal, "lists", path):
        list(_each(item, "members", at))
    for address, at in _each(portal, "blocked_addresses", path):
        if not isinstance(address, str):
            raise WorldError(f"{at}: expected an address")
    for form, at in _each(portal, "forms", path):
        _record(form, at)
        _all_records(form, "submissions", at)
    for event, at in _each(portal, "marketing_events", path):
        _record(event, at)
        for participant, place in _each(event, "participants", at):
            _record(participant, place)
            _all_records(participant, "interactions", place)


def _marketo(account: Any, path: str) -> None:
    _known(account, MARKETO, path)
    _scalars(account, path)
    for key in sorted(MARKETO - SCALARS):
        _all_records(account, key, path)
    for key, lists in (("channels", ("progressionStatuses",)), ("programs", ("tags", "costs"))):
        for row, at in _each(account, key, path):
            for name in lists:
                _all_records(row, name, at)
    for activity, at in _each(account, "activities", path):
        _all_records(activity, "attributes", at)
    for row, at in _each(account, "static_lists", path):
        list(_each(row, "members", at))
    for key in ("programs", "static_lists"):
        for row, at in _each(account, key, path):
            if not isinstance(row.get("folder"), dict | None):
                raise WorldError(f"{at}.folder: expected an object")


def _salesforce(org: Any, path: str) -> None:
    _known(org, SALESFORCE, path)
    _scalars(org, path)
    for key in SALESFORCE - SCALARS - {"task_types"}:
        _all_records(org, key, path)


def _known(given: Any, keys: set[str], path: str) -> None:
    _record(given, path)
    for key in given:
        if key not in keys:
            close = get_close_matches(key, keys, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise WorldError(f"{path}.{key_of(key)}: unknown key{hint}".lstrip("."))


def _record(given: Any, path: str) -> None:
    if not isinstance(given, dict):
        raise WorldError(f"{path or 'world'}: expected an object")


def _scalars(given: dict[str, Any], path: str) -> None:
    for key in SCALARS & set(given):
        if isinstance(given[key], dict | list):
            raise WorldError(f"{path}.{key}: expected text or a number")


def _each(given: dict[str, Any], key: str, path: str) -> Iterator[tuple[Any, str]]:
    """The items of a list that may be missing, each with its path."""
    items = given.get(key)
    place = f"{path}.{key}".lstrip(".")
    if items is None:
        return
    if not isinstance(items, list):
        raise WorldError(f"{place}: expected a list")
    for at, item in enumerate(items):
        yield item, f"{place}[{at}]"


def _all_records(given: dict[str, Any], key: str, path: str) -> None:
    for item, place in _each(given, key, path):
        _record(item, place)


def _all_numbers(given: dict[str, Any], key: str, path: str) -> None:
    for item, place in _each(given, key, path):
        _record(item, place)
        _numbers(item, place)


def _numbers(given: dict[str, Any], path: str) -> None:
    """See that what the sandbox counts with can be counted with."""
    for name in NUMBERS & set(given):
        value = given[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LARGEST:
            raise WorldError(f"{path}.{name}: expected a number, not {shown(value)}")


@cache
def _misspelt(key: str) -> str:
    """The key of ours that this one nearly is, or nothing: any other key may be Zoom's."""
    if key in WEBINAR_OWN:
        return ""
    return next((own for own in sorted(WEBINAR_OWN) if SequenceMatcher(None, key, own).ratio() > 0.8), "")
