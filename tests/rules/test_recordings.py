"""HZ-12, HZ-26: recordings and meetings reach the timelines of the contacts who were there, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pipelines.audit import audit
from pipelines.sandbox.hubspot import associations
from tests.company import Company
from tests.worlds import HOST, NOW, at, contact, joined, later, registrant, session, webinar, world

Make = Callable[..., Company]
ALL = """
[sync]
recordings = "all"
[meetings]
sync = true
[meetings.single]
"8" = false
[exclusions]
contacts = ["shy.example"]
"""
ADA, BOB, SHY, SAM = "ada@x.example", "bob@x.example", "sol@shy.example", "sam@portal.example"
PASSCODE = "s3cret"
UUID = "/u1//=="
KEY = f"zr:{UUID}"
DAY = "2026-11-18"
VTT = (
    "\ufeffWEBVTT\r\n\r\nNOTE made by a machine\r\n\r\n1\r\n00:00:01.000 --> 00:00:04.000 align:left\r\n"
    "Hana Host: Welcome &amp; hello,\r\neverybody.\r\n\r\n2\r\n00:00:05.000 --> 00:00:07.000\r\n"
    "<v.loud Ada>Is 1 &lt; 2?</v> <i>Zażółć</i>\r\n"
)
SAID = "Hana Host: Welcome &amp; hello, everybody.<br>Ada: Is 1 &lt; 2? Zażółć"
MEETING = "m1+/=="
MET = ("hs_meeting_title", "hs_meeting_body", "hs_meeting_outcome", "hs_meeting_start_time", "hs_meeting_end_time")
SHOWN = ("hs_call_title", "hs_call_body", "hs_call_duration", "hs_call_recording_url", "hs_call_status", "hs_timestamp")


def recording(*transcripts: str, name: str = "f", **more: Any) -> dict[str, Any]:
    """A video of fifty minutes, and these transcripts."""
    span = {"recording_start": "2026-11-18T10:05:00Z", "recording_end": "2026-11-18T10:55:00Z", "status": "completed"}
    files = [{"id": f"{name}-video", "file_type": "MP4", **span}]
    files += [
        {
            "id": f"{name}-{at}",
            "file_type": "TRANSCRIPT",
            "content": text,
            **span,
            "recording_start": f"2026-11-18T10:{at + 5:02}:00Z",
        }
        for at, text in enumerate(transcripts)
    ]
    share = f"https://zoom.example/rec/share/abc?pwd={PASSCODE}"
    return {"share_url": share, "password": PASSCODE, "recording_files": files, **more}


def recorded(recordings: dict[str, Any], *rows: dict[str, Any]) -> dict[str, Any]:
    """A webinar that ran and was recorded, to which Ada and these came."""
    there = [stayed(ADA), joined(ADA, "10:40", "10:50", DAY), *rows]
    ran = session(UUID, "10:00", "11:00", there, DAY, recordings=recordings)
    return webinar(1, day=DAY, registrants=[registrant(ADA)], instances=[ran])


def stayed(email: str) -> dict[str, Any]:
    """A row of somebody who stayed for half an hour."""
    return joined(email, "10:00", "10:30", DAY)


def meeting(number: int, uuid: str, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A meeting of Hana's that ran, in which these were."""
    there = [joined(HOST["email"], "15:00", "16:00", DAY), *rows]
    ran = session(uuid, "15:00", "16:00", there, DAY, **more)
    return webinar(number, start="15:00", day=DAY, type=2, topic=f"Review <{number}>", instances=[ran])


def met() -> list[dict[str, Any]]:
    """A meeting with everybody, one that is switched off, and one to which nobody came."""
    rows = [
        joined(ADA, "14:50", "15:30", DAY),
        joined(ADA, "15:20", "15:45:59", DAY, user_id="her telephone"),
        joined(BOB, "15:30", None, DAY, name="B & <b>Bob</b>"),
        joined("wes@x.example", "15:00", "15:05", DAY, status="in_waiting_room"),
        *(joined(email, "15:00", "15:30", DAY) for email in ("", SHY, SAM, "stranger@x.example")),
    ]
    said = recording("WEBVTT\n\n00:01.000 --> 00:02.000\nHana Host: So?", name="m")
    return [meeting(7, MEETING, *rows, recordings=said), meeting(8, "m2==", rows[0]), meeting(9, "m3==")]


