"""Zoom's portal CSVs: every layout gives the same records, a broken row costs itself, a second import nothing."""

# ruff: noqa: E501 (lines of CSV are as long as Zoom makes them)

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import ReportError, UsageError
from pipelines.events import iso
from pipelines.imports.zoom_report import ImportReceipt, import_reports, reading
from pipelines.imports.zoom_report.times import zone
from pipelines.log import Log
from pipelines.run import Workspace

PARIS = "Europe/Paris"
ATTENDEE_2020 = """\
Attendee Report,
Report Generated:,"Apr 09, 2020 8:50 PM"
Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),# Registered,# Cancelled,Unique Viewers,Total Users,Max Concurrent Views
"Pipes, and more",328-972-509,"Mar 27, 2020 8:07 AM", 60, 4, 0,2,5,
Host Details,
Attended,User Name,Email,Join Time,Leave Time,Time in Session (minutes),Country/Region Name
Yes,Hana Host,Hana@Acme.com,"Mar 27, 2020 08:07:27","Mar 27, 2020 09:06:45",60,France
Panelist Details,
"Attended","User Name","Email","Join Time","Leave Time","Time in Session (minutes)","Country/Region Name"
"Yes","Pia Panel","pia@acme.com","Mar 27, 2020 08:10:00","Mar 27, 2020 09:00:00",50,"France"
"No","Paul Panel","paul@acme.com","--","--","--","--"
Attendee Details,
Attended,First Name,Last Name,Email,Registration Time,Approval Status,Join Time,Leave Time,Time in Session (minutes),Country/Region Name
Yes,Ada,Lovelace,Ada@Example.com,"Mar 20, 2020 09:00:01",approved,"Mar 27, 2020 08:20:00","Mar 27, 2020 08:40:00",20,France
Yes,Ada,Lovelace,ada@example.com,NA,NA,"Mar 27, 2020 08:30:00","Mar 27, 2020 08:50:00",20,France
Yes,Bob,,bob@example.com,"Mar 21, 2020 09:00:00",upgraded to panelist,"Mar 27, 2020 08:20:00","Mar 27, 2020 08:20:05",1,France
No,Cy,Cole,cy@example.com,"Mar 22, 2020 09:00:00",pending,--,--,--,--
No,Di,Dean,di@example.com,"Mar 22, 2020 09:00:00",cancelled by host,--,--,--,--
Other Attended,
User Name,Join Time,Leave Time,Time in Session (minutes),Country/Region Name
33612345678,"Mar 27, 2020 8:20 AM","Mar 27, 2020 8:21 AM",1,France
"""
ATTENDEE_2026 = '''\
Attendee Report
Report generated time,08/09/2026 02:31:08 PM
Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),# Registrants,# Cancelled registrants,Unique Viewers,Total Users
Workshop,847 0000 1045,"08/09/2026 10:45:00 AM",225,2,0,1,2
Attendee Details
Attended,User Name (Original Name),First Name,Last Name,Email,Phone,Registration Time,Approval Status,Join Time,Leave Time,Time in Session (minutes),Is Guest,"Role, if ""other"" say which",Country/Region Name,Source Name
Yes,Cy (Cyrus),Cy,Person,cy@example.com,'+4912,"08/08/2026 09:00:00 PM",approved,"08/09/2026 10:50:00 AM","08/09/2026 02:29:00 PM",219,No,"Buyer
of ""pipes""",India,newsletter,,,
No,No Show,No,Show,noshow@example.com,,"08/08/2026 09:00:00 PM",approved
'''
MEETING = """\
Meeting ID,Topic,Start Time,End Time,User Email,Duration (Minutes),Participants,
982 1234 5678,Weekly,01/21/2021 08:58:30 PM,01/21/2021 10:17:06 PM,hana@acme.com,79,3,

Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes),Guest,Recording Consent,In Waiting Room
Hana Host,hana@acme.com,01/21/2021 08:58:30 PM,01/21/2021 10:17:06 PM,79,No,,No
Ada,ada@example.com,01/21/2021 09:00:00 PM,01/21/2021 10:00:00 PM,60,Yes,Y,No
Ada,ada@example.com,01/21/2021 08:58:40 PM,01/21/2021 09:00:00 PM,2,Yes,,Yes
"""
FLAT = """\
Name (original name),Email,Join time,Leave time,Duration (minutes),Guest,Recording disclaimer response,In waiting room
Test One,a@example.com,09/09/2026 07:02:00 PM,09/09/2026 08:31:00 PM,89,Yes,,No
Test Two,,09/09/2026 07:05:00 PM,09/09/2026 08:30:00 PM,85,Yes,,No
"""
REGISTRATION = """\
Registration Report
Report Generated:,"May 10, 2026 8:50 PM"
Topic,Webinar ID,Scheduled Time,Duration (minutes),# Registered
Workshop,847 0000 1045,"Aug 9, 2026 10:45 AM",60,2
Attendee Details
First Name,Last Name,Email,Company,Registration Time,Approval Status
Cy,Person,CY@example.com,Acme,"May 8, 2026 21:00",approved
Di,Dean,di@example.com,,"May 9, 2026 21:00",denied
"""
HEADER = "Attended,User Name (Original Name),Email,Join Time,Leave Time,Time in Session (minutes)"
TOP = f"""\
Attendee Report
Topic,Webinar ID,Actual Start Time,Actual Duration (minutes)
Workshop,84700001045,05/12/2026 09:00:00 AM,120
Attendee Details
{HEADER}
"""
GOOD = "Yes,Ada,ada@example.com,05/12/2026 09:00:00 AM,05/12/2026 09:30:00 AM,30\n"

