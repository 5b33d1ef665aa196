"""What the simulated month found, each as a small world of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.company import Company
from tests.worlds import NOW, contact, joined, later, registrant, series, session, webinar, world

Make = Callable[..., Company]
ONE, TWO = 84759841045, 84759841046
ADA, BOB = "ada@x.example", "bob@x.example"
SOON = {"start": "12:30", "day": "2026-11-20"}
AHEAD = {"day": "2026-11-30"}


def people(told: dict[str, Any], number: int = 0) -> list[dict[str, Any]]:
    """The registrants of a world's webinar."""
    found: list[dict[str, Any]] = told["zoom"][0]["webinars"][number]["registrants"]
    return found


def held(one: Company, email: str) -> dict[str, Any]:
    """What the CRM holds of a contact that must be there."""
    found = one.contact(email)
    assert found is not None
    return found


def merge(one: Company, winner: str, loser: str) -> None:
    """Merge two contacts, as a person would."""
    ids = [held(one, email)["hs_object_id"] for email in (winner, loser)]
    post(one, "/crm/v3/objects/contacts/merge", {"primaryObjectId": ids[0], "objectIdToMerge": ids[1]})


def post(one: Company, path: str, body: dict[str, Any]) -> None:
    """Write to the CRM as a person."""
    token = {"Authorization": "Bearer pat-hubspot-secret"}
    requests.post(one.sandbox.urls["hubspot"] + path, json=body, headers=token, timeout=30).raise_for_status()


def settled(one: Company) -> None:
    """A run finds nothing more to write."""
    receipt = one.run()
    assert receipt.plan is not None
    assert receipt.plan.total == 0


@pytest.mark.rule("EV-06", "HZ-02")
def test_a_field_that_was_cleared_is_known_to_be_empty_and_is_filled_again(company: Make) -> None:
    one = company(world(webinar(ONE, registrants=[registrant(ADA)], **AHEAD), contacts=[contact(1, ADA)]))
    one.run()
    url = held(one, ADA)["turnout_last_registration_url"]
    for settings, expected in ((f'[sync.webinars]\n"{ONE}" = false', None), ("", url)):
        one.set(settings)
        one.run()
        assert held(one, ADA).get("turnout_last_registration_url") == expected
        settled(one)


@pytest.mark.rule("HZ-24")
def test_who_was_denied_and_is_approved_again_is_registered_again(company: Make) -> None:
    one = company(world(webinar(ONE, registrants=[registrant(ADA)], **AHEAD)))
    one.run()
    for hours, status, state in ((1, "denied", "CANCELLED"), (2, "approved", "REGISTERED"), (3, "denied", "CANCELLED")):
        one.change(lambda told, status=status: people(told)[0].update(status=status), later(NOW, hours=hours))
        one.run()
        assert one.states(str(ONE)) == {ADA: state}
        settled(one)


@pytest.mark.rule("HZ-24")
def test_who_came_although_their_registration_was_seen_to_vanish_later_attended(company: Make) -> None:
    one = company(world(webinar(ONE, registrants=[registrant(ADA)], **SOON), contacts=[contact(1, ADA)]))
    one.run()
    one.change(lambda told: people(told).clear(), later(NOW, hours=1))
    one.run()
    assert one.states(str(ONE)) == {ADA: "CANCELLED"}

    def end(told: dict[str, Any]) -> None:
        day = SOON["day"]
        rows = [joined(ADA, "12:40", "13:20", day=day)]
        told["zoom"][0]["webinars"][0]["instances"] = [session("u1==", "12:30", "13:30", rows, day=day)]

    one.change(end, later(NOW, hours=2))
    one.run()
    assert one.states(str(ONE)) == {ADA: "ATTENDED"}
    settled(one)


