"""The company that is made up: the same each time, large enough, and with everything that trips people up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import Any

import orjson
import pytest

from pipelines.sandbox import generate, validate
from tests.sandbox.desk import Desk, twice

Serve = Callable[..., Desk]


@cache
def world() -> dict[str, Any]:
    return generate()


def webinars() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world()["zoom"][0]["webinars"]
    return found


def portal() -> dict[str, Any]:
    found: dict[str, Any] = world()["hubspot"][0]
    return found


def test_the_same_seed_gives_the_same_world_to_the_byte() -> None:
    assert orjson.dumps(generate(3, 60)) == orjson.dumps(generate(3, 60))
    assert orjson.dumps(generate(3, 60)) != orjson.dumps(generate(4, 60))


@pytest.mark.parametrize("contacts", [1, 2, 25, 300])
def test_a_company_of_any_size_is_a_world(contacts: int) -> None:
    made = generate(1, contacts)
    validate(made)
    assert len(made["hubspot"][0]["contacts"]) == contacts + 3  # three of the staff are contacts too


def test_the_default_company_is_as_large_as_promised() -> None:
    validate(world())
    rows = sum(len(run["participants"]) for item in webinars() for run in item["instances"])
    registrants = sum(len(item["registrants"]) for item in webinars())
    submissions = sum(len(form["submissions"]) for form in portal()["forms"])
    assert len(portal()["contacts"]) >= 2000
    assert len(webinars()) >= 40
    assert len(portal()["email_events"]) + rows + registrants + submissions >= 60_000
    assert 6 <= len(portal()["forms"]) <= 8


def test_every_kind_of_webinar_that_trips_people_up_is_there() -> None:
    types = Counter(item["type"] for item in webinars())
    assert types[9] >= 4
    assert types[6] == 1
    assert {len(item["occurrences"]) for item in webinars() if item["type"] == 9} <= set(range(3, 9))
    assert {item["settings"]["registration_type"] for item in webinars()} == {1, 2, 3}
    assert any(item["zoom_events"] for item in webinars())
    assert any(item.get("deleted") and item["instances"] for item in webinars())
    assert any(item.get("deleted") and not item["instances"] for item in webinars())
    assert any(item["settings"]["approval_type"] == 2 for item in webinars())
    now = world()["now"]
    assert any(item.get("start_time", "") > now for item in webinars())
    assert any(
        item["type"] == 5 and item["start_time"] < now and not item["instances"] and not item.get("deleted")
        for item in webinars()
    )
    uuids = [run["uuid"] for item in webinars() for run in item["instances"]]
    assert any(uuid.startswith("/") for uuid in uuids)
    assert any("//" in uuid for uuid in uuids)
    assert any(run["practice_session"] for item in webinars() for run in item["instances"])
    year = str(int(now[:4]) - 1) + now[4:]
    assert any(run["start_time"] < year for item in webinars() for run in item["instances"])


def test_rows_are_as_untidy_as_real_ones() -> None:
    rows = [row for item in webinars() for run in item["instances"] for row in run["participants"]]
    assert any(not row["user_email"] and row["registrant_id"] for row in rows)
    assert any(not row["user_email"] and not row["registrant_id"] for row in rows)
    assert any(row["status"] == "in_waiting_room" for row in rows)
    overlapping = rejoining = 0
    for item in webinars():
        for run in item["instances"]:
            spans: dict[str, list[tuple[str, str]]] = {}
            for row in run["participants"]:
                if row["registrant_id"]:
                    spans.setdefault(row["registrant_id"], []).append((row["join_time"], row["leave_time"]))
            for several in spans.values():
                pairs = list(pairwise(sorted(several)))
                overlapping += any(left > joined for (_, left), (joined, _) in pairs)
                rejoining += any(left < joined for (_, left), (joined, _) in pairs)
    assert overlapping > 20
    assert rejoining > 100


def test_registrants_come_in_every_state_and_shape() -> None:
    people = [(item, one) for item in webinars() for one in item["registrants"]]
    assert {one["status"] for _, one in people} == {"approved", "pending", "denied"}
    emails = [one["email"] for _, one in people]
    assert any(email != email.lower() for email in emails)
    assert any(email != email.strip() for email in emails)
    assert any("@" not in email for email in emails)
    seconds = {c["properties"].get("hs_additional_emails") for c in portal()["contacts"]} - {None}
    assert seconds & set(emails)
    staff = {user["email"] for user in world()["zoom"][0]["users"]}
    assert staff & set(emails)
    panelists = [
        {p["email"] for p in item["panelists"]} & {one["email"] for one in item["registrants"]} for item in webinars()
    ]
    assert any(panelists)
    archived = {c["properties"].get("email") for c in portal()["contacts"] if c["archived"]}
    assert archived & set(emails)


def test_contacts_were_merged_archived_and_watched_by_sales() -> None:
    contacts = portal()["contacts"]
    ids = {one["id"] for one in contacts}
    merged = [
        one["properties"]["hs_merged_object_ids"] for one in contacts if "hs_merged_object_ids" in one["properties"]
    ]
    assert merged
    assert not ids & {number for words in merged for number in words.split(";")}
    assert any(one["archived"] for one in contacts)
    assert sum("propertiesWithHistory" in one for one in contacts) > 100
    assert any("🚀" in one["properties"]["firstname"] for one in contacts)
    assert any("李" in one["properties"]["lastname"] for one in contacts)
    kinds = ("calls", "emails", "meetings", "notes", "tasks")
    assert all(portal()[kind] for kind in kinds)
    assert any(len(one["associations"]["contacts"]) > 1 for kind in kinds for one in portal()[kind])


def test_mail_events_hang_together_over_three_years() -> None:
    events = portal()["email_events"]
    assert {"SENT", "DELIVERED", "OPEN", "CLICK", "BOUNCE"} == {event["type"] for event in events}
    sent = {(event["id"], event["created"]) for event in events if event["type"] == "SENT"}
    assert all((e["sentBy"]["id"], e["sentBy"]["created"]) in sent for e in events if e["type"] != "SENT")
    assert any(event["filteredEvent"] for event in events)
    assert any("obsoletedBy" in event for event in events)
    assert len({(event["id"], event["created"]) for event in events}) == len(events)
    years = (events[-1]["created"] - events[0]["created"]) / 86_400_000 / 365
    assert years > 2.8
    assert events[-1]["created"] <= datetime.fromisoformat(world()["now"]).timestamp() * 1000


def test_no_address_leads_to_anybody_real() -> None:
    addresses = {event["recipient"] for event in portal()["email_events"]}
    addresses |= {one["email"].strip() for item in webinars() for one in item["registrants"]}
    domains = {address.rpartition("@")[2].lower() for address in addresses if "@" in address}
    allowed = {"example.com", "example.org", "example.net", "nowhere"}
    assert all(domain in allowed or domain.endswith(".example") for domain in domains)


def test_the_company_can_be_served_and_comes_back_unchanged(serve: Serve) -> None:
    made = generate(contacts=400)
    desk = serve(made)
    first = desk.sandbox.world()
    desk.sandbox.put_world(first)
    assert desk.sandbox.world() == first
    runs = [run for item in made["zoom"][0]["webinars"] for run in item["instances"] if run["uuid"].startswith("/")]
    run = max(runs, key=lambda run: run["start_time"])
    answer = desk.zoom("GET", f"/report/webinars/{twice(run['uuid'])}/participants?page_size=300")
    assert answer.json()["total_records"] == len(run["participants"])
    page = desk.hubspot("GET", "/email/public/v1/events?limit=1000").json()
    assert (len(page["events"]), page["hasMore"]) == (1000, True)