Import = Callable[..., ImportReceipt]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "home")


@pytest.fixture
def take_in(tmp_path: Path, log: Log) -> Import:
    """Write a text as a file, and import it."""

    def write_and_import(text: str | bytes, timezone: str = PARIS, name: str = "report.csv") -> ImportReceipt:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return import_reports([path], timezone, log, run="r1")[0]

    return write_and_import


def rows(log: Log, stream: str) -> list[dict[str, Any]]:
    return list(log.latest("zoom", stream, "report").values())


def spans(log: Log) -> list[tuple[str, str, str, str]]:
    """Return who was in from when to when, as what."""
    return sorted(
        (row["user_email"] or row["name"], row["join_time"][11:19], (row["leave_time"] or "")[11:19], row["role"])
        for row in rows(log, "participants")
    )


def reasons(receipt: ImportReceipt) -> list[tuple[int, str]]:
    return [(line, reason) for line, reason, _ in receipt.set_aside]


def test_an_attendee_report_of_2020_gives_its_session_connections_registrants_and_panelists(
    log: Log, take_in: Import
) -> None:
    receipt = take_in(ATTENDEE_2020)
    assert reasons(receipt) == []
    assert receipt.told() | {"file": ""} == {
        "file": "",
        "webinar_id": "328972509",
        "topic": "Pipes, and more",
        "start": "2020-03-27T07:07:27.000Z",
        "end": "2020-03-27T08:06:45.000Z",
        "attendee_rows": 5,
        "people": 2,
        "registrants": 4,
        "panelist_rows": 2,
        "host_rows": 1,
        "other_rows": 1,
        "appended": 6 + 4 + 2 + 1,
        "problem": None,
        "notes": [],
        "set_aside": [],
    }
    sessions = log.latest("zoom", "instances", "report")
    assert list(sessions) == ["report:328972509:2020-03-27T07:07:00Z"]
    session = sessions["report:328972509:2020-03-27T07:07:00Z"]
    assert session["host_email"] == "hana@acme.com"
    assert session["origin"] == "report"
    assert session["row"]["Actual Duration (minutes)"] == " 60"
    assert spans(log) == [
        ("33612345678", "07:20:00", "07:21:00", "other"),
        ("ada@example.com", "07:20:00", "07:40:00", "attendee"),
        ("ada@example.com", "07:30:00", "07:50:00", "attendee"),
        ("bob@example.com", "07:20:00", "07:20:05", "attendee"),
        ("hana@acme.com", "07:07:27", "08:06:45", "host"),
        ("pia@acme.com", "07:10:00", "08:00:00", "panelist"),
    ]
    registrants = {row["email"]: row for row in rows(log, "registrants")}
    assert {email: (row["status"], row["create_time"]) for email, row in registrants.items()} == {
        "ada@example.com": ("approved", "2020-03-20T08:00:01Z"),
        "bob@example.com": ("approved", "2020-03-21T08:00:00Z"),
        "cy@example.com": ("pending", "2020-03-22T08:00:00Z"),
        "di@example.com": ("cancelled", "2020-03-22T08:00:00Z"),
    }
    assert registrants["ada@example.com"]["first_name"] == "Ada"
    ids = {row["user_email"]: row.get("registrant_id") for row in rows(log, "participants")}
    assert ids["ada@example.com"] == registrants["ada@example.com"]["id"] == "report:ada@example.com"
    assert ids["pia@acme.com"] is None
    assert sorted(row["email"] for row in rows(log, "panelists")) == ["paul@acme.com", "pia@acme.com"]


