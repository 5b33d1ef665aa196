"""Fills in what a world leaves out of a HubSpot portal."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from pipelines.sandbox import clock
from pipelines.sandbox.world.frame import ENGAGEMENTS, OBJECT_TYPES, WorldError, key_of, shown

Record = dict[str, Any]
CREATED = {"contacts": "createdate", "companies": "createdate", "deals": "createdate"}
MODIFIED = {"contacts": "lastmodifieddate"}


def fill_portal(portal: Record, now: datetime, at: int) -> None:
    """Fill a portal: credentials, records with their envelopes, forms, events, lists."""
    path = f"hubspot[{at}]"
    suffix = "" if at == 0 else f"-{at + 1}"
    portal["portal_id"] = portal.get("portal_id") or 1_000_001 + at
    portal.setdefault("access_token", f"sandbox-token{suffix}")
    portal.setdefault("client_secret", f"sandbox-hubspot-secret{suffix}")
    portal.setdefault("time_zone", "UTC")
    portal["tier"] = str(portal.get("tier") or "enterprise").lower()
    if portal["tier"] not in {"free", "starter", "professional", "enterprise"}:
        raise WorldError(f"{path}.tier: {shown(portal['tier'])} is none of free, starter, professional, enterprise")
    lists = ("users", "owners", "properties", "property_groups", "forms", "email_events", "email_campaigns")
    for key in (*lists, *OBJECT_TYPES, "lists", "marketing_events", "blocked_addresses"):
        portal[key] = portal.get(key) or []
    moment = clock.iso_ms(now)
    for index, user in enumerate(portal["users"]):
        user["id"] = str(user.get("id") or 900 + index)
        user.setdefault("email", f"user{user['id']}@portal.example")
    for index, owner in enumerate(portal["owners"]):
        _fill_owner(owner, index, moment)
    for definition in portal["properties"]:
        _fill_definition(definition)
    for kind in OBJECT_TYPES:
        _fill_records(portal[kind], kind, moment, f"{path}.{kind}")
    for index, form in enumerate(portal["forms"]):
        _fill_form(form, moment, f"{path}.forms[{index}]")
    _fill_email_events(portal, path)
    for index, item in enumerate(portal["lists"]):
        item["listId"] = str(item.get("listId") or index + 1)
        item.setdefault("name", f"List {item['listId']}")
        item.setdefault("processingType", "MANUAL")
        item.setdefault("objectTypeId", "0-1")
        item["members"] = [str(member) for member in item.get("members") or []]
        item.setdefault("createdAt", moment)
        item.setdefault("updatedAt", item["createdAt"])
    for index, event in enumerate(portal["marketing_events"]):
        _fill_marketing_event(event, index, moment, f"{path}.marketing_events[{index}]")


def number_of(*words: object, digits: int = 10) -> int:
    """A number made of words."""
    digest = hashlib.sha256("\x1f".join(str(word) for word in words).encode()).hexdigest()
    return int(digest[:15], 16) % int(10**digits)


def _fill_owner(owner: Record, index: int, moment: str) -> None:
    owner["id"] = str(owner.get("id") or 7000 + index)
    owner.setdefault("email", f"owner{owner['id']}@portal.example")
    owner.setdefault("type", "PERSON")
    owner.setdefault("firstName", "")
    owner.setdefault("lastName", "")
    owner.setdefault("archived", False)
    inactive = owner.get("userIdIncludingInactive") or owner.get("userId") or 900 + index
    owner["userIdIncludingInactive"] = inactive
    owner.setdefault("userId", None if owner["archived"] else inactive)
    owner.setdefault("createdAt", moment)
    owner.setdefault("updatedAt", owner["createdAt"])


def _fill_definition(definition: Record) -> None:
    definition.setdefault("name", "")
    definition.setdefault("label", definition["name"])
    definition.setdefault("type", "string")
    fields = {
        "number": "number",
        "date": "date",
        "datetime": "date",
        "enumeration": "select",
        "bool": "booleancheckbox",
    }
    definition.setdefault("fieldType", fields.get(definition["type"], "text"))
    definition.setdefault("groupName", "contactinformation")
    definition.setdefault("options", [])
    definition.setdefault("objectType", "contacts")


def _fill_records(records: list[Record], kind: str, moment: str, path: str) -> None:
    taken = {str(record["id"]) for record in records if record.get("id") not in (None, "")}
    free = max((int(name) for name in taken if name.isdecimal()), default=1000 * (1 + OBJECT_TYPES.index(kind)))
    seen: set[str] = set()
    for index, record in enumerate(records):
        place = f"{path}[{index}]"
        if record.get("id") in (None, ""):
            free += 1
            record["id"] = free
        record["id"] = str(record["id"])
        if record["id"] in seen:
            raise WorldError(f"{place}.id: {key_of(record['id'])} comes twice")
        seen.add(record["id"])
        _fill_record(record, kind, moment, place)


def _fill_record(record: Record, kind: str, moment: str, path: str) -> None:
    properties = {name: _text(value) for name, value in (record.get("properties") or {}).items() if value is not None}
    created, modified = CREATED.get(kind, "hs_createdate"), MODIFIED.get(kind, "hs_lastmodifieddate")
    record["createdAt"] = _iso(record.get("createdAt") or properties.get(created) or moment, f"{path}.createdAt")
    updated = record.get("updatedAt") or properties.get(modified) or record["createdAt"]
    record["updatedAt"] = _iso(updated, f"{path}.updatedAt")
    record["archived"] = bool(record.get("archived"))
    if record["archived"]:
        record["archivedAt"] = _iso(record.get("archivedAt") or record["updatedAt"], f"{path}.archivedAt")
    history: dict[str, list[Record]] = record.get("propertiesWithHistory") or {}
    for name, entries in history.items():
        for at, entry in enumerate(entries):
            place = f"{path}.propertiesWithHistory.{key_of(name)}[{at}]"
            entry["value"] = _text(entry.get("value", ""))
            entry["timestamp"] = _iso(entry.get("timestamp") or record["updatedAt"], f"{place}.timestamp")
            entry.setdefault("sourceType", "CRM_UI")
        entries.sort(key=lambda entry: str(entry["timestamp"]), reverse=True)
        if entries and name not in properties:
            properties[name] = entries[0]["value"]
    properties.setdefault(created, record["createdAt"])
    properties.setdefault(modified, record["updatedAt"])
    properties["hs_object_id"] = record["id"]
    record["properties"] = properties
    record["propertiesWithHistory"] = history
    if kind in ENGAGEMENTS:
        properties.setdefault("hs_timestamp", record["createdAt"])
    record["associations"] = {
        name: [str(number) for number in ids] for name, ids in (record.get("associations") or {}).items()
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _iso(value: Any, path: str) -> str:
    try:
        return clock.iso_ms(clock.parse(value))
    except (ValueError, OverflowError) as error:
        raise WorldError(f"{path}: {shown(value)} is no instant") from error


def _ms(value: Any, path: str) -> int:
    if type(value) is int:
        return value
    try:
        return clock.to_ms(clock.parse(value))
    except (ValueError, OverflowError) as error:
        raise WorldError(f"{path}: {shown(value)} is no instant") from error


def _fill_form(form: Record, moment: str, path: str) -> None:
    form["id"] = str(form.get("id") or form.get("guid") or f"form-{number_of(path)}")
    form.setdefault("name", f"Form {form['id']}")
    form.setdefault("formType", "hubspot")
    form.setdefault("createdAt", moment)
    form.setdefault("updatedAt", form["createdAt"])
    form.setdefault("archived", False)
    form.setdefault("fieldGroups", [])
    form["submissions"] = form.get("submissions") or []
    for at, submission in enumerate(form["submissions"]):
        place = f"{path}.submissions[{at}]"
        submission["submittedAt"] = _ms(submission.get("submittedAt", moment), f"{place}.submittedAt")
        submission.setdefault("values", [])
        fallback = f"conversion-{number_of(form['id'], at, submission['submittedAt'])}"
        submission.setdefault("conversionId", fallback)
        submission.setdefault("pageUrl", "")


def _fill_email_events(portal: Record, path: str) -> None:
    campaigns = {str(campaign.get("id")): campaign for campaign in portal["email_campaigns"]}
    for at, event in enumerate(portal["email_events"]):
        if "created" not in event:
            raise WorldError(f"{path}.email_events[{at}].created: missing")
        event["created"] = _ms(event["created"], f"{path}.email_events[{at}].created")
        event.setdefault("id", f"event-{at:08d}")
        event.setdefault("type", "SENT")
        event.setdefault("recipient", "")
        event.setdefault("portalId", portal["portal_id"])
        event.setdefault("appId", 113)
        event.setdefault("appName", "Batch")
        number = event.get("emailCampaignId")
        if number is not None and str(number) not in campaigns:
            campaigns[str(number)] = {"id": number}
            portal["email_campaigns"].append(campaigns[str(number)])
        if event["type"] == "SENT" and number is not None and event.get("subject"):
            campaigns[str(number)].setdefault("subject", event["subject"])
    for campaign in portal["email_campaigns"]:
        campaign.setdefault("appId", 113)
        campaign.setdefault("appName", "Batch")
        campaign.setdefault("name", f"Email {campaign.get('id')}")
        campaign.setdefault("subject", campaign["name"])


def _fill_marketing_event(event: Record, index: int, moment: str, path: str) -> None:
    event["objectId"] = str(event.get("objectId") or 40_000_000 + index + 1)
    event.setdefault("externalEventId", event["objectId"])
    event["externalEventId"] = str(event["externalEventId"])
    event["externalAccountId"] = str(event.get("externalAccountId") or "")
    event.setdefault("eventName", f"Event {event['objectId']}")
    event.setdefault("eventOrganizer", "")
    event.setdefault("createdAt", moment)
    event.setdefault("updatedAt", event["createdAt"])
    event.setdefault("eventCancelled", False)
    event.setdefault("eventCompleted", False)
    for name in ("startDateTime", "endDateTime", "createdAt", "updatedAt"):
        if event.get(name):
            event[name] = _iso(event[name], f"{path}.{name}")
    event["participants"] = event.get("participants") or []
    for at, participant in enumerate(event["participants"]):
        _fill_participant(participant, event, f"{path}.participants[{at}]")


def _fill_participant(participant: Record, event: Record, path: str) -> None:
    participant["contactId"] = str(participant.get("contactId") or participant.get("vid") or "")
    participant.setdefault("email", "")
    if participant.get("interactions") is None:
        fallback = event.get("startDateTime") or event["createdAt"]
        known = ("joinedAt", "leftAt")
        participant["interactions"] = [
            {
                "state": participant.get("attendanceState", "REGISTERED"),
                "interactionDateTime": participant.get("occurredAt") or participant.get("joinedAt") or fallback,
                **{name: participant[name] for name in known if participant.get(name)},
            }
        ]
    for at, interaction in enumerate(participant["interactions"]):
        place = f"{path}.interactions[{at}]"
        state = str(interaction.get("state") or "REGISTERED").upper()
        state = {"REGISTER": "REGISTERED", "ATTEND": "ATTENDED", "CANCEL": "CANCELLED", "NO_SHOW": "REGISTERED"}.get(
            state, state
        )
        if state not in {"REGISTERED", "ATTENDED", "CANCELLED"}:
            raise WorldError(f"{place}.state: {shown(state)} is none of REGISTERED, ATTENDED, CANCELLED")
        interaction["state"] = state
        fallback = interaction.get("joinedAt") or event.get("startDateTime") or event["createdAt"]
        moment = interaction.get("interactionDateTime")
        interaction["interactionDateTime"] = _ms(fallback if moment is None else moment, f"{place}.interactionDateTime")
        for name in ("joinedAt", "leftAt"):
            if interaction.get(name):
                interaction[name] = _iso(interaction[name], f"{place}.{name}")
