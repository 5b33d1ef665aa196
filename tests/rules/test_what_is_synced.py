"""HZ-01 to HZ-11: what reaches the CRM, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipelines.errors import ChecksFailed
from tests.company import Company
from tests.worlds import HOST, NOW, contact, email_event, joined, later, registrant, session, webinar, world

Make = Callable[..., Company]
ONE = 84759841045


def attended(*people: str, number: int = ONE, uuid: str = "u1==", **more: object) -> dict[str, object]:
    """A webinar for which these people registered, and to which they came for half of it."""
    return webinar(
        number,
        registrants=[registrant(email) for email in people],
        instances=[session(uuid, "10:00", "11:00", [joined(email, "10:00", "10:30") for email in people])],
        **more,
    )


@pytest.mark.rule("HZ-01", "HZ-11")
def test_a_registrant_becomes_a_contact_with_metrics_and_a_marketing_event(company: Make) -> None:
    one = company(world(attended("ada@x.example")))
    receipt = one.run()
    assert not receipt.is_partial
    found = one.contact("ada@x.example")
    assert found is not None
    assert found["firstname"] == "Ada"
    assert found["lastname"] == "Example"
    assert found["turnout_source"] == f"Zoom: Topic {ONE}"
    assert (found["turnout_webinars_registered"], found["turnout_webinars_attended"]) == ("1", "1")
    assert found["turnout_avg_attendance_pct"] == "50.00"
    assert one.states(str(ONE)) == {"ada@x.example": "ATTENDED"}
    event = one.event(str(ONE))
    assert event is not None
    assert event["eventName"] == f"Topic {ONE}"


@pytest.mark.rule("HZ-11")
def test_the_name_of_a_contact_that_exists_is_never_written_over(company: Make) -> None:
    one = company(world(attended("ada@x.example"), contacts=[contact(1, "ada@x.example")]))
    one.run()
    found = one.contact("ada@x.example")
    assert found is not None
    assert (found["firstname"], found["lastname"]) == ("Old", "Name")
    assert not found.get("turnout_source")
    assert found["turnout_webinars_attended"] == "1"


@pytest.mark.rule("HZ-02")
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("[sync]\nwebinars = false", "sync_off_global"),
        (f'[sync.webinars]\n"{ONE}" = false', "sync_off_webinar"),
        (f'[sync]\nwebinars = false\n[sync.webinars]\n"{ONE}" = true', "sync_off_global"),
    ],
)
def test_a_webinar_out_of_scope_counts_in_nothing(company: Make, settings: str, reason: str) -> None:
    one = company(world(attended("ada@x.example"), contacts=[contact(1, "ada@x.example")]), settings)
    one.run()
    found = one.contact("ada@x.example")
    assert found is not None
    assert not found.get("turnout_webinars_registered")
    assert one.event(str(ONE)) is None
    assert one.verdict(str(ONE), "marketing_event") == ("excluded", reason)


@pytest.mark.rule("HZ-02")
def test_a_switch_turned_on_later_publishes_all_that_was_missed_and_fetches_nothing_again(company: Make) -> None:
    one = company(world(attended("ada@x.example")), "[sync]\nwebinars = false")
    one.run()
    assert "ada@x.example" not in one.emails()
    one.set("")
    one.sandbox.clear_requests()
    plan, _ = one.workspace.plan()
    assert plan.total > 0
    asked = [entry for entry in one.sandbox.requests() if entry["vendor"] == "zoom" and "report" in entry["path"]]
    assert asked == []
    one.run()
    assert one.states(str(ONE)) == {"ada@x.example": "ATTENDED"}


@pytest.mark.rule("HZ-02")
def test_the_switch_of_a_user_concerns_webinars_created_from_then_on(company: Make) -> None:
    settings = f'[sync.users."{HOST["email"]}"]\nnew_webinars = false'
    one = company(world(attended("old@x.example")), settings)
    one.run()
    assert one.states(str(ONE)) == {"old@x.example": "ATTENDED"}

    def schedule(told: dict) -> None:
        told["zoom"][0]["webinars"] += [
            webinar(
                777_000_111,
                day="2026-11-30",
                created_at=later(NOW, minutes=30),
                registrants=[registrant("new@x.example")],
            ),
            webinar(
                777_000_222,
                day="2026-11-30",
                created_at=later(NOW, minutes=30),
                registrants=[registrant("own@x.example")],
            ),
        ]

    one.set(settings + '\n[sync.webinars]\n"777-000 222" = true')
    one.change(schedule, later(NOW, hours=1))
    one.run()
    assert one.verdict("777000111", "marketing_event") == ("excluded", "sync_off_webinar")
    assert one.states("777000222") == {"own@x.example": "REGISTERED"}


@pytest.mark.rule("HZ-04")
def test_webinars_of_hosts_with_an_excluded_domain_are_out_of_scope(company: Make) -> None:
    one = company(world(attended("ada@x.example")))
    for domain, is_synced in (
        ("host.example", False),
        ("HOST.example", False),
        ("*.host.example", True),
        ("st.example", True),
    ):
        one.set(f'[exclusions]\nhost_domains = ["{domain}"]')
        one.run()
        assert (one.contact("ada@x.example") is not None) is is_synced, domain
        reason = one.verdict(str(ONE), "marketing_event")
        assert (reason == ("excluded", "host_domain_excluded")) is not is_synced


@pytest.mark.rule("HZ-04")
def test_an_excluded_address_is_neither_created_nor_updated(company: Make) -> None:
    people = ["a@acme.example", "b@eu.acme.example", "c@notacme.example", "d@sub.other.example", "e@other.example"]
    one = company(
        world(
            attended(*people),
            contacts=[contact(1, "a@acme.example")],
            email_events=[email_event("OPEN", "a@acme.example", 7, "2026-11-01T00:00:00Z")],
        ),
        '[exclusions]\ncontacts = ["ACME.example", "*.other.example"]',
    )
    one.run()
    assert one.emails() == {"a@acme.example", "b@eu.acme.example", "c@notacme.example", "e@other.example"}
    found = one.contact("a@acme.example")
    assert found is not None
    assert not found.get("turnout_webinars_registered")
    assert not found.get("turnout_emails_opened_30d")
    assert set(one.states(str(ONE))) == {"b@eu.acme.example", "c@notacme.example", "e@other.example"}
    assert one.verdict("d@sub.other.example") == ("excluded", "email_excluded")


@pytest.mark.rule("HZ-05")
def test_a_user_of_the_crm_is_never_created_and_their_zoom_activity_is_not_synced(company: Make) -> None:
    one = company(
        _with_users(
            world(
                attended(
                    "Sam@portal.example",
                    "olga@portal.example",
                    "queue@portal.example",
                    "gone@portal.example",
                    "lea@portal.example",
                ),
                contacts=[contact(1, "lea@portal.example")],
                email_events=[email_event("OPEN", "lea@portal.example", 7, "2026-11-01T00:00:00Z")],
                owners=[
                    {"id": "11", "email": "OLGA@portal.example", "type": "PERSON", "archived": False},
                    {"id": "12", "email": "queue@portal.example", "type": "QUEUE", "archived": False},
                    {"id": "13", "email": "gone@portal.example", "type": "PERSON", "archived": True},
                ],
            )
        )
    )
    one.run()
    assert one.emails() == {"lea@portal.example", "queue@portal.example", "gone@portal.example"}
    lea = one.contact("lea@portal.example")
    assert lea is not None
    assert (lea["turnout_webinars_registered"], lea["turnout_emails_opened_30d"]) == ("0", "1")
    assert set(one.states(str(ONE))) == {"queue@portal.example", "gone@portal.example"}
    assert one.verdict("sam@portal.example") == ("excluded", "email_of_crm_user")


def _with_users(told: dict) -> dict:
    told["hubspot"][0]["users"] = [
        {"id": "1", "email": "sam@portal.example"},
        {"id": "2", "email": "lea@portal.example"},
    ]
    return told


@pytest.mark.rule("HZ-06")
def test_a_secondary_address_creates_nothing_and_updates_nothing(company: Make) -> None:
    told = world(
        attended("second@x.example"),
        contacts=[contact(1, "first@x.example", properties={"hs_additional_emails": "Second@x.example"})],
        email_events=[email_event("OPEN", "second@x.example", 7, "2026-11-01T00:00:00Z")],
    )
    one = company(told)
    one.run()
    assert one.emails() == {"first@x.example"}
    found = one.contact("first@x.example")
    assert found is not None
    assert (found["turnout_webinars_attended"], found["turnout_emails_opened_30d"]) == ("0", "1")
    assert one.states(str(ONE)) == {}
    assert one.verdict("second@x.example") == ("excluded", "email_secondary")


@pytest.mark.rule("HZ-06", "HZ-20")
def test_a_secondary_address_can_be_attributed_and_its_time_is_united_with_the_first(company: Make) -> None:
    told = world(
        webinar(
            ONE,
            registrants=[registrant("second@x.example"), registrant("first@x.example")],
            instances=[
                session(
                    "u1==",
                    "10:00",
                    "11:00",
                    [joined("first@x.example", "10:00", "10:30"), joined("second@x.example", "10:15", "10:45")],
                )
            ],
        ),
        contacts=[contact(1, "first@x.example", properties={"hs_additional_emails": "second@x.example"})],
    )
    one = company(told, '[identity]\nsecondary_emails = "attribute"')
    one.run()
    found = one.contact("first@x.example")
    assert found is not None
    assert (found["turnout_webinars_registered"], found["turnout_avg_attendance_pct"]) == ("1", "75.00")
    assert one.states(str(ONE)) == {"first@x.example": "ATTENDED"}


@pytest.mark.rule("HZ-07")
def test_a_deleted_contact_is_never_created_again_until_a_person_restores_it(company: Make) -> None:
    gone = contact(1, "ada@x.example", archived=True, archivedAt="2026-06-01T00:00:00.000Z")
    one = company(world(attended("ada@x.example"), contacts=[gone]))
    one.run()
    assert one.emails() == set()
    assert one.verdict("ada@x.example") == ("excluded", "contact_deleted")

    def restore(told: dict) -> None:
        told["hubspot"][0]["contacts"] = [contact(1, "ada@x.example", updatedAt=later(NOW, minutes=30))]

    one.change(restore, later(NOW, hours=1))
    one.run()
    assert one.states(str(ONE)) == {"ada@x.example": "ATTENDED"}


@pytest.mark.rule("HZ-07")
def test_a_contact_that_we_created_and_somebody_deleted_stays_deleted(company: Make) -> None:
    one = company(world(attended("ada@x.example")))
    one.run()

    def delete(told: dict) -> None:
        for found in told["hubspot"][0]["contacts"]:
            found |= {"archived": True, "archivedAt": later(NOW, minutes=30), "updatedAt": later(NOW, minutes=30)}

    one.change(delete, later(NOW, hours=1))
    one.run()
    one.run()
    assert one.emails() == set()
    assert one.verdict("ada@x.example") == ("excluded", "contact_deleted")


@pytest.mark.rule("HZ-08")
def test_a_guest_without_an_address_is_found_by_registrant_id_or_stays_anonymous(company: Make) -> None:
    rows = [
        joined("", "10:00", "10:30", registrant_id="r-ada@x.example"),
        joined("", "10:00", "10:20"),
        joined("", "10:00", "10:20", registrant_id="r-nobody"),
    ]
    one = company(
        world(
            webinar(ONE, registrants=[registrant("ada@x.example")], instances=[session("u1==", "10:00", "11:00", rows)])
        )
    )
    one.run()
    assert one.states(str(ONE)) == {"ada@x.example": "ATTENDED"}
    assert one.rows("select attended_count, anonymous_connection_count from webinars") == [(1, 2)]
    assert one.rows("select count(*) from verdicts where reason = 'participant_without_email'") == [(2,)]


@pytest.mark.rule("HZ-08")
def test_registrant_id_wins_over_the_address_of_the_row(company: Make) -> None:
    rows = [joined("private@x.example", "10:00", "10:30", registrant_id="r-ada@x.example")]
    one = company(
        world(
            webinar(ONE, registrants=[registrant("ada@x.example")], instances=[session("u1==", "10:00", "11:00", rows)])
        )
    )
    one.run()
    assert one.emails() == {"ada@x.example"}


@pytest.mark.rule("HZ-09")
def test_webinars_of_zoom_events_are_out_of_scope(company: Make) -> None:
    one = company(world(attended("ada@x.example", zoom_events=True)))
    one.run()
    assert one.emails() == set()
    assert one.verdict(str(ONE), "marketing_event") == ("excluded", "zoom_events")


@pytest.mark.rule("HZ-10")
def test_addresses_are_trimmed_and_lower_cased_and_nothing_else(company: Make) -> None:
    people = [
        " Ada@X.Example ",
        "a.da@x.example",
        "ada+news@x.example",
        "no-at-sign",
        "two@@x.example",
        "bl ank@x.example",
        "@x.example",
        "dotless@localhost",
    ]
    one = company(world(attended(*people), contacts=[contact(1, "ADA@x.example")]))
    one.run()
    assert {email.lower() for email in one.emails()} == {"ada@x.example", "a.da@x.example", "ada+news@x.example"}
    for invalid in ("no-at-sign", "two@@x.example", "bl ank@x.example", "@x.example", "dotless@localhost"):
        assert one.verdict(invalid) == ("excluded", "email_invalid")


@pytest.mark.rule("HZ-04", "HZ-05", "HZ-06", "HZ-10")
def test_of_several_reasons_the_first_of_their_order_is_told(company: Make) -> None:
    told = world(
        attended("sam@acme.example", "second@acme.example"),
        contacts=[contact(1, "first@x.example", properties={"hs_additional_emails": "second@acme.example"})],
    )
    told["hubspot"][0]["users"] = [{"id": "1", "email": "sam@acme.example"}]
    one = company(told, '[exclusions]\ncontacts = ["acme.example"]')
    one.run()
    assert one.verdict("sam@acme.example") == ("excluded", "email_of_crm_user")
    assert one.verdict("second@acme.example") == ("excluded", "email_excluded")


@pytest.mark.rule("HZ-02")
def test_what_is_out_of_scope_is_read_all_the_same_unless_the_settings_say_otherwise(company: Make) -> None:
    told = world(attended("ada@x.example"), attended("bob@x.example", number=777_000_111, uuid="u2=="))
    switch = f'[sync.webinars]\n"{ONE}" = false\n'
    wide, narrow = company(told, switch), company(told, switch + "[ingest]\nonly_in_scope = true")
    for one in (wide, narrow):
        one.run()
        assert one.emails() == {"bob@x.example"}
    people = "select distinct email from stg_zoom__registrants order by email"
    assert wide.rows(people) == [("ada@x.example",), ("bob@x.example",)]
    assert narrow.rows(people) == [("bob@x.example",)]
    asked = [entry["path"] for entry in narrow.sandbox.requests() if str(ONE) in entry["path"] or "u1" in entry["path"]]
    assert not any("participants" in path or "registrants" in path for path in asked)


@pytest.mark.rule("HZ-03", "HZ-04", "HZ-26")
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("", "recording_off"),
        ('[sync]\nrecordings = "all"', None),
        ('[sync]\nrecordings = "selected"', "recording_off"),
        (f'[sync]\nrecordings = "selected"\n[sync.users."{HOST["email"]}"]\nrecordings = true', None),
        ('[sync]\nrecordings = "all"\n[exclusions]\nrecording_domains = ["host.example"]', "host_domain_excluded"),
        ('[sync]\nwebinars = false\nrecordings = "all"', "sync_off_global"),
    ],
)
def test_recordings_have_a_scope_of_their_own(company: Make, settings: str, reason: str | None) -> None:
    files = [
        {"id": kind, "file_type": kind, "status": "completed", "recording_end": "2026-11-10T11:00:00Z"}
        for kind in ("MP4", "TRANSCRIPT")
    ]
    recorded = {"uuid": "u1==", "topic": "Topic", "share_url": "https://zoom.example/rec/1", "recording_files": files}
    told = webinar(
        ONE,
        registrants=[registrant("ada@x.example")],
        instances=[session("u1==", "10:00", "11:00", [joined("ada@x.example", "10:00", "10:30")], recordings=recorded)],
    )
    one = company(world(told), settings)
    one.workspace.ingest()
    one.workspace.build()
    assert one.rows("select out_of_scope_reason, file_count from int_recordings") == [(reason, 2)]
    assert one.rows("select count(*) from recordings") == [(int(reason is None),)]
    assert one.rows("select reason from sync_hubspot_recordings") == [(reason or "not_in_hubspot",)]
    asked = [request["status"] for request in one.sandbox.requests() if request["path"].startswith("/rec/")]
    assert asked == ([] if reason else [302, 200]), "what was said is read where it may be synced, and nowhere else"


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