def test_the_log_has_been_read_up_to_the_moment_the_report_was_made(log: Log, take_in: Import) -> None:
    take_in(ATTENDEE_2020)
    at = log.last_read_at()
    assert at is not None
    assert iso(at) == "2020-04-09T18:50:00.000Z"


def test_without_that_moment_the_log_has_been_read_up_to_the_last_time_in_the_file(log: Log, take_in: Import) -> None:
    take_in(TOP + GOOD)
    at = log.last_read_at()
    assert at is not None
    assert iso(at) == "2026-05-12T09:00:00.000Z"


def test_custom_questions_line_breaks_long_and_short_rows_leave_the_columns_where_their_names_say(
    log: Log, take_in: Import
) -> None:
    receipt = take_in(ATTENDEE_2026)
    assert reasons(receipt) == []
    assert (receipt.attendee_rows, receipt.people, receipt.registrants) == (2, 1, 2)
    row = rows(log, "participants")[0]["row"]
    assert row['Role, if "other" say which'] == 'Buyer\nof "pipes"'
    assert row["Source Name"] == "newsletter"
    assert rows(log, "participants")[0]["name"] == "Cy (Cyrus)"
    kept = {row["email"]: row["row"] for row in rows(log, "registrants")}["cy@example.com"]
    assert "Phone" in kept
    assert "Join Time" not in kept, "what differs from date to date must not make a registration look changed"


def test_a_meeting_with_its_top_block_has_its_host_and_tells_the_waiting_room_apart(log: Log, take_in: Import) -> None:
    receipt = take_in(MEETING, "UTC")
    assert (receipt.webinar_id, receipt.people, receipt.set_aside) == ("98212345678", 1, [])
    session = rows(log, "instances")[0]
    assert (session["start_time"], session["end_time"]) == ("2021-01-21T20:58:30Z", "2021-01-21T22:17:06Z")
    told = {(row["role"], row["status"]) for row in rows(log, "participants")}
    assert told == {("host", "in_meeting"), ("attendee", "in_meeting"), ("attendee", "in_waiting_room")}
    assert rows(log, "registrants") == []


def test_a_flat_list_takes_its_id_from_the_file_name_and_its_span_from_its_rows(log: Log, take_in: Import) -> None:
    receipt = take_in(FLAT, "UTC", "participants_84759841045.csv")
    assert (receipt.webinar_id, receipt.people, receipt.notes) == ("84759841045", 2, [])
    session = rows(log, "instances")[0]
    assert session["topic"] == "participants_84759841045.csv"
    assert (session["start_time"], session["end_time"]) == ("2026-09-09T19:02:00Z", "2026-09-09T20:31:00Z")
    assert ("Test Two", "19:05:00", "20:30:00", "attendee") in spans(log)


def test_a_flat_list_without_any_id_gets_one_from_its_content_and_says_so(take_in: Import) -> None:
    receipt = take_in(FLAT)
    assert len(receipt.webinar_id) == 12
    assert receipt.webinar_id[0] == "9"
    assert "made from its content" in receipt.notes[0]
    assert take_in(FLAT.encode("utf-16"), name="again.csv").webinar_id == receipt.webinar_id