@pytest.mark.rule("HZ-06")
def test_a_contact_that_we_made_and_that_was_merged_before_we_saw_it_is_no_contact(company: Make) -> None:
    one = company(world(webinar(ONE, registrants=[registrant(ADA)], **AHEAD), contacts=[contact(1, BOB)]))
    one.run()
    merge(one, BOB, ADA)
    one.change(lambda told: people(told).append(registrant(BOB)), later(NOW, hours=1))
    one.run()
    assert one.rows("select contact_id from int_contacts where is_live") == [(1,)]
    assert held(one, BOB)["turnout_webinars_registered"] == "1"
    assert one.verdict(ADA) == ("excluded", "email_secondary")
    settled(one)


@pytest.mark.rule("HZ-07")
def test_a_contact_that_we_made_and_that_was_erased_before_we_saw_it_is_deleted(company: Make) -> None:
    one = company(world(webinar(ONE, registrants=[registrant(ADA)], **AHEAD)))
    one.run()
    name = held(one, ADA)["hs_object_id"]
    post(one, "/crm/v3/objects/contacts/gdpr-delete", {"objectId": name})
    one.change(lambda _: None, later(NOW, hours=25))
    one.run()
    assert one.verdict(ADA) == ("excluded", "contact_deleted")
    assert one.emails() == set()
    settled(one)


@pytest.mark.rule("EV-06", "HZ-06")
@pytest.mark.parametrize("is_new", [False, True])
def test_what_a_contact_inherits_in_a_merge_is_put_right(company: Make, is_new: bool) -> None:
    rows = [joined(ADA, "10:00", "10:30")]
    told = world(
        webinar(ONE, registrants=[registrant(ADA)], instances=[session("u1==", "10:00", "11:00", rows)]),
        webinar(TWO, registrants=[registrant(BOB)], **AHEAD),
        contacts=[contact(1, ADA), contact(2, BOB)],
    )
    one = company(told)
    one.sandbox.set_faults({"switches": {"hubspot.merge_new_id": is_new}})
    one.run()
    one.change(lambda _: None, later(NOW, hours=1))
    one.run()
    merge(one, BOB, ADA)
    assert held(one, BOB)["turnout_avg_attendance_pct"] == "50.00"
    one.change(lambda _: None, later(NOW, hours=2))
    one.run()
    found = held(one, BOB)
    assert not found.get("turnout_avg_attendance_pct"), "what a secondary address did counts for nobody"
    assert (found["turnout_webinars_registered"], found["turnout_webinars_attended"]) == ("1", "0")
    settled(one)


@pytest.mark.rule("HZ-06")
def test_an_address_that_a_merged_contact_has_no_more_is_nobodys(company: Make) -> None:
    merged = {"hs_merged_object_ids": "1", "hs_additional_emails": ADA}
    one = company(world(webinar(ONE, **AHEAD), contacts=[contact(1, ADA), contact(2, BOB)]))
    one.run()

    def join(told: dict[str, Any]) -> None:
        winner = contact(2, BOB, properties=merged, updatedAt=later(NOW, minutes=30))
        told["hubspot"][0]["contacts"] = [winner]

    def leave(told: dict[str, Any]) -> None:
        winner = contact(2, BOB, properties={**merged, "hs_additional_emails": ""}, updatedAt=later(NOW, minutes=90))
        told["hubspot"][0]["contacts"] = [winner]
        people(told).append(registrant(ADA))

    one.change(join, later(NOW, hours=1))
    one.run()
    one.change(leave, later(NOW, hours=2))
    one.run()
    assert one.emails() == {ADA, BOB}
    assert held(one, ADA)["turnout_webinars_registered"] == "1"


@pytest.mark.rule("HZ-22", "HZ-24")
def test_a_date_chosen_by_a_registration_that_was_denied_is_not_chosen(company: Make) -> None:
    told = series(5555, ["2026-12-01", "2026-12-08"])
    told["settings"]["registration_type"] = 2
    first, second = ([{"occurrence_id": date["occurrence_id"]}] for date in told["occurrences"])
    told["registrants"] = [
        registrant(ADA, occurrences=first),
        registrant(ADA, id="r2", occurrences=second, status="denied"),
    ]
    one = company(world(told))
    one.run()
    names = [f"5555-{date['occurrence_id']}" for date in told["occurrences"]]
    assert [one.states(name) for name in names] == [{ADA: "REGISTERED"}, {}]
