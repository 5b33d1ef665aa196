"""Small worlds, written by hand in the vendors' own shapes: one Zoom account, one HubSpot portal, a few people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = "2026-11-20T12:00:00Z"
DAY = "2026-11-10"
HOST = {
    "id": "host1",
    "email": "hana@host.example",
    "first_name": "Hana",
    "last_name": "Host",
    "type": 2,
    "status": "active",
}


def z(moment: datetime) -> str:
    """Write an instant as Zoom does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def at(clock: str, day: str = DAY) -> datetime:
    """Return an instant of a day, UTC: `at("10:30")`."""
    return datetime.fromisoformat(f"{day}T{clock}{'' if clock.count(':') == 2 else ':00'}+00:00")


def registrant(email: str, webinar: str = "", **more: Any) -> dict[str, Any]:
    """A registrant as Zoom lists it; approved a week before unless told otherwise."""
    return {
        "id": f"r-{email.strip().lower()}",
        "email": email,
        "first_name": email.partition("@")[0].strip().title(),
        "last_name": "Example",
        "status": "approved",
        "create_time": "2026-11-01T09:00:00Z",
        **more,
    }


def joined(email: str, start: str, end: str | None, day: str = DAY, **more: Any) -> dict[str, Any]:
    """A row of a participant report: one connection of one device."""
    begin = at(start, day)
    row: dict[str, Any] = {
        "id": "",
        "user_id": more.pop("user_id", f"u-{email}-{start}"),
        "name": email.partition("@")[0].title() or "Guest",
        "user_email": email,
        "join_time": z(begin),
        "status": "in_meeting",
    }
    if end is not None:
        row |= {"leave_time": z(at(end, day)), "duration": int((at(end, day) - begin).total_seconds())}
    return row | more


def session(
    uuid: str, start: str, end: str | None, participants: Iterable[dict[str, Any]] = (), day: str = DAY, **more: Any
) -> dict[str, Any]:
    """A session that ran."""
    told = {"uuid": uuid, "start_time": z(at(start, day)), "participants": list(participants), **more}
    if end is not None:
        told["end_time"] = z(at(end, day))
    return told


def webinar(number: int, *, start: str = "10:00", minutes: int = 60, day: str = DAY, **more: Any) -> dict[str, Any]:
    """A single webinar as GET /webinars/{id} shows it, with what belongs to it."""
    told = {
        "id": number,
        "uuid": f"uuid-of-{number}",
        "host_id": "host1",
        "host_email": HOST["email"],
        "topic": f"Topic {number}",
        "type": 5,
        "start_time": z(at(start, day)),
        "duration": minutes,
        "timezone": "UTC",
        "created_at": "2026-10-01T08:00:00Z",
        "join_url": f"https://zoom.example/j/{number}",
        "settings": {"approval_type": 0, "registration_type": 1},
        "registrants": [],
        "panelists": [],
        "instances": [],
    }
    return told | more


def series(number: int, days: Iterable[str], *, start: str = "10:00", minutes: int = 60, **more: Any) -> dict[str, Any]:
    """A recurring webinar with one occurrence a day."""
    dates = list(days)
    occurrences = [
        {
            "occurrence_id": str(int(at(start, day).timestamp() * 1000)),
            "start_time": z(at(start, day)),
            "duration": minutes,
            "status": "available",
        }
        for day in dates
    ]
    return webinar(number, start=start, minutes=minutes, day=dates[0], type=9, occurrences=occurrences, **more)


def contact(number: int, email: str, **more: Any) -> dict[str, Any]:
    """A HubSpot contact."""
    properties = {"email": email, "firstname": "Old", "lastname": "Name", **more.pop("properties", {})}
    return {
        "id": str(number),
        "createdAt": "2025-01-01T00:00:00.000Z",
        "updatedAt": "2025-01-01T00:00:00.000Z",
        "archived": False,
        "properties": properties,
        **more,
    }


def email_event(kind: str, email: str, campaign: int, when: str, **more: Any) -> dict[str, Any]:
    """A marketing email event; `when` is ISO 8601."""
    created = int(datetime.fromisoformat(when).timestamp() * 1000)
    return {
        "id": more.pop("id", f"{kind}-{email}-{campaign}-{created}"),
        "type": kind,
        "recipient": email,
        "emailCampaignId": campaign,
        "portalId": 4242,
        "appId": 113,
        "created": created,
        "filteredEvent": False,
        **more,
    }


def form(guid: str, submissions: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A form with submissions, each an address and an ISO instant."""
    return {
        "id": guid,
        "name": f"Form {guid}",
        "formType": "hubspot",
        "submissions": [
            {
                "conversionId": f"{guid}-{number}",
                "submittedAt": int(datetime.fromisoformat(when).timestamp() * 1000),
                "values": [{"name": "email", "value": email, "objectTypeId": "0-1"}],
                "pageUrl": "https://site.example/",
            }
            for number, (email, when) in enumerate(submissions)
        ],
    }


def world(
    *webinars: dict[str, Any],
    now: str = NOW,
    contacts: Iterable[dict[str, Any]] = (),
    users: Iterable[dict[str, Any]] = (HOST,),
    **portal: Any,
) -> dict[str, Any]:
    """A world of one Zoom account and one HubSpot portal."""
    return {
        "now": now,
        "zoom": [
            {
                "account_id": "zoom-account",
                "client_id": "zoom-client",
                "client_secret": "zoom-secret-value",
                "webhook_secret": "zoom-hook-secret",
                "users": list(users),
                "webinars": list(webinars),
            }
        ],
        "hubspot": [
            {
                "portal_id": 4242,
                "access_token": "pat-hubspot-secret",
                "client_secret": "hubspot-client-secret",
                "time_zone": "UTC",
                "tier": "enterprise",
                "contacts": list(contacts),
                **portal,
            }
        ],
    }


def later(moment: str, **how: float) -> str:
    """Return an instant so much later: `later(NOW, hours=1)`."""
    return z(datetime.fromisoformat(moment) + timedelta(**how))