def test_an_id_that_a_spreadsheet_rounded_is_not_believed(take_in: Import) -> None:
    receipt = take_in(TOP.replace("84700001045", "8.47E+10") + GOOD, name="attendee_84700001045_2026_05_12.csv")
    assert receipt.webinar_id == "84700001045"
    assert "spreadsheet" in receipt.notes[0]


def test_a_list_of_unique_users_is_set_aside_since_it_has_no_times(log: Log, take_in: Import) -> None:
    receipt = take_in("Name (Original Name),User Email,Total Duration (Minutes),Guest\nAda,ada@example.com,65,No\n")
    assert [line for line, _ in reasons(receipt)] == [2]
    assert "no join and leave times" in receipt.set_aside[0][1]
    assert log.streams() == []


@pytest.mark.parametrize("has_top", [True, False])
def test_a_registration_report_gives_registrants_and_no_session(log: Log, take_in: Import, has_top: bool) -> None:
    text = REGISTRATION if has_top else REGISTRATION.partition("Attendee Details\n")[2]
    receipt = take_in(text, name="registration_84700001045.csv")
    assert reasons(receipt) == []
    assert receipt.webinar_id == "84700001045"
    told = {row["email"]: (row["status"], row["create_time"]) for row in rows(log, "registrants")}
    assert told == {
        "cy@example.com": ("approved", "2026-05-08T19:00:00Z"),
        "di@example.com": ("denied", "2026-05-09T19:00:00Z"),
    }
    assert rows(log, "instances") == rows(log, "participants") == []


def test_without_registration_columns_nobody_is_registered_and_addresses_stand(log: Log, take_in: Import) -> None:
    receipt = take_in(TOP + GOOD)
    assert (receipt.registrants, rows(log, "registrants")) == (0, [])
    assert "registrant_id" not in rows(log, "participants")[0]


def test_a_registration_without_a_readable_time_is_as_old_as_the_session(log: Log, take_in: Import) -> None:
    receipt = take_in(ATTENDEE_2020.replace('"Mar 21, 2020 09:00:00"', "soon"))
    told = {row["email"]: row["create_time"] for row in rows(log, "registrants")}
    assert told["bob@example.com"] == "2020-03-27T07:07:27Z"
    assert receipt.set_aside == []
    assert receipt.notes == ["registration times that cannot be read, so that the session's start stands for them: 1"]


def test_a_rejoin_row_without_a_registration_time_does_not_outdo_the_first(log: Log, take_in: Import) -> None:
    take_in(ATTENDEE_2020.replace("ada@example.com,NA,NA", "ada@example.com,NA,approved"))
    told = {row["email"]: row["create_time"] for row in rows(log, "registrants")}
    assert told["ada@example.com"] == "2020-03-20T08:00:01Z"


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("cp1252"),
        lambda text: text.replace("José", "Jo\0sé").encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\n", ",,,,,\n").encode(),
        lambda text: text.replace("\n", "\n\n").encode(),
        lambda text: text.replace(",", ";").encode(),
        lambda text: codecs.BOM_UTF16_LE + text.replace(",", "\t").encode("utf-16-le"),
    ],
    ids=[
        "utf8",
        "bom",
        "le",
        "be",
        "le-unmarked",
        "cp1252",
        "nul",
        "crlf",
        "cr",
        "commas",
        "blanks",
        "semicolons",
        "tabs",
    ],
)
def test_however_a_file_is_written_it_says_the_same(log: Log, take_in: Import, encode: Callable[[str], bytes]) -> None:
    receipt = take_in(encode(TOP + GOOD.replace("Ada", "José")))
    assert reasons(receipt) == []
    assert [(row["name"], row["user_email"]) for row in rows(log, "participants")] == [("José", "ada@example.com")]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("Mar 28, 2026 08:07:27", "2026-03-28T07:07:27Z"),
        ("Mar 28, 2026 8:07 AM", "2026-03-28T07:07:00Z"),
        ("Mar 28, 2026 12:07 AM", "2026-03-27T23:07:00Z"),
        ("Mar 28, 2026 12:07 PM", "2026-03-28T11:07:00Z"),
        ("Feb 8, 2026 17:58", "2026-02-08T16:58:00Z"),
        ("08/09/2026 10:45:00 AM", "2026-08-09T08:45:00Z"),
        ("8/9/2026 20:00:00", "2026-08-09T18:00:00Z"),
        ("Mar 28, 2026 8:07\u202fAM", "2026-03-28T07:07:00Z"),
        ("2026-03-28 08:07:27", "2026-03-28T07:07:27Z"),
        ("2026-03-28T08:07:27.5Z", "2026-03-28T08:07:27.500Z"),
        ("2026-03-28T08:07:27-04:00", "2026-03-28T12:07:27Z"),
        ("Oct 25, 2026 02:30:00", "2026-10-25T00:30:00Z"),
        ("Mar 29, 2026 02:30:00", "2026-03-29T01:30:00Z"),
    ],
)
def test_each_form_of_time_is_read_on_the_clock_of_the_zone(log: Log, take_in: Import, text: str, utc: str) -> None:
    receipt = take_in(f'Name,Email,Join Time,Leave Time\nAda,ada@example.com,"{text}","{text}"\n')
    assert reasons(receipt) == []
    assert rows(log, "participants")[0]["join_time"] == utc


