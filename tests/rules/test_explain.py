"""EV-04: from a published value to the events that made it so, or to the reason why it is not there.

One company, one run; the tests only ask. What an explanation says is held against the CRM's own answer and against the
bytes of the files that it names.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from pipelines import models, transform
from pipelines.cli.reasons import lines_explanation
from pipelines.errors import UsageError
from pipelines.events import Batch, Record, Stream
from pipelines.events import utc as instant
from pipelines.explain import Explainer, Explanation
from pipelines.explain.evidence import HIDDEN, SECRET, headers, questions
from pipelines.log import OURS
from pipelines.publish.plan import fields_of
from tests.company import Company
from tests.tasks.worlds import engagement, stamp
from tests.worlds import contact, email_event, form, joined, registrant, session, webinar, world

ONE, TWO = 84759841045, 84759841046
ADA, BOB, EVE, GUS, IDA = (f"{name}@x.example" for name in ("ada", "bob", "eve", "gus", "ida"))
SETTINGS = f'[exclusions]\ncontacts = ["{EVE}"]'


def told() -> dict[str, Any]:
    """Ada did everything; Bob becomes a contact; Eve is excluded; Gus was deleted; Ida did nothing."""
    return world(
        webinar(
            ONE,
            registrants=[registrant(email) for email in (ADA, BOB, EVE, GUS)],
            instances=[
                session(
                    "u1==",
                    "10:00",
                    "11:00",
                    [joined(ADA, "10:00", "10:20"), joined(ADA, "10:30", "10:40"), joined(BOB, "10:00", "11:00")],
                )
            ],
        ),
        webinar(
            TWO,
            day="2026-03-02",
            start="10:00",
            registrants=[registrant(ADA, create_time="2026-02-01T09:00:00Z")],
            instances=[session("u2==", "10:00", "11:00", [joined(ADA, "10:00", "10:07", "2026-03-02")], "2026-03-02")],
        ),
        contacts=[
            contact(1, ADA),
            contact(2, EVE),
            contact(3, GUS, archived=True, archivedAt="2026-10-01T00:00:00.000Z"),
            contact(4, IDA),
        ],
        email_events=[
            email_event("OPEN", ADA, 7, "2026-11-12T08:00:00+00:00"),
            email_event("OPEN", ADA, 7, "2026-11-13T08:00:00+00:00"),
            email_event("OPEN", ADA, 8, "2026-05-13T08:00:00+00:00"),
            email_event("OPEN", ADA, 9, "2026-11-14T08:00:00+00:00", filteredEvent=True),
            email_event("CLICK", ADA, 7, "2026-11-12T08:01:00+00:00"),
        ],
        forms=[form("f1", [(ADA, "2026-11-15T10:00:00+00:00"), (ADA, "2026-01-15T10:00:00+00:00")])],
        calls=[
            engagement("501", instant("2026-11-01T10:00:00+00:00"), ["1"]),
            engagement("502", instant("2025-06-01T10:00:00+00:00"), ["1"]),
            engagement("503", instant("2026-11-01T10:00:00+00:00"), ["4"]),
        ],
    ) | {
        "salesforce": [
            {
                "time_zone": "UTC",
                "Contact": [
                    {
                        "Id": "0031",
                        "LastName": "L",
                        "Email": ADA,
                        "CreatedDate": stamp(instant("2026-01-01T00:00:00+00:00")),
                    }
                ],
            }
        ]
    }


KEEN = """-- Who came at all?
-- grain: one row per contact_id
-- name: Keen
-- description: They came.
-- owner: marketing
-- deliver: none
select contact_id
from contact_metrics
where occurrences_attended > 0 and contact_id is not null
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    one = Company(told(), tmp_path_factory.mktemp("explain") / "home", SETTINGS)
    one.run()
    yield one
    one.sandbox.stop()


@pytest.fixture(scope="module")
def explain(company: Company) -> Explainer:
    opened = company.workspace
    return Explainer(opened.log, opened.warehouse)


def stands_in_the_files(company: Company, found: Explanation) -> bool:
    """Whether each event is in the file that it names, with the bytes that it tells."""
    for event in found.events:
        rows = pq.read_table(company.home / event["file"], columns=["event_id", "payload"]).to_pylist()
        payloads = [row["payload"] for row in rows if row["event_id"].hex() == event["event_id"]]
        if len(payloads) != 1:
            return False
        kept, told = orjson.loads(payloads[0]), event["record"]
        if kept.keys() != told.keys() or any(kept[name] != told[name] for name in kept if name not in SECRET):
            return False
        if any(told.get(name) not in (None, "", HIDDEN) for name in SECRET):
            return False
    return bool(found.events)