def found_in(one: Company, kind: str, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the records that HubSpot lists: our key, what they show, and whom they are on."""
    answer = one.ask(f"/crm/v3/objects/{kind}", limit=100, properties=",".join(names), associations="contacts")
    answer.raise_for_status()
    rows = [
        {
            **{name: row["properties"].get(name) for name in names},
            "contacts": sorted(
                {far["id"] for far in row.get("associations", {}).get("contacts", {}).get("results", [])}
            ),
        }
        for row in answer.json()["results"]
    ]
    return sorted(rows, key=lambda row: str(row["turnout_id"]))


def calls(one: Company) -> list[dict[str, Any]]:
    """Return the calls that HubSpot lists."""
    return found_in(one, "calls", ("turnout_id", *SHOWN))


def downloads(one: Company) -> list[tuple[str, int]]:
    """Return path and status of each request for a file."""
    asked = [request for request in one.sandbox.requests() if request["path"].startswith("/rec/")]
    return [(request["path"].split("/")[2], request["status"]) for request in asked]


@dataclass
class Story:
    """At each turn: HubSpot's calls and meetings, what became of the webinar's call, and what the audit said of it."""

    one: Company
    meetings: list[list[dict[str, Any]]] = field(default_factory=list)
    of_meetings: list[list[dict[str, Any]]] = field(default_factory=list)
    calls: list[list[dict[str, Any]]] = field(default_factory=list)
    verdicts: list[tuple[str, str | None] | None] = field(default_factory=list)
    reasons: list[set[str]] = field(default_factory=list)
    downloads: list[list[tuple[str, int]]] = field(default_factory=list)
    reports: list[int] = field(default_factory=list)

    def turn(self, hours: int, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
        """Let something happen, run, and look."""
        self.one.change(change, later(NOW, hours=hours))
        self.one.sandbox.clear_requests()
        assert not self.one.run().is_partial
        self.downloads.append(downloads(self.one))
        self.reports.append(sum("/report/meetings/" in one["path"] for one in self.one.sandbox.requests()))
        found = calls(self.one)
        self.calls.append([call for call in found if call["turnout_id"] == KEY])
        self.of_meetings.append([call for call in found if call["turnout_id"] != KEY])
        self.meetings.append(found_in(self.one, "meetings", ("turnout_id", *MET)))
        self.verdicts.append(self.one.verdict(KEY, "call"))
        (date,) = audit(self.one.workspace.warehouse)
        self.reasons.append({gap.reason for gap in date.gaps} & {"transcript_missing", "recording_deleted"})


def runs(told: dict[str, Any]) -> dict[str, Any]:
    """Return the one session of a world."""
    found: dict[str, Any] = told["zoom"][0]["webinars"][0]["instances"][0]
    return found


VIDEO, SPOKEN, QUIET, TRASHED, BINNED = range(5)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A recording comes, then what was said; then it is deleted in Zoom, comes back, and its call is deleted."""
    rows = [stayed(BOB), stayed(SHY), stayed(SAM)]
    told = world(recorded(recording(), *rows), contacts=[contact(1, ADA), contact(2, SHY), contact(3, SAM)])
    told["hubspot"][0]["users"] = [{"id": "1", "email": SAM}]
    told["zoom"][0]["meetings"] = met()
    one = Company(told, tmp_path_factory.mktemp("recordings") / "home", ALL)
    found = Story(one)
    found.turn(0)
    found.turn(1, lambda told: runs(told).update(recordings=recording(VTT)))
    found.turn(2)
    found.turn(3, lambda told: runs(told)["recordings"].update(deleted_time=later(NOW, hours=2)))

    def bin_call(told: dict[str, Any]) -> None:
        del runs(told)["recordings"]["deleted_time"]
        (call,) = [call for call in told["hubspot"][0]["calls"] if call["properties"]["turnout_id"] == KEY]
        call |= {"archived": True, "archivedAt": later(NOW, hours=3), "updatedAt": later(NOW, hours=3)}

    found.turn(4, bin_call)
    yield found
    one.sandbox.stop()


@pytest.mark.rule("HZ-26")
def test_a_recording_is_one_call_on_each_contact_who_attended_and_says_what_was_said(story: Story) -> None:
    call = {
        "turnout_id": KEY,
        "hs_call_title": "Topic 1",
        "hs_call_duration": "3000000",
        "hs_call_recording_url": "https://zoom.example/rec/share/abc",
        "hs_call_status": "COMPLETED",
        "hs_timestamp": "2026-11-18T10:00:00.000Z",
    }
    bob = (story.one.contact(BOB) or {})["hs_object_id"]
    assert story.calls[VIDEO] == [{**call, "hs_call_body": None, "contacts": ["1"]}]
    assert story.calls[SPOKEN] == [{**call, "hs_call_body": SAID, "contacts": sorted(["1", bob])}]
    assert story.calls[QUIET] == story.calls[SPOKEN]
    assert [verdict and verdict[0] for verdict in story.verdicts[:3]] == ["published", "published", "unchanged"]
    assert story.reasons[:3] == [{"transcript_missing"}, set(), set()]


@pytest.mark.rule("HZ-26")
def test_a_transcript_is_downloaded_once_and_no_other_host_is_shown_the_token(story: Story) -> None:
    once = [("download", 302), ("file", 200)]
    assert story.downloads == [once, once, [], [], []], "the meeting's, then the webinar's"
    ours = "select payload ->> '$.text' from events where scope = $session"
    files = story.one.workspace.log.query("zoom", "transcripts", ours, {"session": UUID})
    assert files == [(VTT.removeprefix("\ufeff"),)]


@pytest.mark.rule("HZ-26")
def test_the_passcode_is_nowhere_but_in_the_log(story: Story) -> None:
    shown = [*story.one.rows("select share_url from recordings"), *story.one.rows("from sync_hubspot_recordings")]
    assert shown
    assert PASSCODE not in str([shown, story.calls, story.one.sandbox.world()["hubspot"]])


@pytest.mark.rule("HZ-26")
def test_a_call_stays_when_its_recording_is_deleted_and_is_not_made_again_when_it_is(story: Story) -> None:
    assert story.calls[TRASHED] == story.calls[QUIET]
    assert story.verdicts[TRASHED] == ("excluded", "recording_deleted")
    assert story.reasons[TRASHED] == {"recording_deleted"}
    assert story.calls[BINNED] == []
    assert story.verdicts[BINNED] == ("excluded", "deleted_in_hubspot")


@pytest.mark.rule("HZ-12")
def test_a_meeting_is_one_record_on_the_contacts_who_were_there_and_says_when_each_was(story: Story) -> None:
    bob = (story.one.contact(BOB) or {})["hs_object_id"]
    ada_was, bob_was = "Ada: 15:00 to 15:45 UTC, 45 min", "B &amp; &lt;b&gt;Bob&lt;/b&gt;: 15:30 to 16:00 UTC, 30 min"
    record = {
        "turnout_id": f"zm:{MEETING}",
        "hs_meeting_title": "Review <7>",
        "hs_meeting_outcome": "COMPLETED",
        "hs_meeting_start_time": "2026-11-18T15:00:00.000Z",
        "hs_meeting_end_time": "2026-11-18T16:00:00.000Z",
    }
    alone = [{**record, "hs_meeting_body": ada_was, "contacts": ["1"]}]
    both = [{**record, "hs_meeting_body": f"{ada_was}<br>{bob_was}", "contacts": sorted(["1", bob])}]
    assert story.meetings == [alone, both, both, both, both]
    assert [call["hs_call_body"] for call in story.of_meetings[QUIET]] == ["Hana Host: So?"]
    assert story.of_meetings[QUIET][0]["contacts"] == both[0]["contacts"]
    read = story.one.workspace.log.query("zoom", "meeting_participants", "select distinct scope from events", {})
    assert story.reports == [1, 0, 0, 0, 0], "and a report that is settled is not read again"
    assert read == [(MEETING,)], "nobody is read of a meeting that is switched off, or of one without guests"


def test_the_doctor_asks_whether_meetings_may_be_read(story: Story) -> None:
    scope = "report:read:list_meeting_participants:admin"
    (zoom,) = [source for source in story.one.workspace.sources if source.name == "zoom"]
    assert zoom.examine() == []
    story.one.sandbox.set_faults({"switches": {"zoom.missing_scopes": [scope]}})
    (problem,) = zoom.examine()
    story.one.sandbox.set_faults({})
    assert scope in problem


@pytest.mark.rule("HZ-12")
def test_a_meeting_is_an_activity_of_contacts_and_counts_in_nothing(story: Story) -> None:
    one, bob = story.one, int((story.one.contact(BOB) or {})["hs_object_id"])
    entries = "select contact_id, topic, joined_at, left_at, attended_seconds from contact_timeline"
    was = ("Review <7>", at("15:00", DAY), at("15:45:59", DAY), 2759)
    assert one.rows(f"{entries} where entry_type = 'meeting_attended' order by contact_id") == [
        (1, *was),
        (bob, "Review <7>", at("15:30", DAY), at("16:00", DAY), 1800),
    ]
    activities = "select contact_id, occurred_at, times from contact_activities"
    assert one.rows(f"{activities} where activity_type = 'meeting_attended' order by contact_id") == [
        (1, at("15:00", DAY), 1),
        (bob, at("15:30", DAY), 1),
    ]
    assert one.rows("select count(*) from webinars where webinar_id in (7, 8, 9)") == [(0,)]
    assert (one.contact(ADA) or {})["turnout_occurrences_attended"] == "1"
    assert one.contact("stranger@x.example") is None
    assert one.event("7") is None


@pytest.mark.rule("HZ-12")
def test_meetings_have_switches_of_their_own_and_are_not_read_while_they_are_off(company: Make) -> None:
    one = company(world(contacts=[contact(1, ADA)]), "")
    one.change(lambda told: told["zoom"][0].update(meetings=met()))
    one.workspace.ingest()
    asked = [request["path"] for request in one.sandbox.requests() if request["vendor"] == "zoom"]
    assert not [path for path in asked if "meeting_type=meeting" in path or "/meetings/" in path]
    one.set("[meetings]\nsync = true")
    one.workspace.ingest()
    rows = "select session_uuid, out_of_scope_reason from int_meeting_attendances order by session_uuid"
    for settings, reasons in (
        ("sync = false", ("sync_off_global", "sync_off_global")),
        ("sync = true\ncloud_recorded_only = true", (None, "not_recorded")),
        ('sync = true\nsingle = { "7" = false }', ("sync_off_meeting", None)),
        ('sync = true\n[exclusions]\nhost_domains = ["host.example"]', ("host_domain_excluded",) * 2),
    ):
        one.set(f"[meetings]\n{settings}")
        one.workspace.build()
        assert one.rows(rows) == [(MEETING, reasons[0]), ("m2==", reasons[1])], settings
    one.set("[meetings]\nsync = true\nnew_meetings = false")
    one.workspace.build()
    created = later(NOW, hours=1)
    one.change(lambda told: told["zoom"][0]["meetings"][0].update(created_at=created), later(NOW, hours=2))
    one.workspace.ingest()
    one.workspace.build()
    assert one.rows(rows) == [(MEETING, "sync_off_meeting"), ("m2==", None)], "the second is older than the switch"


@pytest.mark.rule("HS-18")
def test_the_call_is_no_activity_that_somebody_did(story: Story) -> None:
    ours = "select count(*) from int_activities where turnout_id like 'z%' and not is_deleted"
    assert story.one.rows(ours) == [(2,)], "a call and a meeting"
    theirs = "select count(*) from contact_activities where activity_type in ('call_made', 'meeting_scheduled')"
    assert story.one.rows(theirs) == [(0,)]


@pytest.mark.rule("HZ-26", "EV-06")
def test_a_call_of_many_is_made_once_though_it_breaks_off_between_its_contacts(
    company: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(associations, "PAGE", 60)
    crowd = [f"p{number}@x.example" for number in range(130)]
    rows = [stayed(email) for email in crowd]
    long = "WEBVTT\n\n" + "\n\n".join(f"00:00:0{at % 10}.000 --> 00:00:09.000\nA & B {at}" for at in range(6_000))
    told = world(
        recorded(recording(long, "WEBVTT"), *rows),
        contacts=[contact(1, ADA), *(contact(10 + at, email) for at, email in enumerate(crowd))],
    )
    one = company(told, ALL)
    stopped = {
        "vendor": "hubspot",
        "path": "calls/contacts/batch/associate",
        "kind": "status",
        "status": 400,
        "times": 1,
    }
    one.sandbox.set_faults({"rules": [stopped]})
    one.run()
    (call,) = calls(one)
    assert len(call["hs_call_body"]) < 65_536
    assert call["hs_call_body"].endswith("<br>[The rest of the transcript is in Zoom.]")
    linked = [one_call["associations"]["contacts"] for one_call in one.sandbox.world()["hubspot"][0]["calls"]]
    assert [len(ids) for ids in linked] == [131]
    assert one.verdict(KEY, "call") == ("published", "")