def test_a_leave_in_the_hour_that_comes_twice_is_not_before_its_join(log: Log, take_in: Import) -> None:
    take_in("Name,Email,Join Time,Leave Time\nAda,a@example.com,2026-10-25 02:50:00,2026-10-25 02:10:00\n")
    assert spans(log) == [("a@example.com", "00:50:00", "01:10:00", "attendee")]


def test_dates_that_can_only_be_day_first_make_the_file_day_first_and_it_says_so(log: Log, take_in: Import) -> None:
    receipt = take_in("Name,Email,Join Time,Leave Time\nAda,a@example.com,15/08/2022 01:27,15/08/2022 02:00\n")
    assert rows(log, "participants")[0]["join_time"] == "2022-08-14T23:27:00Z"
    assert "day first" in receipt.notes[0]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("Yes,Bob,b@example.com,yesterday,05/12/2026 09:30:00 AM,3", "'yesterday' is no time that we can read"),
        ("Yes,Bob,b@example.com,05/12/2026 09:00:00 AM,later,3", "'later' is no time that we can read"),
        ("Yes,Bob,b@example.com,02/30/2026 09:00:00 AM,,3", "is no time"),
        ("Yes,Bob,b@example.com,05/12/2026 19:00:00 AM,,3", "clock of twelve hours"),
        ("Yes,Bob,b@example.com,05/12/0026 09:00:00 AM,,3", "no year in which Zoom ran"),
        ("Yes,Bob,b@example.com,--,--,--", "no join time"),
        ("Yes,Bob", "no join time"),
        ("Yes,Bob,b@example.com,05/12/2026 09:30:00 AM,05/12/2026 09:00:00 AM,-30", "leaves before it joins"),
        ("Yes,Bob,b@example.com,05/12/2026 09:30:00 AM,05/12/2099 09:00:00 AM,9", "days from the session"),
        ("Maybe,Bob,b@example.com,,,", "neither Yes nor No"),
        ("Bob", "neither Yes nor No"),
        ('Yes,"Bob,b@example.com,05/12/2026 09:00:00 AM,05/12/2026 09:30:00 AM,30', "quotation mark"),
    ],
)
def test_a_row_that_cannot_be_read_is_set_aside_alone(log: Log, take_in: Import, row: str, reason: str) -> None:
    receipt = take_in(f"{TOP}{GOOD}{row}\n{GOOD.replace('ada', 'zoe')}")
    assert [line for line, _ in reasons(receipt)] == [7]
    assert reason in receipt.set_aside[0][1]
    assert receipt.set_aside[0][2] == row
    assert [told[0] for told in spans(log)] == ["ada@example.com", "zoe@example.com"]
    assert receipt.attendee_rows == 2
    assert receipt.told()["set_aside"][0]["line"] == 7
    assert any("line 7" in line for line in receipt.lines())


