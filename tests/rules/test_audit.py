"""HZ-30, HZ-31: of everything that is not synced the audit says why, for whom, and how to mend it; and then it is."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import pytest

from pipelines.audit import Audited, Gap, audit
from pipelines.ingest import has_webinars, ingest
from tests.company import Company
from tests.rules import audited
from tests.rules.audited import ADA, BOB
from tests.worlds import at

COUNTS = ("registered", "attended", "matched", "anonymous", "excluded")
Audit = dict[int, Audited]


@dataclass
class Story:
    """What the audit said at each turn of one company's story, by webinar.

    Attributes:
        amiss: after a run in which everything goes wrong that can.
        off: after a build with the switch for all webinars off. `mended`: when all was mended, after a run.
        synced: after one webinar was synced, of which no run reads any more.
        series: the dates of the series, when everything was amiss.
    """

    one: Company
    amiss: Audit
    off: Audit
    mended: Audit
    synced: Audit
    series: list[Audited]
    page: str


def now(one: Company) -> Audit:
    """Return the audit of all webinars of one date as it stands."""
    found = [date for date in audit(one.workspace.warehouse) if date.webinar_id != audited.SERIES]
    assert len({date.webinar_id for date in found}) == len(found)
    return {date.webinar_id: date for date in found}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """One company, in which everything is amiss and then mended."""
    one = Company(audited.amiss(), tmp_path_factory.mktemp("audit") / "home", audited.SETTINGS)
    one.sandbox.set_faults(audited.FAULTS)
    one.run()
    series = audit(one.workspace.warehouse, audited.SERIES)
    amiss, page = now(one), (one.home / "audit" / "index.html").read_text(encoding="utf-8")
    one.set(audited.SETTINGS.replace("[sync]", "[sync]\nwebinars = false", 1))
    one.workspace.build()
    off = now(one)
    audited.mend(one)
    for number in (audited.MISSING, audited.SILENT, audited.LOST):
        read_again(one, number)
    one.workspace.sync(str(audited.OLD))
    mended = now(one)
    one.workspace.sync(str(audited.DELETED))
    yield Story(one, amiss, off, mended, now(one), series, page)
    one.sandbox.stop()


def read_again(one: Company, number: int) -> None:
    """Read one webinar again, and leave the rest of the run to the next."""
    workspace = one.workspace
    (zoom,) = [source for source in workspace.sources if has_webinars(source)]
    receipt = ingest(zoom.of_webinar(str(number)), workspace.log, run="again")
    assert not receipt.failed


def told(date: Audited) -> dict[str, tuple[str, list[str]]]:
    """Return reason to (effect, addresses)."""
    assert len({gap.reason for gap in date.gaps}) == len(date.gaps)
    return {gap.reason: (gap.effect, gap.emails) for gap in date.gaps}


def gap(date: Audited, reason: str) -> Gap:
    """Return what a date lacks for a reason."""
    (found,) = [one for one in date.gaps if one.reason == reason]
    return found


HARMLESS = {
    "denied": ("none", ["dan@x.example"]),
    "host": ("none", ["hana@host.example"]),
    "no_overlap": ("none", ["nat@x.example"]),
    "panelist": ("none", ["pat@x.example"]),
    "practice_session": ("none", ["prue@x.example"]),
    "waiting_room": ("none", ["wes@x.example"]),
}
AMISS: dict[int, tuple[str, dict[str, tuple[str, list[str]]]]] = {
    audited.PEOPLE: (
        "partly synced",
        {
            "contact_deleted": ("part", ["gone@x.example"]),
            "email_excluded": ("part", ["x@shut.example"]),
            "email_invalid": ("part", ["no-at-sign"]),
            "email_of_crm_user": ("part", ["sam@portal.example"]),
            "email_secondary": ("part", ["second@x.example"]),
            "participant_without_email": ("part", []),
            "properties_failed": ("part", [BOB]),
            "timeline_failed": ("later", [BOB]),
            **HARMLESS,
        },
    ),
    audited.OFF: ("not synced", {"sync_off_webinar": ("all", [ADA])}),
    audited.EVENTS: ("not synced", {"zoom_events": ("all", [ADA])}),
    audited.EXCLUDED: ("not synced", {"host_domain_excluded": ("all", [ADA])}),
    audited.EMPTY: ("partly synced", {"no_participants": ("part", [])}),
    audited.NEVER: ("synced", {"never_started": ("none", [])}),
    audited.COMING: ("waiting", {}),
    audited.UNWANTED: ("partly synced", {"recording_off": ("part", [])}),
    audited.SHY: ("partly synced", {"host_domain_excluded": ("part", [])}),
    audited.MISSING: ("partly synced", {"recording_missing": ("part", [])}),
    audited.DELETED: ("synced", {}),
    audited.SILENT: ("partly synced", {"transcript_missing": ("part", [])}),
    audited.FRESH: ("waiting", {"recording_processing": ("later", [])}),
    audited.EARLY: ("waiting", {"no_participants": ("later", []), "recording_processing": ("later", [])}),
    audited.LOST: ("partly synced", {"not_found_in_zoom": ("part", [])}),
    audited.OLD: ("partly synced", {"not_found_in_zoom": ("part", [])}),
    audited.DARK: ("waiting", {"details_not_read": ("later", [ADA])}),
    audited.REFUSED: ("partly synced", {"timeline_failed": ("part", [ADA])}),
}


@pytest.mark.rule("HZ-30")
def test_everything_that_is_not_synced_has_its_reason_and_its_addresses(story: Story) -> None:
    assert {number: (date.status, told(date)) for number, date in story.amiss.items()} == AMISS


@pytest.mark.rule("HZ-30")
def test_there_is_no_reason_but_those_of_the_table_and_each_of_them_arises_and_says_how_to_mend_it(
    story: Story,
) -> None:
    gaps = [one for turn in (story.amiss, story.off, story.synced) for date in turn.values() for one in date.gaps]
    assert {(one.reason,) for one in gaps} == set(story.one.rows("select reason from audit_reasons"))
    assert all(one.what.endswith(".") and one.mend.endswith(".") and "WEBINAR" not in one.mend for one in gaps)
    assert f"`turnout sync {audited.MISSING}`" in gap(story.amiss[audited.MISSING], "recording_missing").mend


@pytest.mark.rule("HZ-30")
def test_each_date_of_a_series_has_its_own_status_and_its_own_reasons(story: Story) -> None:
    found = [(date.start_at, date.progress, date.status, told(date)) for date in story.series]
    assert found == [
        (at("10:00", "2026-12-01"), "scheduled", "partly synced", {"email_invalid": ("part", ["late"])}),
        (at("10:00", "2026-11-09"), "ended", "synced", {}),
    ]


@pytest.mark.rule("HZ-30", "HZ-08", "EV-07")
def test_what_is_counted_and_what_the_crm_said_stands_beside_the_reasons(story: Story) -> None:
    crowd = story.amiss[audited.PEOPLE]
    assert {name: getattr(crowd, name) for name in COUNTS} == {
        "registered": 2,
        "attended": 2,
        "matched": 1,
        "anonymous": 2,
        "excluded": 5,
    }
    assert gap(crowd, "participant_without_email").things == {"attendance": 2}
    assert gap(crowd, "email_invalid").things == {"attendance": 1, "registration": 1}
    assert "longer than" in gap(crowd, "properties_failed").said[0]
    refused = gap(story.amiss[audited.REFUSED], "timeline_failed")
    assert refused.things == {"attendance": 1, "event": 1, "registration": 1}
    assert all(f"marketing event {audited.REFUSED}" in words for words in refused.said)


@pytest.mark.rule("HZ-02", "HZ-30")
def test_the_switch_for_all_webinars_comes_before_every_other_reason(story: Story) -> None:
    assert {date.status for date in story.off.values()} == {"not synced"}
    assert {reason for date in story.off.values() for reason in told(date)} == {"sync_off_global"}
    everybody = {"no-at-sign", "dan@x.example", "wes@x.example", ADA, BOB}
    assert everybody < set(gap(story.off[audited.PEOPLE], "sync_off_global").emails)


@pytest.mark.rule("HZ-30")
def test_a_reason_goes_away_when_it_is_mended(story: Story) -> None:
    left = {number: (date.status, told(date)) for number, date in story.mended.items()}
    stays = {number: AMISS[number] for number in (audited.EVENTS, audited.NEVER)}
    stays[audited.COMING] = ("waiting", {"start_moved": ("none", [])})
    done = dict.fromkeys(AMISS, ("synced", {}))
    assert left == done | stays | {audited.PEOPLE: ("synced", HARMLESS)}
    one = story.one
    people = ["second@x.example", "x@shut.example", "sam@portal.example", "gone@x.example", "valid@x.example", BOB, ADA]
    found = set(one.states(str(audited.PEOPLE)))
    assert found == {"first@x.example", "walk@in.example", *people} - {"second@x.example"}
    for number in (audited.OFF, audited.EXCLUDED, audited.LOST, audited.OLD, audited.DARK, audited.REFUSED):
        assert one.states(str(number)) == {ADA: "ATTENDED"}, number


@pytest.mark.rule("HZ-31")
def test_a_webinar_that_no_run_reads_any_more_is_read_again_all_of_it(story: Story) -> None:
    before, after = story.mended[audited.DELETED], story.synced[audited.DELETED]
    assert (before.status, told(before)) == ("synced", {})
    assert (after.status, told(after)) == ("partly synced", {"recording_deleted": ("part", [])})
    others = {number: date for number, date in story.synced.items() if number != audited.DELETED}
    assert others == {number: date for number, date in story.mended.items() if number != audited.DELETED}


@pytest.mark.rule("ZM-09")
def test_a_start_that_was_changed_after_people_had_registered_is_flagged(story: Story) -> None:
    moved = [number for number, date in story.synced.items() if "start_moved" in told(date)]
    assert moved == [audited.COMING]
    found = gap(story.synced[audited.COMING], "start_moved")
    assert (found.effect, found.things) == ("none", {"webinar": 1})


@pytest.mark.rule("HZ-31")
def test_an_id_that_no_account_knows_is_an_error_that_names_the_accounts_asked(story: Story) -> None:
    answer = story.one.command("sync", "847 5984 1045")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "no connected account knows webinar 84759841045; asked: zoom-account." in answer.stderr


@pytest.mark.rule("HZ-30")
def test_the_command_tells_what_the_tables_do(story: Story) -> None:
    answer = story.one.command("audit", "--json", check=True)
    printed = {date["webinar_id"]: date for date in orjson.loads(answer.stdout)}
    assert printed.keys() == {*story.synced, audited.SERIES}
    for number, date in story.synced.items():
        assert (printed[number]["status"], printed[number]["topic"]) == (date.status, date.topic)
        assert [reason["emails"] for reason in printed[number]["reasons"]] == [one.emails for one in date.gaps]
    answer = story.one.command("audit", "900-000 001", check=True)
    assert "denied: 1 registration\n" in answer.stdout
    assert "    dan@x.example\n" in answer.stdout
    assert story.one.command("audit", "12").returncode == 2


@pytest.mark.rule("HZ-30")
def test_the_page_has_every_webinar_with_its_reasons_and_takes_no_word_for_markup(story: Story) -> None:
    for number, (status, reasons) in AMISS.items():
        (part,) = [one for one in story.page.split("<details ")[1:] if f'id="w{number}"' in one]
        assert f'data-status="{status}"' in part
        assert re.findall(r'data-reason="(\w+)"', part) == [one.reason for one in story.amiss[number].gaps]
        for email in (email for _, emails in reasons.values() for email in emails):
            assert f"<li>{email}</li>" in part
    assert html.escape(audited.TOPIC) in story.page
    assert story.page.count("<script>") == 1
