"""HZ-01 to HZ-11: what reaches the CRM, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.errors import ChecksFailed
from tests.company import Company
from tests.stories import Acts, Stories
from tests.worlds import HOST, NOW, contact, email_event, joined, later, registrant, session, webinar, world

Make = Callable[..., Company]
ONE = 84759841045
OFF, AHEAD, AHEAD_ON, LEFT_OUT = 2001, 777_000_111, 777_000_222, 2002
NED = {**HOST, "id": "host2", "email": "ned@users.example"}
SETTINGS = f"""
[sync.users."{NED["email"]}"]
new_webinars = false
[sync.webinars]
"{OFF}" = false
"777-000 222" = true
"{LEFT_OUT}" = false
[exclusions]
contacts = ["ACME.example", "*.other.example"]
host_domains = ["host1.example", "HOST2.example", "*.host3.example", "st4.example"]
"""


def whole(one: Company) -> None:
    """Do a run after which nothing waits."""
    assert not one.run().is_partial


synced = Stories(lambda company: company(world(), SETTINGS), whole)
otherwise = Stories(
    lambda company: company(
        world(),
        f'[sync.webinars]\n"{LEFT_OUT}" = false\n[ingest]\nonly_in_scope = true\n'
        '[identity]\nsecondary_emails = "attribute"',
    ),
    whole,
)


def attended(*people: str, number: int = ONE, **more: object) -> dict[str, object]:
    """A webinar for which these people registered, and to which they came for half of it."""
    return ran(number, [joined(email, "10:00", "10:30") for email in people], *people, **more)


def ran(number: int, rows: list[dict[str, Any]], *people: str, **more: object) -> dict[str, object]:
    """A webinar for which these people registered, with these connections to its one session."""
    return webinar(
        number,
        registrants=[registrant(email) for email in people],
        instances=[session(f"u{number}==", "10:00", "11:00", rows)],
        **more,
    )


def listed(one: Company, domain: str) -> set[str]:
    """Return the addresses of contacts that end with a domain."""
    return {email for email in one.emails() if email.endswith(domain)}


def held(one: Company, email: str) -> dict[str, Any]:
    """Return what the CRM holds of a contact that must be there."""
    found = one.contact(email)
    assert found is not None
    return found


@pytest.mark.rule("HZ-01", "HZ-11")
@synced
def test_a_registrant_becomes_a_contact_with_metrics_and_a_marketing_event(one: Company) -> Acts:
    one.add(attended("ada@new.example"))
    yield
    found = held(one, "ada@new.example")
    assert found["firstname"] == "Ada"
    assert found["lastname"] == "Example"
    assert found["turnout_source"] == f"Zoom: Topic {ONE}"
    assert (found["turnout_webinars_registered"], found["turnout_webinars_attended"]) == ("1", "1")
    assert found["turnout_avg_attendance_pct"] == "50.00"
    assert one.states(str(ONE)) == {"ada@new.example": "ATTENDED"}
    event = one.event(str(ONE))
    assert event is not None
    assert event["eventName"] == f"Topic {ONE}"


@pytest.mark.rule("HZ-11")
@synced
def test_the_name_of_a_contact_that_exists_is_never_written_over(one: Company) -> Acts:
    one.add(attended("ada@old.example", number=1001), contacts=[contact(11, "ada@old.example")])
    yield
    found = held(one, "ada@old.example")
    assert (found["firstname"], found["lastname"]) == ("Old", "Name")
    assert not found.get("turnout_source")
    assert found["turnout_webinars_attended"] == "1"


def counts_in_nothing(one: Company, number: int, email: str, reason: str) -> None:
    """The webinar has no event, with this reason, and its attendee nothing of it."""
    assert not held(one, email).get("turnout_webinars_registered")
    assert one.event(str(number)) is None
    assert one.verdict(str(number), "marketing_event") == ("excluded", reason)


@pytest.mark.rule("HZ-02")
@synced
def test_a_webinar_out_of_scope_counts_in_nothing(one: Company) -> Acts:
    one.add(attended("ada@off.example", number=OFF), contacts=[contact(12, "ada@off.example")])
    yield
    counts_in_nothing(one, OFF, "ada@off.example", "sync_off_webinar")


@pytest.mark.rule("HZ-02")
def test_a_switch_turned_on_later_publishes_all_that_was_missed_and_fetches_nothing_again(company: Make) -> None:
    own = 1002
    people = {ONE: "ada@x.example", own: "bob@x.example"}
    told = world(
        *(attended(email, number=number) for number, email in people.items()), contacts=[contact(1, "bob@x.example")]
    )
    one = company(told, f'[sync]\nwebinars = false\n[sync.webinars]\n"{own}" = true')
    one.run()
    assert one.emails() == {"bob@x.example"}
    counts_in_nothing(one, own, "bob@x.example", "sync_off_global")
    assert one.verdict(str(ONE), "marketing_event") == ("excluded", "sync_off_global")
    one.set("")
    one.sandbox.clear_requests()
    plan, _ = one.workspace.plan()
    assert plan.total > 0
    asked = [entry for entry in one.sandbox.requests() if entry["vendor"] == "zoom" and "report" in entry["path"]]
    assert asked == []
    one.run()
    for number, email in people.items():
        assert one.states(str(number)) == {email: "ATTENDED"}


@pytest.mark.rule("HZ-02")
@synced
def test_the_switch_of_a_user_concerns_webinars_created_from_then_on(one: Company) -> Acts:
    of_ned = {"host_id": NED["id"], "host_email": NED["email"]}
    one.add(attended("old@users.example", number=1003, **of_ned), hosts=[NED])
    yield
    assert one.states("1003") == {"old@users.example": "ATTENDED"}
    soon = {**of_ned, "day": "2026-11-30", "created_at": later(NOW, minutes=30)}
    one.add(
        webinar(AHEAD, registrants=[registrant("new@users.example")], **soon),
        webinar(AHEAD_ON, registrants=[registrant("own@users.example")], **soon),
    )
    one.sandbox.set_clock(later(NOW, hours=1))
    yield
    assert one.verdict(str(AHEAD), "marketing_event") == ("excluded", "sync_off_webinar")
    assert one.states(str(AHEAD_ON)) == {"own@users.example": "REGISTERED"}


@pytest.mark.rule("HZ-04")
@synced
def test_webinars_of_hosts_with_an_excluded_domain_are_out_of_scope(one: Company) -> Acts:
    hosts = [{**HOST, "id": f"h{at}", "email": f"hana@host{at}.example"} for at in (1, 2, 3, 4)]
    one.add(
        *(
            attended(
                f"ada@guest{at}.example", number=1010 + at, host_id=host["id"], host_email=f"hana@host{at}.example"
            )
            for at, host in enumerate(hosts, 1)
        ),
        hosts=hosts,
    )
    yield
    for at, is_synced in ((1, False), (2, False), (3, True), (4, True)):
        assert (one.contact(f"ada@guest{at}.example") is not None) is is_synced, at
        reason = one.verdict(f"{1010 + at}", "marketing_event")
        assert (reason == ("excluded", "host_domain_excluded")) is not is_synced, at


@pytest.mark.rule("HZ-04")
@synced
def test_an_excluded_address_is_neither_created_nor_updated(one: Company) -> Acts:
    people = ["a@acme.example", "b@eu.acme.example", "c@notacme.example", "d@sub.other.example", "e@other.example"]
    one.add(
        attended(*people, number=1004),
        contacts=[contact(13, "a@acme.example")],
        email_events=[email_event("OPEN", "a@acme.example", 7, "2026-11-01T00:00:00Z")],
    )
    yield
    assert listed(one, "acme.example") == {"a@acme.example", "b@eu.acme.example", "c@notacme.example"}
    assert listed(one, "other.example") == {"e@other.example"}
    found = held(one, "a@acme.example")
    assert not found.get("turnout_webinars_registered")
    assert not found.get("turnout_emails_opened_30d")
    assert set(one.states("1004")) == {"b@eu.acme.example", "c@notacme.example", "e@other.example"}
    assert one.verdict("d@sub.other.example") == ("excluded", "email_excluded")


@pytest.mark.rule("HZ-05")
@synced
def test_a_user_of_the_crm_is_never_created_and_their_zoom_activity_is_not_synced(one: Company) -> Acts:
    people = ("Sam@portal.example", *(f"{name}@portal.example" for name in ("olga", "queue", "gone", "lea")))
    one.add(
        attended(*people, number=1005),
        contacts=[contact(14, "lea@portal.example")],
        email_events=[email_event("OPEN", "lea@portal.example", 7, "2026-11-01T00:00:00Z")],
        owners=[
            {"id": "11", "email": "OLGA@portal.example", "type": "PERSON", "archived": False},
            {"id": "12", "email": "queue@portal.example", "type": "QUEUE", "archived": False},
            {"id": "13", "email": "gone@portal.example", "type": "PERSON", "archived": True},
        ],
        users=[{"id": "1", "email": "sam@portal.example"}, {"id": "2", "email": "lea@portal.example"}],
    )
    yield
    assert listed(one, "portal.example") == {"lea@portal.example", "queue@portal.example", "gone@portal.example"}
    lea = held(one, "lea@portal.example")
    assert (lea["turnout_webinars_registered"], lea["turnout_emails_opened_30d"]) == ("0", "1")
    assert set(one.states("1005")) == {"queue@portal.example", "gone@portal.example"}
    assert one.verdict("sam@portal.example") == ("excluded", "email_of_crm_user")


@pytest.mark.rule("HZ-06")
@synced
def test_a_secondary_address_creates_nothing_and_updates_nothing(one: Company) -> Acts:
    one.add(
        attended("second@twice.example", number=1006),
        contacts=[contact(15, "first@twice.example", properties={"hs_additional_emails": "Second@twice.example"})],
        email_events=[email_event("OPEN", "second@twice.example", 7, "2026-11-01T00:00:00Z")],
    )
    yield
    assert listed(one, "twice.example") == {"first@twice.example"}
    found = held(one, "first@twice.example")
    assert (found["turnout_webinars_attended"], found["turnout_emails_opened_30d"]) == ("0", "1")
    assert one.states("1006") == {}
    assert one.verdict("second@twice.example") == ("excluded", "email_secondary")


@pytest.mark.rule("HZ-06", "HZ-20")
@otherwise
def test_a_secondary_address_can_be_attributed_and_its_time_is_united_with_the_first(one: Company) -> Acts:
    rows = [joined("first@x.example", "10:00", "10:30"), joined("second@x.example", "10:15", "10:45")]
    one.add(
        ran(ONE, rows, "second@x.example", "first@x.example"),
        contacts=[contact(1, "first@x.example", properties={"hs_additional_emails": "second@x.example"})],
    )
    yield
    found = held(one, "first@x.example")
    assert (found["turnout_webinars_registered"], found["turnout_avg_attendance_pct"]) == ("1", "75.00")
    assert one.states(str(ONE)) == {"first@x.example": "ATTENDED"}


@pytest.mark.rule("HZ-07")
@synced
def test_a_deleted_contact_is_never_created_again_until_a_person_restores_it(one: Company) -> Acts:
    gone = contact(16, "ada@gone.example", archived=True, archivedAt="2026-06-01T00:00:00.000Z")
    one.add(attended("ada@gone.example", number=1007), contacts=[gone])
    yield
    assert listed(one, "gone.example") == set()
    assert one.verdict("ada@gone.example") == ("excluded", "contact_deleted")

    def restore(told: dict[str, Any]) -> None:
        contacts = told["hubspot"][0]["contacts"]
        at = next(at for at, row in enumerate(contacts) if row["id"] == gone["id"])
        contacts[at] = contact(16, "ada@gone.example", updatedAt=later(NOW, minutes=30))

    one.change(restore, later(NOW, hours=1))
    yield
    assert one.states("1007") == {"ada@gone.example": "ATTENDED"}


@pytest.mark.rule("HZ-07")
@synced
def test_a_contact_that_we_created_and_somebody_deleted_stays_deleted(one: Company) -> Acts:
    one.add(attended("ada@binned.example", number=1008))
    yield
    ours = held(one, "ada@binned.example")["hs_object_id"]

    def delete(told: dict[str, Any]) -> None:
        (found,) = [row for row in told["hubspot"][0]["contacts"] if row["id"] == ours]
        found |= {"archived": True, "archivedAt": later(NOW, minutes=30), "updatedAt": later(NOW, minutes=30)}

    one.change(delete, later(NOW, hours=1))
    yield
    yield
    assert listed(one, "binned.example") == set()
    assert one.verdict("ada@binned.example") == ("excluded", "contact_deleted")


@pytest.mark.rule("HZ-08")
@synced
def test_a_guest_without_an_address_is_found_by_registrant_id_or_stays_anonymous(one: Company) -> Acts:
    rows = [
        joined("", "10:00", "10:30", registrant_id="r-ada@guests.example"),
        joined("", "10:00", "10:20"),
        joined("", "10:00", "10:20", registrant_id="r-nobody"),
    ]
    one.add(ran(1009, rows, "ada@guests.example"))
    yield
    assert one.states("1009") == {"ada@guests.example": "ATTENDED"}
    counts = "select attended_count, anonymous_connection_count from webinars where webinar_id = 1009"
    assert one.rows(counts) == [(1, 2)]
    told = "select object_key from verdicts where reason = 'participant_without_email'"
    assert [key.partition("|")[0] for (key,) in one.rows(told)] == ["1009", "1009"]


@pytest.mark.rule("HZ-08")
@synced
def test_registrant_id_wins_over_the_address_of_the_row(one: Company) -> Acts:
    one.add(
        ran(
            1010,
            [joined("private@ids.example", "10:00", "10:30", registrant_id="r-ada@ids.example")],
            "ada@ids.example",
        )
    )
    yield
    assert listed(one, "ids.example") == {"ada@ids.example"}


@pytest.mark.rule("HZ-09")
@synced
def test_webinars_of_zoom_events_are_out_of_scope(one: Company) -> Acts:
    one.add(attended("ada@events.example", number=1020, zoom_events=True))
    yield
    assert listed(one, "events.example") == set()
    assert one.verdict("1020", "marketing_event") == ("excluded", "zoom_events")


@pytest.mark.rule("HZ-10")
@synced
def test_addresses_are_trimmed_and_lower_cased_and_nothing_else(one: Company) -> Acts:
    people = [" Ada@Trim.Example ", "a.da@trim.example", "ada+news@trim.example"]
    invalid = ["no-at-sign", "two@@trim.example", "bl ank@trim.example", "@trim.example", "dotless@localhost"]
    one.add(attended(*people, *invalid, number=1021), contacts=[contact(17, "ADA@trim.example")])
    yield
    found = {email.lower() for email in one.emails()}
    trimmed = {"ada@trim.example", "a.da@trim.example", "ada+news@trim.example"}
    assert {email for email in found if email.endswith("trim.example")} == trimmed
    assert not found & set(invalid)
    for email in invalid:
        assert one.verdict(email) == ("excluded", "email_invalid")


@pytest.mark.rule("HZ-04", "HZ-05", "HZ-06", "HZ-10")
@synced
def test_of_several_reasons_the_first_of_their_order_is_told(one: Company) -> Acts:
    one.add(
        attended("tom@acme.example", "second@acme.example", number=1022),
        contacts=[contact(18, "first@x.example", properties={"hs_additional_emails": "second@acme.example"})],
        users=[{"id": "3", "email": "tom@acme.example"}],
    )
    yield
    assert one.verdict("tom@acme.example") == ("excluded", "email_of_crm_user")
    assert one.verdict("second@acme.example") == ("excluded", "email_excluded")


PEOPLE_READ = "select distinct email from stg_zoom__registrants where email like '%@read.example' order by email"


@pytest.mark.rule("HZ-02")
@synced
def test_what_is_out_of_scope_is_read_all_the_same(one: Company) -> Acts:
    one.add(attended("ada@read.example", number=LEFT_OUT), attended("bob@read.example", number=1023))
    yield
    assert listed(one, "read.example") == {"bob@read.example"}
    assert one.rows(PEOPLE_READ) == [("ada@read.example",), ("bob@read.example",)]


@pytest.mark.rule("HZ-02")
@otherwise
def test_what_is_out_of_scope_is_not_read_where_the_settings_say_so(one: Company) -> Acts:
    one.add(attended("ada@read.example", number=LEFT_OUT), attended("bob@read.example", number=1023))
    yield
    assert listed(one, "read.example") == {"bob@read.example"}
    assert one.rows(PEOPLE_READ) == [("bob@read.example",)]
    asked = [entry["path"] for entry in one.sandbox.requests() if str(LEFT_OUT) in entry["path"]]
    assert asked, "the webinar itself is read"
    assert not any("participants" in path or "registrants" in path for path in asked)


@pytest.mark.rule("HZ-03", "HZ-04", "HZ-26")
def test_recordings_have_a_scope_of_their_own(company: Make) -> None:
    hosts = [{**HOST, "id": f"h{at}", "email": f"host@{at}.example"} for at in (1, 2, 3)]
    one = company(world(*(recorded(at, host) for at, host in enumerate(hosts, 1)), users=hosts))
    everything = "[sync]\nrecordings = 'all'\n"
    off = "recording_off"
    for settings, reasons, read in (
        ("", [off, off, off], []),
        (f"{everything}webinars = false", ["sync_off_global"] * 3, []),
        ("[sync]\nrecordings = 'selected'\n[sync.users.'host@1.example']\nrecordings = true", [None, off, off], [1]),
        (f"{everything}[exclusions]\nrecording_domains = ['2.example']", [None, "host_domain_excluded", None], [3]),
    ):
        one.set(settings)
        one.sandbox.clear_requests()
        one.workspace.ingest()
        one.workspace.build()
        told = [(reason, 2) for reason in reasons]
        of_each = "select out_of_scope_reason, file_count from int_recordings order by webinar_id"
        assert one.rows(of_each) == told, settings
        assert one.rows("select count(*) from recordings") == [(reasons.count(None),)]
        verdicts = "select reason from sync_hubspot_recordings order by object_key"
        assert one.rows(verdicts) == [(reason or "not_in_hubspot",) for reason in reasons]
        asked = [entry for entry in one.sandbox.requests() if entry["path"].startswith("/rec/")]
        shown = [(entry["path"].partition("?")[0], entry["status"]) for entry in asked]
        steps = (("download", 302), ("file", 200))
        once = [(f"/rec/{step}/TRANSCRIPT{number}", status) for number in read for step, status in steps]
        assert shown == once, "what was said is read where it may be synced, and nowhere else"


def recorded(number: int, host: dict[str, Any]) -> dict[str, Any]:
    """A webinar of a host, with a recording and what was said."""
    files = [
        {"id": f"{kind}{number}", "file_type": kind, "status": "completed", "recording_end": "2026-11-10T11:00:00Z"}
        for kind in ("MP4", "TRANSCRIPT")
    ]
    share = f"https://zoom.example/rec/{number}"
    told = {"uuid": f"u{number}==", "topic": "Topic", "share_url": share, "recording_files": files}
    there = [joined("ada@x.example", "10:00", "10:30")]
    return webinar(
        number,
        host_id=host["id"],
        host_email=host["email"],
        registrants=[registrant("ada@x.example")],
        instances=[session(f"u{number}==", "10:00", "11:00", there, recordings=told)],
    )


@pytest.mark.rule("HZ-05", "HZ-07", "EV-12")
def test_nothing_is_published_before_it_is_known_who_is_who(company: Make) -> None:
    needed = {"/settings/": "hubspot/users", "/owners": "hubspot/owners", "/objects/": "hubspot/contacts"}
    no = {"vendor": "hubspot", "method": "GET", "kind": "status", "status": 403, "body": {"message": "no"}}
    refused = [{**no, "path": path} for path in needed]
    told = world(attended("sam@portal.example", "ada@x.example"))
    told["hubspot"][0]["users"] = [{"id": "1", "email": "sam@portal.example"}]
    one = company(told)
    for read in range(len(needed)):
        one.sandbox.set_faults({"rules": refused[read:]})
        with pytest.raises(ChecksFailed) as failed:
            one.run()
        lacking = [name for name in needed.values() if f"{name} was never read whole" in str(failed.value)]
        assert lacking == list(needed.values())[read:]
    one.sandbox.set_faults({})
    assert one.emails() == set()
    one.run()
    assert one.emails() == {"ada@x.example"}
    one.sandbox.set_faults({"rules": refused})
    one.run()  # once it was known, a reading that fails later holds up nothing