def test_a_quotation_mark_that_a_later_row_closes_does_not_swallow_the_rows_between(log: Log, take_in: Import) -> None:
    opened = GOOD.replace("Ada,ada", '"Bob,bob')
    quoted = GOOD.replace("Ada,ada", '"Cy, Jr",cy')
    receipt = take_in(TOP + opened + GOOD + quoted)
    assert [line for line, _ in reasons(receipt)] == [6]
    assert [told[0] for told in spans(log)] == ["ada@example.com", "cy@example.com"]


def test_a_line_number_is_that_of_the_file_even_after_rows_of_several_lines(take_in: Import) -> None:
    receipt = take_in(TOP + GOOD.replace("Ada", '"Ada\nof\nParis"') + "Maybe,Bob\n")
    assert [line for line, _ in reasons(receipt)] == [9]


def test_a_broken_leave_does_not_move_the_clock_of_the_log(log: Log, take_in: Import) -> None:
    take_in(TOP + GOOD + GOOD.replace("05/12/2026 09:30", "05/12/2099 09:30"))
    at = log.last_read_at()
    assert at is not None
    assert at.year == 2026


def test_a_report_made_years_after_its_session_does_not_move_the_clock_of_the_log(log: Log, take_in: Import) -> None:
    receipt = take_in(ATTENDEE_2020.replace("Apr 09, 2020", "Apr 09, 2099"))
    at = log.last_read_at()
    assert at is not None
    assert at.year == 2020
    assert receipt.notes == ["when the file was made cannot be read: 'Apr 09, 2099 8:50 PM'"]


def test_a_registration_after_the_file_was_made_has_no_believable_time(log: Log, take_in: Import) -> None:
    take_in(ATTENDEE_2020.replace("Mar 21, 2020 09:00:00", "Mar 21, 2099 09:00:00"))
    told = {row["email"]: row["create_time"] for row in rows(log, "registrants")}
    assert told["bob@example.com"] == "2020-03-27T07:07:27Z"


def test_time_in_the_waiting_room_is_no_part_of_a_flat_list_s_session(log: Log, take_in: Import) -> None:
    waited = "Test One,a@example.com,09/09/2026 06:00:00 PM,09/09/2026 07:02:00 PM,62,Yes,,Yes\n"
    assert take_in(FLAT + waited, "UTC").set_aside == []
    assert rows(log, "instances")[0]["start_time"] == "2026-09-09T19:02:00Z"


def test_a_missing_leave_is_none_and_the_row_counts(log: Log, take_in: Import) -> None:
    assert take_in(TOP + "Yes,Ada,ada@example.com,05/12/2026 09:00:00 AM,--,--\n").set_aside == []
    assert rows(log, "participants")[0]["leave_time"] is None


def test_a_registration_without_an_address_is_set_aside_and_a_connection_without_one_is_not(
    log: Log, take_in: Import
) -> None:
    text = ATTENDEE_2020.replace("cy@example.com", "--").replace("bob@example.com", "")
    receipt = take_in(text)
    assert reasons(receipt) == [(17, "a registration without an address cannot be told from another")]
    assert ("Bob", "07:20:00", "07:20:05", "attendee") in spans(log)


def test_sections_may_come_in_any_order_be_missing_and_repeat_their_header(log: Log, take_in: Import) -> None:
    text = f"""\
Other Attended
User Name,Join Time,Leave Time
331,05/12/2026 09:00 AM,05/12/2026 09:10 AM
Attendee Details
{HEADER}
{GOOD}{HEADER}
{GOOD.replace("ada", "bob")}Host Details
{HEADER}
Yes,Hana,hana@acme.com,05/12/2026 09:00:10 AM,05/12/2026 10:59:30 AM,120
Topic,Webinar ID,Actual Start Time,Actual Duration (minutes)
Workshop,84700001045,05/12/2026 09:00 AM,120
"""
    receipt = take_in(text)
    assert receipt.set_aside == []
    assert [told[3] for told in spans(log)] == ["other", "attendee", "attendee", "host"]
    session = rows(log, "instances")[0]
    assert (session["start_time"][11:19], session["end_time"][11:19]) == ("07:00:10", "08:59:30")


