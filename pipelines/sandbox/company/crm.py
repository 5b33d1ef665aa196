"""The HubSpot portal: contacts with their histories, sales work, forms, people, definitions."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso_ms, to_ms
from pipelines.sandbox.company.mail import PORTAL
from pipelines.sandbox.company.people import Cast, Person, moment_between, worn
from pipelines.sandbox.company.sales import CONTACT, LEAD, PREFIXES, record_id

Record = dict[str, Any]
SOURCES = ("ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS", "DIRECT_TRAFFIC", "OFFLINE")
FORMS = (
    "Newsletter",
    "Request a Demo",
    "Contact Us",
    "Whitepaper: Forecasting",
    "Trial",
    "Event Follow-up",
    "Referral",
)
TOUCHES = ("hs_sales_email_last_opened", "hs_sales_email_last_clicked", "hs_document_last_revisited")
ZOOM_DEFINITIONS = (
    ("zoom_webinar_registration_count", "number", "Total number of Zoom webinar registrations"),
    ("zoom_webinar_attendance_count", "number", "Total number of Zoom webinars attended"),
    ("zoom_webinar_attendance_average_duration", "number", "Average Zoom webinar attendance duration"),
    ("zoom_webinar_joinlink", "string", "Last registered Zoom webinar"),
)


def portal_of(dice: random.Random, cast: Cast, now: datetime) -> Record:
    """The portal, mail events left to others."""
    in_house = [person for person in cast.staff if person.contact_id]
    contacts = [_contact(dice, person, now) for person in (*cast.contacts, *in_house)]
    return {
        "portal_id": PORTAL,
        "access_token": "kestrel-token",
        "client_secret": "kestrel-hubspot-secret",
        "time_zone": "Europe/Berlin",
        "tier": "enterprise",
        "users": [_user(person, at) for at, person in enumerate(cast.staff[:5])],
        "owners": [_owner(person, at) for at, person in enumerate(cast.staff[:6])],
        "properties": _definitions(),
        "property_groups": [{"name": "zoom", "label": "Zoom", "objectType": "contacts"}],
        "contacts": contacts,
        **_work(dice, cast, now),
        "forms": _forms(dice, cast, now),
        "lists": [_list("1", "Customers", cast, 9), _list("2", "Newsletter", cast, 3)],
        "marketing_events": [_native_event(dice, cast, now)],
    }


def _definitions() -> list[Record]:
    found: list[Record] = [
        {
            "name": name,
            "label": label,
            "type": type_,
            "fieldType": "number" if type_ == "number" else "text",
            "groupName": "zoom",
            "description": "Filled by the native Zoom app until 2025-01-08.",
            "options": [],
        }
        for name, type_, label in ZOOM_DEFINITIONS
    ]
    topics = [
        {"label": word.title(), "value": word, "displayOrder": at, "hidden": False}
        for at, word in enumerate(("forecasting", "privacy", "pricing", "email"))
    ]
    favourite: Record = {"name": "favourite_topics", "label": "Favourite topics", "type": "enumeration"}
    favourite |= {"fieldType": "checkbox", "groupName": "contactinformation", "options": topics}
    return [*found, favourite]


def _user(person: Person, at: int) -> Record:
    return {
        "id": str(4_400 + at),
        "email": person.email,
        "firstName": person.first,
        "lastName": person.last,
        "roleIds": [],
        "superAdmin": at == 0,
    }


def _owner(person: Person, at: int) -> Record:
    archived = at == 5
    return {
        "id": str(77_000 + at),
        "email": person.email,
        "type": "PERSON",
        "firstName": person.first,
        "lastName": person.last,
        "userId": None if archived else 4_400 + at,
        "userIdIncludingInactive": 4_400 + at,
        "createdAt": iso_ms(person.joined),
        "updatedAt": iso_ms(person.joined),
        "archived": archived,
    }


def _contact(dice: random.Random, person: Person, now: datetime) -> Record:
    changed = moment_between(dice, person.joined, person.archived_at or now)
    source = dice.choice(SOURCES)
    properties: Record = {
        "email": person.email,
        "firstname": person.first,
        "lastname": person.last,
        "company": person.company,
        "jobtitle": person.title,
        "lifecyclestage": dice.choice(("subscriber", "lead", "marketingqualifiedlead", "opportunity", "customer")),
        "hs_object_source": "INTEGRATION" if source == "OFFLINE" else "FORM",
        "hs_analytics_source": source,
    }
    if dice.random() < 0.004 and not person.in_house:
        del properties["email"]
    if source == "OFFLINE":
        properties |= {"hs_analytics_source_data_1": dice.choice(("IMPORT", "INTEGRATION", "SALESFORCE"))}
    if dice.random() < 0.45:
        kind = CONTACT if dice.random() < 0.6 else LEAD
        properties[kind] = record_id(PREFIXES[kind], person.number)
    if dice.random() < 0.5:
        properties["hubspot_owner_id"] = str(77_000 + dice.randint(0, 4))
    if person.second_email:
        properties["hs_additional_emails"] = person.second_email
    if person.merged_ids:
        merged = to_ms(changed)
        properties["hs_merged_object_ids"] = ";".join(person.merged_ids)
        properties["hs_calculated_merged_vids"] = ";".join(f"{number}:{merged}" for number in person.merged_ids)
    if dice.random() < 0.08:
        properties |= {"zoom_webinar_registration_count": str(dice.randint(1, 9)), "zoom_webinar_attendance_count": "1"}
    record: Record = {
        "id": person.contact_id,
        "createdAt": iso_ms(person.joined),
        "updatedAt": iso_ms(person.archived_at or changed),
        "archived": person.archived_at is not None,
        "properties": properties,
    }
    if person.archived_at is not None:
        record["archivedAt"] = iso_ms(person.archived_at)
    history = _touches(dice, person, now) if dice.random() < 0.14 else {}
    return {**record, "propertiesWithHistory": history} if history else record


def _touches(dice: random.Random, person: Person, now: datetime) -> Record:
    """Histories of sales opens, clicks and content views: one entry for each."""
    history: Record = {}
    for name, chance in zip(TOUCHES, (1.0, 0.5, 0.35), strict=True):
        if dice.random() < chance:
            moments = sorted(
                (moment_between(dice, person.joined, now) for _ in range(1 + int(dice.paretovariate(1.1)) % 12)),
                reverse=True,
            )
            history[name] = [{"value": iso_ms(one), "timestamp": iso_ms(one), "sourceType": "SALES"} for one in moments]
    return history


def _work(dice: random.Random, cast: Cast, now: datetime) -> dict[str, list[Record]]:
    """Calls, sales emails, meetings, notes and tasks, each with one contact or several."""
    people = [person for person in cast.contacts if person.archived_at is None]
    scale = len(cast.contacts) / 2000
    number = 60_000_000_000
    found: dict[str, list[Record]] = {}
    for kind, count in (("calls", 260), ("emails", 520), ("meetings", 160), ("notes", 240), ("tasks", 180)):
        rows = []
        for _ in range(max(int(count * scale), 3)):
            number += dice.randint(1, 900)
            chosen = dice.sample(people, min(dice.choice((1, 1, 1, 1, 2, 3)), len(people)))
            created = moment_between(dice, max(person.joined for person in chosen), now)
            happened = created - timedelta(minutes=dice.choice((0, 0, 0, 15, 60)))
            rows.append(
                {
                    "id": str(number),
                    "createdAt": iso_ms(created),
                    "updatedAt": iso_ms(created),
                    "archived": False,
                    "properties": {
                        "hs_timestamp": iso_ms(happened),
                        "hubspot_owner_id": str(77_000 + dice.randint(0, 4)),
                        **DETAILS[kind](dice, happened),
                    },
                    "associations": {"contacts": [person.contact_id for person in chosen]},
                }
            )
        found[kind] = rows
    return found


def _call(dice: random.Random, moment: datetime) -> Record:
    title = dice.choice(("Discovery", "Follow-up", "Renewal"))
    return {
        "hs_call_title": title,
        "hs_call_direction": "OUTBOUND",
        "hs_call_status": "COMPLETED",
        "hs_call_duration": str(dice.randint(20, 2400) * 1000),
    }


def _email(dice: random.Random, moment: datetime) -> Record:
    direction = dice.choice(("EMAIL", "EMAIL", "EMAIL", "INCOMING_EMAIL"))
    status = "SENT" if dice.random() < 0.95 else "BOUNCED"
    return {
        "hs_email_direction": direction,
        "hs_email_status": status,
        "hs_email_subject": "About your question",
        "hs_email_text": "Thank you for your time.",
    }


def _meeting(dice: random.Random, moment: datetime) -> Record:
    start = moment + timedelta(days=dice.randint(1, 14))
    return {
        "hs_meeting_title": "Demo",
        "hs_meeting_start_time": iso_ms(start),
        "hs_meeting_end_time": iso_ms(start + timedelta(minutes=30)),
        "hs_meeting_outcome": "SCHEDULED",
    }


def _note(dice: random.Random, moment: datetime) -> Record:
    return {"hs_note_body": dice.choice(("Asked for pricing.", "Moved to another team.", "Wants a reference."))}


def _task(dice: random.Random, moment: datetime) -> Record:
    return {
        "hs_task_subject": "Send the proposal",
        "hs_task_type": dice.choice(("TODO", "CALL", "EMAIL")),
        "hs_task_status": dice.choice(("NOT_STARTED", "COMPLETED")),
        "hs_task_priority": "MEDIUM",
    }


DETAILS: dict[str, Callable[[random.Random, datetime], Record]] = {
    "calls": _call,
    "emails": _email,
    "meetings": _meeting,
    "notes": _note,
    "tasks": _task,
}


def _forms(dice: random.Random, cast: Cast, now: datetime) -> list[Record]:
    forms: list[Record] = []
    for at, name in enumerate(FORMS):
        guid = f"{at + 1:08x}-5afe-4f0e-8a11-{dice.getrandbits(48):012x}"
        forms.append(
            {"id": guid, "name": name, "formType": "hubspot", "createdAt": iso_ms(cast.begin), "submissions": []}
        )
    crowd = [*cast.contacts, *cast.strangers]
    total = int(len(cast.contacts) * 1.4)
    for person in dice.choices(crowd, weights=[person.zeal for person in crowd], k=total):
        moment = moment_between(dice, person.joined, now)
        address = person.second_email if person.second_email and dice.random() < 0.3 else person.email
        values = [("email", worn(dice, address)), ("firstname", person.first), ("lastname", person.last)]
        bits = f"{dice.getrandbits(128):032x}"
        dice.choice(forms)["submissions"].append(
            {
                "conversionId": f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}",
                "submittedAt": to_ms(moment),
                "values": [{"name": name, "value": value, "objectTypeId": "0-1"} for name, value in values],
                "pageUrl": "https://kestrel-signal.example/form",
            }
        )
    for form in forms:
        form["submissions"].sort(key=lambda one: (-one["submittedAt"], one["conversionId"]))
    return forms


def _list(number: str, name: str, cast: Cast, every: int) -> Record:
    members = [person.contact_id for person in cast.contacts[::every] if person.archived_at is None]
    return {
        "listId": number,
        "name": name,
        "processingType": "MANUAL",
        "objectTypeId": "0-1",
        "members": members,
        "createdAt": iso_ms(cast.begin),
    }


def _native_event(dice: random.Random, cast: Cast, now: datetime) -> Record:
    """What the native Zoom app left behind; only its object id reaches it."""
    start = (now - timedelta(days=700)).replace(hour=15, minute=0, second=0, microsecond=0)
    people = [person for person in cast.contacts if person.archived_at is None and person.joined < start][:20]
    return {
        "objectId": "40000001",
        "externalEventId": "84000000001",
        "externalAccountId": "zoom-native",
        "app": "178192",
        "eventName": "An Early Webinar",
        "eventOrganizer": "Kestrel Signal",
        "eventType": "WEBINAR",
        "startDateTime": iso_ms(start),
        "endDateTime": iso_ms(start + timedelta(hours=1)),
        "eventCompleted": True,
        "createdAt": iso_ms(start - timedelta(days=9)),
        "participants": [
            {
                "contactId": person.contact_id,
                "email": person.email,
                "interactions": [
                    {"state": "REGISTERED", "interactionDateTime": to_ms(start - timedelta(days=dice.randint(1, 8)))}
                ],
            }
            for person in people
        ],
    }