def recomputed(field: str, found: Explanation) -> str:
    """What the rows that counted give for a field, worked out once more."""
    rows = found.counted
    if field == "turnout_avg_attendance_pct":
        mean = sum(Fraction(row["attended_seconds"], row["actual_seconds"]) for row in rows) * 100 / len(rows)
        exact = Decimal(mean.numerator) / Decimal(mean.denominator)
        return str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))
    if field == "turnout_last_registration_url":
        return str(rows[0]["join_url"])
    if field.endswith("_at"):
        return f"{rows[0]['happened_at']:%Y-%m-%dT%H:%M:%S.000Z}"
    if field == "turnout_occurrences_attended":
        return str(len(rows))
    return str(len({row.get("webinar_id") or row.get("campaign_id") or row["happened_at"] for row in rows}))


COUNTED = sorted(
    {field for one in questions().values() if one.of == "contact" for field in one.fields}
    - {"email", "firstname", "lastname", "turnout_source", "turnout_last_registered_webinar_url"}
)


@pytest.mark.rule("EV-04")
@pytest.mark.parametrize("field", COUNTED)
def test_what_is_said_to_count_gives_the_value_that_the_crm_holds(
    company: Company, explain: Explainer, field: str
) -> None:
    found = explain.field(ADA, field)
    (account,) = found.accounts
    (value,) = account.fields
    held = (company.contact(ADA) or {})[field]
    assert value["wanted"] == value["held"] == recomputed(field, found)
    assert recomputed(field, found) == held or f"{float(held):.2f}" == value["held"]
    assert stands_in_the_files(company, found)
    assert account.sent[0]["sent"]["fields"][field] == value["held"]
    assert (account.verdict, account.sent[0]["status"]) == ("published", "published")
    assert found.settings is not None
    assert found.settings["record"]["exclusions"]["contacts"] == [EVE]


@pytest.mark.rule("EV-04")
def test_every_published_property_has_a_question(company: Company) -> None:
    (model,) = [one for one in headers("sync") if one.name == "sync_hubspot_contacts"]
    with company.workspace.warehouse.connect([model.name]) as db:
        published = set(fields_of(db, model))
    asked = {field for one in questions().values() if one.of == "contact" for field in one.fields}
    assert asked == published


@pytest.mark.rule("EV-04")
def test_a_part_in_a_marketing_event_is_explained_down_to_each_connection(company: Company, explain: Explainer) -> None:
    found = explain.field("1", str(ONE))
    assert [one.key for one in found.accounts] == [f"{ONE}|1|attend", f"{ONE}|1|register"]
    assert [(row["state"], row["attended_seconds"], str(row["attendance_pct"])) for row in found.counted] == [
        ("attended", 1800, "50.00")
    ]
    names = [one["stream"] for one in found.events]
    assert names.count("zoom/participants") == 2
    assert {"zoom/registrants", "zoom/instances"} <= set(names)
    assert stands_in_the_files(company, found)


@pytest.mark.rule("EV-04")
@pytest.mark.parametrize(
    ("name", "state", "verdict", "reason"),
    [
        (BOB, "is no contact yet", "published", None),
        (EVE, "is live", "excluded", "email_excluded"),
        (GUS, "is deleted", "excluded", "contact_deleted"),
        ("3", "is deleted", "excluded", "contact_deleted"),
        (IDA, "is live", "excluded", "no_activity"),
    ],
)
def test_what_is_not_there_has_its_verdict_and_reason(
    explain: Explainer, name: str, state: str, verdict: str, reason: str | None
) -> None:
    found = explain.contact(name)
    assert {(one.verdict, one.reason or None) for one in found.accounts} == {(verdict, reason)}
    account = found.accounts[0]
    assert found.subject["is_live"] is (state == "is live")
    assert found.subject["is_deleted"] is (state == "is deleted")
    if reason:
        assert {value["wanted"] for value in account.fields} == {None}
        assert account.sent == []
    if reason in ("email_excluded", "contact_deleted"):
        assert account.mend


