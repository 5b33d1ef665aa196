"""Activities: when each of the thirteen types occurred, whose it is, and under which name it goes for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.settings import ACTIVITY_TYPES, Settings
from tests.sql.telling import AS_OF, CREATED, HAPPENED, OPENED, Row, Told


@pytest.fixture
def told(tmp_path: Path) -> Told:
    made = Told(tmp_path)
    for number in (1, 2, 3):
        made.contact(number)
    return made


@pytest.mark.rule("HS-01")
@pytest.mark.parametrize(
    ("kind", "activity_type", "properties", "occurred_at"),
    [
        ("calls", "call_made", {"hs_call_title": "What"}, HAPPENED),
        (
            "emails",
            "sales_email_sent",
            {"hs_email_subject": "What", "hs_email_direction": "EMAIL", "hs_email_status": "SENT"},
            HAPPENED,
        ),
        ("meetings", "meeting_scheduled", {"hs_meeting_title": "What"}, CREATED),
        ("notes", "note_created", {"hs_note_body": "<p>What</p><p>else &amp; more</p>"}, CREATED),
        ("tasks", "task_created", {"hs_task_subject": "What"}, CREATED),
    ],
)
def test_when_what_is_logged_in_hubspot_occurred(
    told: Told, kind: str, activity_type: str, properties: Row, occurred_at: datetime
) -> None:
    told.engagement(kind, 900, [2, 1], OPENED, hubspot_owner_id="44", turnout_id="ours", **properties)
    found = told.build()
    assert list(found) == [f"{activity_type}:77:900"]
    row = found[f"{activity_type}:77:900"]
    assert (row["activity_type"], row["portal_id"], row["source_id"]) == (activity_type, "77", "900")
    assert (row["occurred_at"], row["subject"]) == (occurred_at, "What")
    assert (row["contact_ids"], row["company_ids"], row["deal_ids"]) == ([1, 2], [51, 52], [61])
    assert (row["hubspot_owner_id"], row["turnout_id"]) == ("44", "ours")
    assert (row["is_deleted"], row["is_bot"], row["email_key"]) == (False, False, None)
    assert row["body"] == ("What\nelse & more" if kind == "notes" else None)


@pytest.mark.rule("HS-01")
@pytest.mark.parametrize(
    ("direction", "status", "is_there"),
    [
        ("EMAIL", "SENT", True),
        ("EMAIL", "BOUNCED", False),
        ("EMAIL", "SCHEDULED", False),
        ("INCOMING_EMAIL", "SENT", False),
        ("FORWARDED_EMAIL", "SENT", False),
    ],
)
def test_a_sales_email_counts_once_it_was_sent_and_none_that_came_in(
    told: Told, direction: str, status: str, is_there: bool
) -> None:
    told.engagement("emails", 900, [1], hs_email_direction=direction, hs_email_status=status)
    assert len(told.build()) == is_there


def test_a_call_says_how_long_it_was_and_how_it_ended(told: Told) -> None:
    told.engagement(
        "calls",
        900,
        [1],
        hs_call_body="Wants <b>a</b> demo.<br>Soon: 1 < 2",
        hs_call_duration="125000",
        hs_call_disposition="73A0D17F-1163-4015-BDD5-EC830791DA20",
    )
    row = told.build()["call_made:77:900"]
    assert row["subject"] == "Call"
    assert row["body"] == "Wants a demo.\nSoon: 1 < 2\nDuration: 2 min 5 s\nOutcome: no answer"


@pytest.mark.rule("HS-01")
@pytest.mark.parametrize(
    ("name", "activity_type"),
    [
        ("hs_sales_email_last_opened", "sales_email_opened"),
        ("hs_sales_email_last_clicked", "sales_email_clicked"),
        ("hs_document_last_revisited", "sales_content_viewed"),
    ],
)
def test_each_entry_of_a_history_is_an_activity(told: Told, name: str, activity_type: str) -> None:
    moments = [OPENED, OPENED + timedelta(milliseconds=1), OPENED]
    told.contact(1, OPENED, touches={name: moments})
    found = told.build()
    assert sorted(row["occurred_at"] for row in found.values()) == moments[:2]
    assert {row["activity_type"] for row in found.values()} == {activity_type}
    assert [row["contact_ids"] for row in found.values()] == [[1], [1]]
    assert f"{activity_type}:77:1:{round(OPENED.timestamp() * 1_000_000)}" in found


@pytest.mark.rule("HS-01")
def test_each_open_and_click_of_a_marketing_email_is_one_and_bots_are_marked(told: Told) -> None:
    sent = {"id": "s", "created": int(HAPPENED.timestamp() * 1000)}
    told.email("SENT", "s", HAPPENED, "C1@x.example ", subject="News")
    told.email("OPEN", "o1", OPENED, "c1@x.example", sentBy=sent)
    told.email("OPEN", "o2", OPENED, "c1@x.example", sentBy=sent, filteredEvent=True)
    told.email("CLICK", "k", OPENED, "c1@x.example", sentBy=sent, url="https://x.example/a")
    told.email("DELIVERED", "d", OPENED, "c1@x.example")
    found = told.build()
    created, opened = round(HAPPENED.timestamp() * 1000), round(OPENED.timestamp() * 1000)
    assert found.keys() == {
        f"marketing_email_sent:77:{created}:s",
        f"marketing_email_opened:77:{opened}:o1",
        f"marketing_email_opened:77:{opened}:o2",
        f"marketing_email_clicked:77:{opened}:k",
    }
    assert {row["source_id"] for row in found.values() if row["is_bot"]} == {"o2"}
    assert {(row["subject"], row["email_campaign_id"], *row["contact_ids"]) for row in found.values()} == {
        ("News", 5, 1)
    }
    assert {row["source_id"]: row["body"] for row in found.values()}["k"] == "https://x.example/a"
    assert {row["source_id"]: row["occurred_at"] for row in found.values()}["o1"] == OPENED


@pytest.mark.rule("HS-01")
def test_an_event_delivered_twice_is_one_even_if_it_says_more_the_second_time(told: Told) -> None:
    told.email("CLICK", "k", OPENED, "c1@x.example", url="https://x.example/a")
    first = told.build()
    told.email("CLICK", "k", OPENED, "c1@x.example", url="https://x.example/b")
    second = told.build()
    assert first.keys() == second.keys()
    assert [row["body"] for row in second.values()] == ["https://x.example/b"]


@pytest.mark.rule("HS-07")
def test_an_open_of_a_forwarded_email_is_of_whom_it_was_first_sent_to(told: Told) -> None:
    sent = {"id": "s", "created": int(HAPPENED.timestamp() * 1000)}
    told.email("OPEN", "o", OPENED, "c2@x.example", sentBy=sent)
    told.email("OPEN", "alone", OPENED, "c3@x.example")
    by_source = {row["source_id"]: row["contact_ids"] for row in told.build().values()}
    assert by_source == {"o": [2], "alone": [3]}
    told.email("SENT", "s", HAPPENED, "c1@x.example")
    later = {row["source_id"]: row["contact_ids"] for row in told.build().values()}
    assert later == {"s": [1], "o": [1], "alone": [3]}


def test_an_open_has_the_subject_under_which_the_email_was_sent_however_late_that_is_known(told: Told) -> None:
    told.email("OPEN", "o", OPENED, "c2@x.example")
    assert [row["subject"] for row in told.build().values()] == [None]
    told.email("SENT", "s", HAPPENED, "c1@x.example", subject="News")
    assert [row["subject"] for row in told.build().values()] == ["News", "News"]


@pytest.mark.rule("HS-01", "HZ-06")
def test_a_form_is_of_the_contact_that_has_its_address_even_as_a_second_one(told: Told) -> None:
    told.contact(1, OPENED, hs_additional_emails="other@x.example")
    told.tell("hubspot/forms", "f", {"name": "Trial"})
    values = [
        {"name": "email", "value": "Other@x.example"},
        {"name": "size", "value": "9"},
        {"name": "no", "value": ""},
    ]
    body = {"conversionId": "abc", "pageUrl": "https://x.example/form", "values": values}
    told.tell("hubspot/form_submissions", "abc", body, HAPPENED, scope="f")
    found = told.build()
    row = found["form_submission:77:abc"]
    assert (row["occurred_at"], row["contact_ids"], row["subject"]) == (HAPPENED, [1], "Trial")
    assert row["body"] == "https://x.example/form\nemail: Other@x.example\nsize: 9"
    told.tell("hubspot/forms", "f", {"name": "Demo"}, HAPPENED)
    assert [row["subject"] for row in told.build().values()] == ["Demo"]
    told.tell("hubspot/form_submissions", "abc", body | {"again": True}, HAPPENED, scope="f")
    assert [row["body"] for row in told.build().values()] == [row["body"]]


def webinar(told: Told, address: str = "c1@x.example") -> None:
    """Tell a webinar for which somebody registered, and who came for 30 of its 60 minutes."""
    start = datetime(2026, 11, 3, 15, tzinfo=UTC)
    told.tell(
        "zoom/webinars",
        "101",
        {
            "topic": "Forecasting",
            "type": 5,
            "start_time": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "duration": 60,
            "created_at": CREATED.isoformat(),
            "join_url": "https://zoom.example/101",
            "settings": {"approval_type": 0, "registration_type": 1},
        },
    )
    told.tell(
        "zoom/instances",
        "s==",
        {
            "topic": "Forecasting",
            "start_time": start.isoformat(),
            "end_time": (start + timedelta(minutes=60)).isoformat(),
        },
        start + timedelta(hours=2),
        scope="101",
    )
    told.tell(
        "zoom/registrants",
        "101|r1",
        {"email": address, "status": "approved", "create_time": HAPPENED.isoformat()},
        HAPPENED,
        scope="101",
    )
    told.tell(
        "zoom/participants",
        "s==|0",
        {
            "user_email": address,
            "name": "C",
            "join_time": (start + timedelta(minutes=10)).isoformat(),
            "leave_time": (start + timedelta(minutes=40)).isoformat(),
            "registrant_id": "r1",
            "status": "in_meeting",
        },
        start + timedelta(hours=2),
        scope="s==",
    )


@pytest.mark.rule("HS-01", "HZ-02", "HZ-04")
@pytest.mark.parametrize(
    ("entries", "is_there"),
    [
        ({}, True),
        ({"sync": {"webinars": False}}, False),
        ({"exclusions": {"contacts": ["c1@x.example"]}}, False),
    ],
)
def test_a_registration_and_an_attendance_are_activities_of_webinars_that_are_published(
    told: Told, entries: Row, is_there: bool
) -> None:
    webinar(told)
    told.engagement("notes", 900, [1])
    found = told.build()
    assert len(found) == 3
    told.tell("turnout/settings", "settings", Settings(**entries).meaning() | {"n": 1}, OPENED, account="turnout")
    found = told.build()
    assert "note_created:77:900" in found, "exclusions and scope stop nothing but webinars"
    events = sorted(
        (one for one in found.values() if one["activity_type"] == "integration_event"), key=lambda r: r["body"]
    )
    assert len(events) == 2 * is_there
    for row, occurred_at, body in zip(
        events,
        [datetime(2026, 11, 3, 15, 10, tzinfo=UTC), HAPPENED],
        [
            "Attended the webinar\nJoined: 2026-11-03 15:10 UTC\nLeft: 2026-11-03 15:40 UTC\nAttended: 30 of 60 min",
            "Registered for the webinar",
        ],
        strict=False,
    ):
        assert (row["occurred_at"], row["body"]) == (occurred_at, body)
        assert (row["subject"], row["contact_ids"], row["portal_id"]) == ("Forecasting", [1], None)


@pytest.mark.rule("HS-01")
def test_somebody_who_becomes_a_contact_keeps_the_names_of_their_activities(told: Told) -> None:
    webinar(told, "c9@x.example")
    told.email("OPEN", "o", OPENED, "c9@x.example")
    before = told.build()
    assert [row["contact_ids"] for row in before.values()] == [[], [], []]
    told.contact(9, OPENED)
    after = told.build()
    assert after.keys() == before.keys()
    assert [row["contact_ids"] for row in after.values()] == [[9], [9], [9]]


def test_an_archived_contact_is_of_no_activity_until_it_is_back(told: Told) -> None:
    touches = {"hs_sales_email_last_opened": [HAPPENED]}
    told.contact(1, OPENED, archived=True, touches=touches)
    told.engagement("calls", 900, [1, 2])
    assert sorted(row["contact_ids"] for row in told.build().values()) == [[], [2]]
    told.contact(1, OPENED + timedelta(hours=1), touches=touches)
    assert sorted(row["contact_ids"] for row in told.build().values()) == [[1], [1, 2]]
    told.contact(3, OPENED + timedelta(hours=2), hs_merged_object_ids="1")
    assert sorted(row["contact_ids"] for row in told.build().values()) == [[2, 3], [3]]
    told.contact(3, OPENED + timedelta(hours=3), archived=True, hs_merged_object_ids="1")
    assert sorted(row["contact_ids"] for row in told.build().values()) == [[], [2]]


@pytest.mark.rule("HS-01")
def test_a_merger_moves_activities_and_makes_none(told: Told) -> None:
    touches = {"hs_sales_email_last_opened": [OPENED]}
    told.contact(1, OPENED, touches=touches)
    told.engagement("calls", 900, [1, 2])
    told.email("OPEN", "o", OPENED, "c1@x.example")
    before = told.build()
    assert [row["contact_ids"] for row in before.values()].count([1]) == 2
    for winner, loser, addresses in ((2, "1", "c1@x.example"), (3, "2", "c1@x.example;c2@x.example")):
        told.contact(
            winner,
            OPENED + timedelta(hours=winner),
            hs_merged_object_ids=loser,
            hs_additional_emails=addresses,
            touches=touches,
        )
        told.tell("hubspot/contacts", loser, None, OPENED + timedelta(hours=winner), kind="absent")
        after = told.build()
        assert after.keys() == before.keys()
        assert [row["contact_ids"] for row in after.values()] == [[winner]] * 3


def test_mergers_that_lead_in_a_circle_leave_nobody(told: Told) -> None:
    told.engagement("calls", 900, [1, 2])
    told.contact(1, OPENED, hs_merged_object_ids="2", touches={"hs_sales_email_last_opened": [OPENED]})
    told.contact(2, OPENED, hs_merged_object_ids="1")
    assert [row["contact_ids"] for row in told.build().values()] == [[], []]


@pytest.mark.parametrize("how", ["archived", "absent"])
def test_what_was_deleted_is_still_there_and_marked_until_it_comes_back(told: Told, how: str) -> None:
    told.engagement("calls", 900, [1], hs_call_title="What")
    assert told.build()["call_made:77:900"]["is_deleted"] is False
    if how == "archived":
        told.engagement("calls", 900, [], HAPPENED, hs_call_title="What", archived=True)
    else:
        told.tell("hubspot/calls", "900", None, HAPPENED, kind="absent")
    gone = told.build()["call_made:77:900"]
    assert (gone["is_deleted"], gone["subject"], gone["occurred_at"]) == (True, "What", HAPPENED)
    told.engagement("calls", 900, [1], OPENED, hs_call_title="What")
    assert told.build()["call_made:77:900"]["is_deleted"] is False


def test_a_state_that_comes_late_changes_nothing_but_a_later_moment_does(told: Told) -> None:
    told.engagement("calls", 900, [1], OPENED, hs_call_title="New")
    told.engagement("calls", 900, [2], HAPPENED, hs_call_title="Old")
    assert told.build()["call_made:77:900"]["subject"] == "New"
    assert told.build(HAPPENED)["call_made:77:900"]["contact_ids"] == [2]
    assert told.build(AS_OF)["call_made:77:900"]["contact_ids"] == [1]


@pytest.mark.rule("HS-01", "EV-13")
def test_the_settings_of_each_type_are_those_in_force(told: Told) -> None:
    told.build()
    defaults = {row["activity_type"]: row for row in told.rows("int_activity_settings")}
    assert list(sorted(defaults)) == sorted(ACTIVITY_TYPES)
    assert {(row["is_synced"], row["task_type"], row["is_bot_included"]) for row in defaults.values()} == {
        (True, "", False)
    }
    assert {(row["since_at"], row["portal_time_zone"]) for row in defaults.values()} == {(None, "UTC")}
    entries: Row = {
        "since": HAPPENED,
        "bots": "include",
        "time_zone": "Europe/Paris",
        "call_made": {"sync": False, "task_type": "Call"},
    }
    told.tell("turnout/settings", "settings", Settings(activities=entries).meaning(), OPENED, account="turnout")
    told.build()
    found = {row["activity_type"]: row for row in told.rows("int_activity_settings")}
    assert (found["call_made"]["is_synced"], found["call_made"]["task_type"]) == (False, "Call")
    assert (found["note_created"]["is_synced"], found["note_created"]["task_type"]) == (True, "")
    assert {(row["since_at"], row["is_bot_included"], row["portal_time_zone"]) for row in found.values()} == {
        (HAPPENED, True, "Europe/Paris")
    }
    told.build(OPENED - timedelta(seconds=1))
    assert all(row["is_synced"] for row in told.rows("int_activity_settings"))


ODD = ["infinity", "9223372036854775807", "300000-01-01T00:00:00Z", "soon", ""]


@pytest.mark.parametrize("odd", ODD)
def test_a_moment_that_is_none_falls_back_to_when_it_was_told(told: Told, odd: str) -> None:
    for kind, number in (("calls", 900), ("notes", 901)):
        body = {"createdAt": odd, "properties": {"hs_timestamp": odd}, "associations": {"contacts": ["1", odd]}}
        told.tell(f"hubspot/{kind}", str(number), body, OPENED)
    histories = {"hs_sales_email_last_opened": [{"value": odd}, {"value": str(round(OPENED.timestamp() * 1000))}]}
    body = {"properties": {"email": "c1@x.example"}, "propertiesWithHistory": histories}
    told.tell("hubspot/contacts", "1", body, OPENED)
    found = told.build()
    assert len(found) == 3
    assert {row["activity_type"]: (row["occurred_at"], row["contact_ids"]) for row in found.values()} == {
        "call_made": (OPENED, [1]),
        "note_created": (OPENED, [1]),
        "sales_email_opened": (OPENED, [1]),
    }