def test_a_custom_question_named_like_a_column_does_not_take_its_place(log: Log, take_in: Import) -> None:
    text = TOP.replace(HEADER, HEADER + ",Email,Email") + GOOD.replace(",30\n", ",30,other@example.com,third\n")
    take_in(text)
    row = rows(log, "participants")[0]
    assert row["user_email"] == "ada@example.com"
    assert list(row["row"].values())[-2:] == ["other@example.com", "third"]


def test_equal_rows_are_kept_apart_in_any_order_of_the_file(log: Log, take_in: Import) -> None:
    other = GOOD.replace("09:30:00", "09:40:00")
    take_in(TOP + GOOD + other + GOOD)
    assert len(rows(log, "participants")) == 3
    assert take_in(TOP + other + GOOD + GOOD).appended == 0


@pytest.mark.parametrize("text", [ATTENDEE_2020, ATTENDEE_2026, MEETING, FLAT, REGISTRATION, TOP + GOOD])
def test_importing_a_file_again_appends_nothing(take_in: Import, text: str) -> None:
    assert take_in(text).appended > 0
    assert take_in(text).appended == 0


def test_a_corrected_file_replaces_the_rows_of_its_session(log: Log, take_in: Import) -> None:
    take_in(TOP + GOOD + GOOD.replace("ada", "bob"))
    receipt = take_in(TOP + GOOD.replace("09:30", "09:45") + GOOD.replace("ada", "cy"))
    assert spans(log) == [
        ("ada@example.com", "07:00:00", "07:45:00", "attendee"),
        ("cy@example.com", "07:00:00", "07:30:00", "attendee"),
    ]
    assert receipt.appended == 3


@pytest.mark.parametrize("text", [TOP + GOOD, FLAT])
def test_importing_again_with_another_zone_moves_the_session(log: Log, take_in: Import, text: str) -> None:
    name = "participants_84700001045.csv"
    take_in(text, "UTC", name)
    take_in(text, "America/New_York", name)
    sessions = rows(log, "instances")
    assert len(sessions) == 1
    assert sessions[0]["start_time"][11:13] in {"13", "23"}
    assert len(rows(log, "participants")) == text.count("@example.com") + text.count("Test Two")


def test_two_dates_of_a_series_are_two_sessions_with_one_list_of_registrants(log: Log, take_in: Import) -> None:
    later = ATTENDEE_2020.replace("Mar 27", "Apr 03").replace("cy@example.com", "eve@example.com")
    for _ in range(2):
        appended = [take_in(text).appended for text in (ATTENDEE_2020, later)]
    assert appended == [0, 0]
    assert len(rows(log, "instances")) == 2
    assert len(rows(log, "registrants")) == 5


def test_what_an_older_file_says_of_a_registrant_does_not_undo_a_later_one(log: Log, take_in: Import) -> None:
    denied = ATTENDEE_2020.replace("Apr 09", "Apr 10").replace('"Mar 22, 2020 09:00:00",pending', ",denied")
    for text in (ATTENDEE_2020, denied, ATTENDEE_2020):
        take_in(text)
    told = {row["email"]: (row["status"], row["create_time"]) for row in rows(log, "registrants")}
    assert told["cy@example.com"] == ("denied", "2020-03-22T08:00:00Z"), "the time known before stays"


def test_a_bad_file_does_not_keep_the_others_from_being_read(tmp_path: Path, log: Log) -> None:
    bad, good, gone = tmp_path / "bad.csv", tmp_path / "good.csv", tmp_path / "gone.csv"
    bad.write_text(
        "Poll Report\nTopic,Webinar ID,Actual Start Time\nT,847,05/12/2026 09:00:00 AM\n#,Question\n1,Why?\n"
    )
    good.write_text(TOP + GOOD)
    receipts = import_reports([bad, good, gone], PARIS, log, run="r1")
    assert [bool(receipt.problem) for receipt in receipts] == [True, False, True]
    assert receipts[0].set_aside[0][1].startswith('it is a "Poll Report". Export the Attendee Report')
    assert "cannot be opened" in receipts[2].lines()[0]
    assert len(rows(log, "participants")) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"a,b\n1,2\n", "no header of a Zoom list of people"),
        ((ATTENDEE_2020 + ATTENDEE_2026).encode(), "more than one session"),
    ],
)
def test_when_no_file_can_be_read_the_error_names_file_reason_and_next_step(
    take_in: Import, content: bytes, reason: str
) -> None:
    with pytest.raises(ReportError, match=reason) as raised:
        take_in(content, name="mine.csv")
    assert "mine.csv" in str(raised.value)
    assert "xport" in str(raised.value)


