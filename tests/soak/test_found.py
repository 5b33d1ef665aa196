"""What the simulated month found, each as a small story of its own."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.company import Company
from tests.stories import Acts, Stories
from tests.worlds import NOW, contact, joined, later, registrant, series, session, webinar, world

SWITCHED, DENIED, VANISHED, JOINED, ERASED, LEFT, ENDED, PLANNED = range(1001, 1009)
SOON = {"start": "12:30", "day": "2026-11-20"}
AHEAD = {"day": "2026-11-30"}
FIRST, SECOND, NEXT_DAY = (later(NOW, hours=hours) for hours in (1, 2, 27))
"""When runs are done after the one that is done now."""


def go_on(one: Company) -> None:
    """Do a run, after which another finds nothing more to write.

    After the first of all there is no other: people change what it made before it is read.
    """
    is_first = not one.workspace.warehouse.is_there
    one.run()
    if not is_first:
        one.workspace.ingest()
        plan, _ = one.workspace.plan()
        assert plan.total == 0, plan.counts()


found = Stories(lambda company: company(world()), go_on)


def scheduled(told: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a webinar of a world."""
    one: dict[str, Any] = next(item for item in told["zoom"][0]["webinars"] if item["id"] == number)
    return one


def people(told: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Return the registrants of a webinar of a world."""
    registered: list[dict[str, Any]] = scheduled(told, number)["registrants"]
    return registered


def held(one: Company, email: str) -> dict[str, Any]:
    """Return what the CRM holds of a contact that must be there."""
    there = one.contact(email)
    assert there is not None
    return there


def two(domain: str) -> tuple[str, str]:
    """Return the addresses of Ada and Bob at a domain."""
    return f"ada@{domain}", f"bob@{domain}"


def merge(one: Company, winner: str, loser: str) -> tuple[int, int]:
    """Merge two contacts, as a person would; return the ids that they had."""
    ids = [held(one, email)["hs_object_id"] for email in (winner, loser)]
    post(one, "/crm/v3/objects/contacts/merge", {"primaryObjectId": ids[0], "objectIdToMerge": ids[1]})
    return int(ids[0]), int(ids[1])


def post(one: Company, path: str, body: dict[str, Any]) -> None:
    """Write to the CRM as a person."""
    token = {"Authorization": "Bearer pat-hubspot-secret"}
    requests.post(one.sandbox.urls["hubspot"] + path, json=body, headers=token, timeout=30).raise_for_status()


@pytest.mark.rule("EV-06", "HZ-02")
@found
def test_a_field_that_was_cleared_is_known_to_be_empty_and_is_filled_again(one: Company) -> Acts:
    ada = "ada@cleared.example"
    one.add(webinar(SWITCHED, registrants=[registrant(ada)], **AHEAD), contacts=[contact(11, ada)])
    yield
    url = held(one, ada)["turnout_last_registration_url"]
    assert url
    for settings, expected in ((f'[sync.webinars]\n"{SWITCHED}" = false', None), ("", url)):
        one.set(settings)
        yield
        assert held(one, ada).get("turnout_last_registration_url") == expected


@pytest.mark.rule("HZ-24")
@found
def test_who_was_denied_and_is_approved_again_is_registered_again(one: Company) -> Acts:
    ada = "ada@denied.example"
    one.add(webinar(DENIED, registrants=[registrant(ada)], **AHEAD))
    yield
    for when, status, state in (
        (FIRST, "denied", "CANCELLED"),
        (SECOND, "approved", "REGISTERED"),
        (NEXT_DAY, "denied", "CANCELLED"),
    ):
        one.change(lambda told, status=status: people(told, DENIED)[0].update(status=status), when)  # type: ignore[misc]
        yield
        assert one.states(str(DENIED)) == {ada: state}


@pytest.mark.rule("HZ-24")
@found
def test_who_came_although_their_registration_was_seen_to_vanish_later_attended(one: Company) -> Acts:
    ada = "ada@vanished.example"
    one.add(webinar(VANISHED, registrants=[registrant(ada)], **SOON), contacts=[contact(12, ada)])
    yield
    one.change(lambda told: people(told, VANISHED).clear(), FIRST)
    yield
    assert one.states(str(VANISHED)) == {ada: "CANCELLED"}

    def end(told: dict[str, Any]) -> None:
        day = SOON["day"]
        rows = [joined(ada, "12:40", "13:20", day=day)]
        scheduled(told, VANISHED)["instances"] = [session("vanished==", "12:30", "13:30", rows, day=day)]

    one.change(end, SECOND)
    yield
    assert one.states(str(VANISHED)) == {ada: "ATTENDED"}


@pytest.mark.rule("HZ-06")
@found
def test_a_contact_that_we_made_and_that_was_merged_before_we_saw_it_is_no_contact(one: Company) -> Acts:
    ada, bob = two("joined.example")
    one.add(webinar(JOINED, registrants=[registrant(ada)], **AHEAD), contacts=[contact(13, bob)])
    yield
    winner, loser = merge(one, bob, ada)
    one.change(lambda told: people(told, JOINED).append(registrant(bob)), FIRST)
    yield
    live = f"select contact_id from int_contacts where is_live and contact_id in ({winner}, {loser})"
    assert one.rows(live) == [(13,)]
    assert held(one, bob)["turnout_webinars_registered"] == "1"
    assert one.verdict(ada) == ("excluded", "email_secondary")


@pytest.mark.rule("HZ-07")
@found
def test_a_contact_that_we_made_and_that_was_erased_before_we_saw_it_is_deleted(one: Company) -> Acts:
    ada = "ada@erased.example"
    one.add(webinar(ERASED, registrants=[registrant(ada)], **AHEAD))
    yield
    name = held(one, ada)["hs_object_id"]
    post(one, "/crm/v3/objects/contacts/gdpr-delete", {"objectId": name})
    yield
    yield
    one.change(lambda _: None, NEXT_DAY)
    yield
    assert one.verdict(ada) == ("excluded", "contact_deleted")
    assert ada not in one.emails()


@pytest.mark.rule("EV-06", "HZ-06")
@found
def test_what_a_contact_inherits_in_a_merge_is_put_right(one: Company) -> Acts:
    pairs = {is_new: two(f"inherits{at}.example") for at, is_new in enumerate((False, True))}
    for at, (ada, bob) in enumerate(pairs.values()):
        rows = [joined(ada, "10:00", "10:30")]
        ran = session(f"inherits{at}==", "10:00", "11:00", rows)
        one.add(
            webinar(ENDED + 100 * at, registrants=[registrant(ada)], instances=[ran]),
            webinar(PLANNED + 100 * at, registrants=[registrant(bob)], **AHEAD),
            contacts=[contact(21 + 2 * at, ada), contact(22 + 2 * at, bob)],
        )
    yield
    one.change(lambda _: None, FIRST)
    yield
    for is_new, (ada, bob) in pairs.items():
        one.sandbox.set_faults({"switches": {"hubspot.merge_new_id": is_new}})
        ids = merge(one, bob, ada)
        assert (int(held(one, bob)["hs_object_id"]) in ids) is not is_new
        assert held(one, bob)["turnout_avg_attendance_pct"] == "50.00"
    one.sandbox.set_faults({})
    one.change(lambda _: None, SECOND)
    yield
    for _, bob in pairs.values():
        there = held(one, bob)
        assert not there.get("turnout_avg_attendance_pct"), "what a secondary address did counts for nobody"
        assert (there["turnout_webinars_registered"], there["turnout_webinars_attended"]) == ("1", "0")


@pytest.mark.rule("HZ-06")
@found
def test_an_address_that_a_merged_contact_has_no_more_is_nobodys(one: Company) -> Acts:
    ada, bob = two("left.example")
    merged = {"hs_merged_object_ids": "31", "hs_additional_emails": ada}
    one.add(webinar(LEFT, **AHEAD), contacts=[contact(31, ada), contact(32, bob)])
    yield

    def hold(told: dict[str, Any], *contacts: dict[str, Any]) -> None:
        portal = told["hubspot"][0]
        others = [row for row in portal["contacts"] if row["id"] not in ("31", "32")]
        portal["contacts"] = [*others, *contacts]

    def join(told: dict[str, Any]) -> None:
        hold(told, contact(32, bob, properties=merged, updatedAt=later(NOW, minutes=30)))

    def leave(told: dict[str, Any]) -> None:
        hold(
            told, contact(32, bob, properties={**merged, "hs_additional_emails": ""}, updatedAt=later(NOW, minutes=90))
        )
        people(told, LEFT).append(registrant(ada))

    one.change(join, FIRST)
    yield
    one.change(leave, SECOND)
    yield
    assert {email for email in one.emails() if email.endswith("@left.example")} == {ada, bob}
    assert held(one, ada)["turnout_webinars_registered"] == "1"


@pytest.mark.rule("HZ-22", "HZ-24")
@found
def test_a_date_chosen_by_a_registration_that_was_denied_is_not_chosen(one: Company) -> Acts:
    ada = "ada@dates.example"
    told = series(5555, ["2026-12-01", "2026-12-08"])
    told["settings"]["registration_type"] = 2
    first, second = ([{"occurrence_id": date["occurrence_id"]}] for date in told["occurrences"])
    told["registrants"] = [
        registrant(ada, occurrences=first),
        registrant(ada, id="r2", occurrences=second, status="denied"),
    ]
    one.add(told)
    yield
    names = [f"5555-{date['occurrence_id']}" for date in told["occurrences"]]
    assert [one.states(name) for name in names] == [{ada: "REGISTERED"}, {}]
