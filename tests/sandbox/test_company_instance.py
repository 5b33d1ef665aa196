"""The made-up company's Marketo instance fits its webinars."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

from pipelines.sandbox.clock import parse
from pipelines.sandbox.company import generate
from pipelines.sandbox.company.marketing import CHANNELS, TAG
from pipelines.sandbox.marketo.stamps import moment
from pipelines.sandbox.world import filled

Record = dict[str, Any]


@cache
def world() -> Record:
    return filled(generate(7, 400))


def instance() -> Record:
    found: Record = world()["marketo"][0]
    return found


def linked() -> list[tuple[Record, Record]]:
    """Each program of a webinar, with that webinar."""
    webinars = {str(item["id"]): item for item in world()["zoom"][0]["webinars"]}
    return [(row, webinars[row["tags"][0]["tagValue"]]) for row in instance()["programs"] if row["tags"]]


def test_programs_are_those_of_single_webinars_and_say_when_they_are() -> None:
    assert len(linked()) > 10
    for program, webinar in linked():
        assert program["tags"][0]["tagType"] == TAG
        assert moment(program["startDate"]) == parse(webinar["start_time"])
        assert "occurrences" not in webinar
    assert {program["channel"] for program, _ in linked()} == set(CHANNELS)


def test_a_third_of_the_people_are_leads_and_a_few_are_there_twice() -> None:
    addresses = [lead["email"].lower() for lead in instance()["leads"] if lead["email"]]
    contacts = {row["properties"].get("email", "").lower() for row in world()["hubspot"][0]["contacts"]}
    assert 0.25 < len(set(addresses) & contacts) / len(contacts) < 0.45
    assert set(addresses) - contacts
    assert 0 < sum(count > 1 for count in Counter(addresses).values()) < 10
    assert any(not lead["email"] for lead in instance()["leads"])


def test_statuses_follow_what_happened_in_zoom_once_it_is_settled() -> None:
    leads = {lead["id"]: lead for lead in instance()["leads"]}
    seen: Counter[str] = Counter()
    for program, webinar in linked():
        _, (invited, registered, absent, attended) = CHANNELS[program["channel"]]
        names = {invited: "invited", registered: "registered", absent: "absent", attended: "attended"}
        signed = {row["email"].strip().lower() for row in webinar["registrants"]}
        there = {str(row["user_email"]).strip().lower() for run in webinar["instances"] for row in run["participants"]}
        for row in instance()["members"]:
            if row["programId"] != program["id"]:
                continue
            kind = names[row["status"]]
            seen[kind] += 1
            address = (leads[row["leadId"]]["email"] or "").lower()
            if kind == "attended":
                assert row["reachedSuccess"]
                assert not address or address in there
            if kind in ("attended", "absent"):
                assert webinar["instances"]
                assert not address or address in signed
            assert kind != "invited" or moment(program["startDate"]) > parse(world()["now"])
    assert set(seen) == {"invited", "registered", "absent", "attended"}


def test_the_log_is_in_order_and_tells_every_lead_and_status() -> None:
    rows = instance()["activities"]
    assert [row["activityDate"] for row in rows] == sorted(row["activityDate"] for row in rows)
    kinds = Counter(row["activityTypeId"] for row in rows)
    assert kinds[12] == len(instance()["leads"])
    assert kinds[37] == 3
    last = {(row["primaryAttributeValueId"], row["leadId"]): row for row in rows if row["activityTypeId"] == 104}
    for row in instance()["members"]:
        if (row["programId"], row["leadId"]) in last:
            told = last[row["programId"], row["leadId"]]["attributes"][0]
            assert told == {"name": "New Status", "value": row["status"]}
    assert max(row["activityDate"] for row in rows) <= world()["now"]