@pytest.mark.parametrize(("name", "meant"), [("Paris", PARIS), ("europe/pariss", PARIS), ("US/Pacifc", "US/Pacific")])
def test_an_unknown_time_zone_names_those_that_were_probably_meant(take_in: Import, name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=meant):
        take_in(FLAT, name)


@pytest.mark.parametrize("name", ["America", "../etc/passwd", "", "\0", "Mars/Olympus"])
def test_a_zone_name_that_is_none_is_refused_and_opens_no_file(take_in: Import, name: str) -> None:
    with pytest.raises(UsageError):
        take_in(FLAT, name)


def test_a_session_that_never_started_has_registrants_and_no_session(log: Log, take_in: Import) -> None:
    text = ATTENDEE_2026.replace('"08/09/2026 10:45:00 AM",225', "--,0")
    receipt = take_in("\n".join(line for line in text.split("\n") if not line.startswith(("Yes", "of "))))
    assert receipt.set_aside == []
    assert [row["email"] for row in rows(log, "registrants")] == ["noshow@example.com"]
    assert rows(log, "instances") == []


def test_the_tables_show_who_came_for_how_long_without_host_panelists_and_overlaps(tmp_path: Path) -> None:
    workspace = Workspace({"TURNOUT_HOME": str(tmp_path / "home")})
    path = tmp_path / "report.csv"
    path.write_text(ATTENDEE_2020)
    import_reports([path], PARIS, workspace.log, run="r1")
    workspace.build()
    with workspace.warehouse.connect() as db:
        webinar = db.execute(
            "select webinar_id, status, actual_seconds, registered_count, attended_count, no_show_count,"
            " anonymous_connection_count from webinars"
        ).fetchall()
        seconds = db.execute("select attended_us // 1000000 from int_attendances order by 1").fetchall()
    assert webinar == [(328972509, "ended", 59 * 60 + 18, 4, 2, 1, 1)]
    assert seconds == [(5,), (30 * 60,)]


PIECES = [*ATTENDEE_2020.splitlines(), *ATTENDEE_2026.splitlines(), *MEETING.splitlines(), *FLAT.splitlines()]
PIECES += [*REGISTRATION.splitlines(), HEADER, '"', ",", "\0", "Attendee Details", "Yes,", "99/99/9999 99:99 PM"]


def read_or_refuse(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        reading.read(path, zone("America/New_York"))
    except ReportError:
        return


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_no_bytes_give_anything_but_a_reading_or_a_report_error(tmp_path: Path, content: bytes) -> None:
    read_or_refuse(tmp_path / "any.csv", content)
    read_or_refuse(tmp_path / "any.csv", TOP.encode() + content)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=30), max_size=25),
    st.sampled_from(["\n", "\r\n", ",", ",,\n"]),
    st.sampled_from(["utf-8", "utf-16", "utf-16-be", "cp1252"]),
)
def test_no_mixture_of_rows_gives_anything_but_a_reading_or_a_report_error(
    tmp_path: Path, pieces: list[str], between: str, encoding: str
) -> None:
    read_or_refuse(tmp_path / "any.csv", between.join(pieces).encode(encoding, "replace"))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_whatever_a_file_holds_importing_it_again_appends_nothing(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    home = tmp_path_factory.mktemp("home")
    path = home / "any.csv"
    path.write_text("\n".join([*TOP.splitlines(), *pieces]))
    try:
        import_reports([path], "UTC", Log(home), run="r1")
    except ReportError:
        return
    assert import_reports([path], "UTC", Log(home), run="r2")[0].appended == 0