@pytest.mark.rule("EV-04")
def test_a_task_leads_to_its_activity_its_match_and_its_window(company: Company, explain: Explainer) -> None:
    keys = {
        str(source): (str(key), str(task))
        for source, key, task in company.rows(
            "select source_id, activity_key, task_key from int_activities join int_activity_people using (activity_key)"
            " where int_activities.activity_type = 'call_made'"
        )
    }
    found = explain.task(keys["501"][1])
    (account,) = found.accounts
    (row,) = found.counted
    (record,) = company.sandbox.world()["salesforce"][0]["Contact"]
    assert (account.verdict, row["email"], row["record_id"]) == ("published", ADA, record["Id"])
    assert row["reason"] is None
    assert row["window_from"] == row["synced_at"] == instant("2026-01-01T00:00:00+00:00")
    assert {"hubspot/calls", "hubspot/contacts", "salesforce/contacts"} <= {one["stream"] for one in found.events}
    assert stands_in_the_files(company, found)
    assert explain.task(row["task_id"]).counted == explain.task(keys["501"][0]).counted == found.counted
    assert explain.task(row["activity_id"]).counted == found.counted
    for call, reason in (("502", "outside_window"), ("503", "not_matched")):
        (left,) = explain.task(keys[call][1]).accounts
        assert (left.verdict, left.reason, left.sent) == ("excluded", reason, [])


@pytest.mark.rule("EV-04")
def test_what_nobody_ever_read_is_an_error_that_says_so(explain: Explainer) -> None:
    with pytest.raises(UsageError, match="nothing that was read names this address"):
        explain.contact("nobody@x.example")
    with pytest.raises(UsageError, match="nothing that was read names this contact"):
        explain.contact("99")
    with pytest.raises(UsageError, match="names no activity"):
        explain.task("t-0")
    with pytest.raises(UsageError, match=r"turnout_shoe_size is neither a field .* turnout_avg_attendance_pct"):
        explain.field(ADA, "turnout_shoe_size")


@pytest.mark.rule("EV-04")
def test_people_are_told_in_words_and_machines_in_json(company: Company, explain: Explainer) -> None:
    answer = company.command("explain", "field", ADA, "turnout_avg_attendance_pct", "--json")
    assert answer.returncode == 0, answer.stderr
    found = orjson.loads(answer.stdout)
    assert found["accounts"][0]["fields"] == [
        {"field": "turnout_avg_attendance_pct", "wanted": "30.83", "held": "30.83"}
    ]
    assert found["accounts"][0]["reads"]["stg_zoom__participants"] == ["zoom/participants"]
    assert {one["file"].partition("/part-")[0] for one in found["events"]} >= {"log/zoom/participants"}
    assert company.home.as_posix() not in answer.stdout
    ((key,),) = company.rows("select task_key from int_activity_people where reason = 'outside_window' limit 1")
    words = "\n".join(lines_explanation(explain.task(key)))
    assert "excluded: outside_window" in words
    assert "window_from: 2026-01-01 00:00:00" in words


@pytest.mark.rule("EV-04", "EV-10")
def test_a_membership_is_explained_by_the_rows_that_the_segment_reads(company: Company, tmp_path: Path) -> None:
    root = tmp_path / "sql"
    shutil.copytree(models.SQL_ROOT, root)
    (root / "segments").mkdir(exist_ok=True)
    (root / "segments" / "segment_keen.sql").write_text(KEEN, encoding="utf-8")
    opened = company.workspace
    loaded = models.load(root)
    transform.build(opened.log, loaded, as_of=opened.now(), only={"segment_keen"})
    for name, change, number in ((1, "entered", 1), (1, "left", 2), (1, "entered", 3), (11, "entered", 1)):
        told = {"segment": "keen", "contact_id": name, "change": change, "number": number}
        at = opened.now() - timedelta(days=10 - number)
        record = Record(f"keen|{name}|{number}", at, orjson.dumps(told))
        opened.log.append(OURS, OURS, Stream("segment_changes", "own"), Batch([record], at=at), run="test")
    explain = Explainer(opened.log, opened.warehouse, segments=root / "segments")
    found = explain.segment("keen", ADA)
    assert (found.subject["is_member"], found.subject["since"]) == (True, opened.now() - timedelta(days=7))
    assert [(row["table"], row.get("occurrences_attended")) for row in found.counted] == [("contact_metrics", 2)]
    assert [one["record"]["change"] for one in found.events] == ["entered", "left", "entered"]
    assert stands_in_the_files(company, found)
    assert f"in segment_keen since {opened.now() - timedelta(days=7):%Y-%m-%d}" in "\n".join(lines_explanation(found))
    assert explain.segment("keen", IDA).subject["is_member"] is False
    with pytest.raises(UsageError, match=r"there is no segment nobody; there is .*segment_keen"):
        explain.segment("nobody", ADA)
