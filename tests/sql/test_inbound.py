"""What comes from Salesforce: since when, what is gone, and that building by key gives what building whole gives."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from pipelines import models, transform
from pipelines.log import Log
from pipelines.settings import parse
from pipelines.transform import layers
from pipelines.warehouse import Warehouse
from tests.company import words
from tests.properties.histories import PlainLog

MODELS = models.load()
SYNC = tuple(f"sync_hubspot_{kind}" for kind in ("tasks", "emails", "calls", "meetings"))
START = datetime(2026, 11, 1, tzinfo=UTC)
Row = dict[str, Any]


def needed(*wanted: str) -> dict[str, models.Model]:
    """Return the models wanted, and all that they read, in order."""
    names = set(wanted)
    for name, model in reversed(MODELS.items()):
        if name in names:
            names |= set(model.reads)
    return {name: model for name, model in MODELS.items() if name in names}


def hours(number: float) -> datetime:
    """Return the moment so many hours after the start."""
    return START + timedelta(hours=number)


class Told:
    """A log in which things are told one after another, and the tables that it gives."""

    def __init__(self, home: Path) -> None:
        self.log = PlainLog(home)
        self.told = 0

    def row(self, stream: str, key: str, payload: Any, at: datetime, kind: str = "seen", account: str = "one") -> Row:
        """Return one event."""
        self.told += 1
        text = orjson.dumps(payload).decode() if kind == "seen" else None
        return {
            "event_id": md5(f"{stream}|{key}|{text}|{at}|{kind}".encode()).digest(),
            "account": account,
            "scope": "",
            "key": key,
            "kind": kind,
            "occurred_at": at,
            "observed_at": START + timedelta(days=90, seconds=self.told),
            "batch": "made",
            "digest": b"",
            "payload": text,
        }

    def tell(self, stream: str, key: str, payload: Any, at: datetime, **how: str) -> None:
        """Append one event."""
        self.log.append(stream, [self.row(stream, key, payload, at, **how)])

    def settings(self, at: datetime, salesforce: Row) -> None:
        """Say which settings came into force."""
        self.tell("turnout/settings", "settings", parse({"salesforce": salesforce}).meaning(), at)

    def task(self, name: str, at: datetime, made: datetime, **fields: Any) -> None:
        """Say what a Task is, last modified at a moment."""
        self.tell("salesforce/tasks", name, task(made, at, **fields), at)

    def build(self, as_of: datetime, **how: Any) -> None:
        """Bring the models up to the log."""
        transform.build(cast(Log, self.log), needed(*SYNC), as_of=as_of, **how)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the tables."""
        with Warehouse(self.log.home).connect(words(sql)) as db:
            return db.execute(sql).fetchall()


def task(made: datetime, modified: datetime, **fields: Any) -> Row:
    """Return a Task as Salesforce has it."""
    return {"CreatedDate": made.isoformat(), "LastModifiedDate": modified.isoformat(), "Subject": "S", **fields}


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


@pytest.mark.rule("HS-12", "EV-03", "EV-13")
def test_a_switch_counts_from_the_last_time_it_was_turned_on(told: Told) -> None:
    for hour, is_on in ((0, False), (10, True), (20, True), (30, False), (40, True), (50, True)):
        mapping = {"fields": {"hs_task_body": ""}} if hour in (20, 50) else {}
        told.settings(hours(hour), {"tasks": {"sync": is_on, **mapping}})
    expected = {
        5: (False, None),
        15: (True, hours(10)),
        25: (True, hours(10)),
        35: (False, None),
        55: (True, hours(40)),
    }
    for hour, (is_on, since) in expected.items():
        told.build(hours(hour))
        found = told.rows("select is_on, on_since from int_inbound_switches where activity_kind = 'task'")
        assert found == [(is_on, since)], hour
    assert told.rows("select bool_or(is_on) from int_inbound_switches where activity_kind <> 'task'") == [(False,)]


@pytest.mark.rule("HS-12")
@pytest.mark.parametrize(
    ("made", "modified", "reason"),
    [(10, 10, "not_in_hubspot"), (9.999, 9.999, "before_switch"), (5, 10, "not_in_hubspot"), (5, 9, "before_switch")],
)
def test_both_ends_of_the_switch_are_exact(told: Told, made: float, modified: float, reason: str) -> None:
    told.settings(hours(10), {"tasks": {"sync": True}})
    told.task("00T1", hours(modified), hours(made))
    told.build(hours(20))
    assert told.rows("select reason from sync_hubspot_tasks") == [(reason,)]


@pytest.mark.rule("HS-13")
@pytest.mark.parametrize("on_delete", ["delete", "nothing"])
@pytest.mark.parametrize("is_erased", [True, False])
def test_what_was_erased_for_good_is_deleted_as_what_is_in_the_bin(told: Told, on_delete: str, is_erased: bool) -> None:
    told.settings(hours(0), {"tasks": {"sync": True, "on_delete": on_delete}})
    told.task("00T1", hours(1), hours(1))
    told.tell("turnout/outcomes", "o1", outcome("create", "sf:00T1", "5", {"hs_task_subject": "S"}), hours(2))
    if is_erased:
        told.tell("salesforce/tasks", "00T1", None, hours(3), kind="absent")
    else:
        told.task("00T1", hours(3), hours(1), IsDeleted=True)
    told.build(hours(4))
    found = told.rows("select reason, is_deleted, vendor_id from sync_hubspot_tasks")
    assert found == [(None, True, "5") if on_delete == "delete" else ("deleted_in_salesforce", False, "5")]
    told.tell("turnout/outcomes", "o2", outcome("delete", "sf:00T1", "5", {}), hours(4))
    told.build(hours(5))
    assert told.rows("select count(*) from int_published") == [(0,)], "what we deleted is held no more"
    assert told.rows("select reason, is_deleted from sync_hubspot_tasks") == [("deleted_in_salesforce", False)]


def outcome(operation: str, key: str, number: str, fields: Row, kind: str = "task") -> Row:
    """Return what we sent and HubSpot confirmed."""
    return {
        "destination": "hubspot",
        "object": kind,
        "operation": operation,
        "key": key,
        "planned_key": key,
        "vendor_id": number,
        "status": "published",
        "fields": fields,
    }


def history(told: Told, dice: random.Random) -> list[tuple[str, Row]]:
    """Return random events around a few records, people, deals and owners."""
    found: list[tuple[str, Row]] = []
    names = [f"00T{n}" for n in range(6)]
    people = [f"003{n}" for n in range(3)]

    def say(stream: str, key: str, payload: Any, at: datetime, **how: str) -> None:
        found.append((stream, told.row(stream, key, {**payload, "nonce": len(found)}, at, **how)))

    for _ in range(60):
        at, name, number = hours(dice.randint(0, 400)), dice.choice(names), dice.randint(0, 5)
        words = {"hs_task_subject": dice.choice("ST"), "hs_task_body": dice.choice(["", "b"])}
        match dice.randint(0, 8):
            case 0 | 1:
                fields: Row = {
                    "Subject": dice.choice("ST"),
                    "WhoId": dice.choice([*people, None]),
                    "WhatId": dice.choice(["006A00000000000", None]),
                    "OwnerId": dice.choice(["005A", "005B"]),
                    "IsDeleted": dice.random() < 0.1,
                    "Turnout_Id__c": dice.choice([None, None, None, "t-1"]),
                    "TaskSubtype": dice.choice(["Task", "Task", "Call"]),
                }
                gone = dice.random() < 0.1
                say("salesforce/tasks", name, task(hours(5), at, **fields), at, kind="absent" if gone else "seen")
            case 2:
                person = {
                    "Email": f"p{dice.randint(0, 2)}@x.example",
                    "CreatedDate": START.isoformat(),
                    "IsDeleted": (is_gone := dice.random() < 0.3),
                    "MasterRecordId": dice.choice(people) if is_gone else None,
                }
                say("salesforce/contacts", dice.choice(people), person, at)
            case 3:
                contact = {"createdAt": START.isoformat(), "properties": {"email": f"p{dice.randint(0, 2)}@x.example"}}
                say("hubspot/contacts", str(dice.randint(1, 3)), {**contact, "archived": dice.random() < 0.1}, at)
            case 4:
                written = {**words, "associated_contacts": dice.choice(["1", "2"])}
                sent = outcome(dice.choice(["create", "update", "delete"]), f"sf:{name}", str(number), written)
                say("turnout/outcomes", f"o{len(found)}", sent, at)
            case 5:
                held: Row = {"properties": {**words, "turnout_id": dice.choice([f"sf:{name}", ""])}}
                held |= {"archived": dice.random() < 0.2}
                gone = dice.random() < 0.1
                say("hubspot/tasks", str(number), held, at, kind="absent" if gone else "seen")
            case 6:
                say(
                    "salesforce/users", dice.choice(["005A", "005B"]), {"Email": f"o{dice.randint(0, 1)}@x.example"}, at
                )
                owner = {"email": f"o{dice.randint(0, 1)}@x.example", "archived": dice.random() < 0.2}
                say("hubspot/owners", str(dice.randint(1, 2)), owner, at)
            case 7:
                chosen = {
                    "sync": dice.random() < 0.8,
                    "prefer": dice.choice(["hubspot", "salesforce"]),
                    "on_delete": dice.choice(["delete", "nothing"]),
                    "owners": dice.choice(["none", "by_email"]),
                    "fields": {"hs_task_body": dice.choice(["", "Subject"])},
                }
                say("turnout/settings", "settings", parse({"salesforce": {"tasks": chosen}}).meaning(), at)
            case _:
                say("hubspot/deals", "7", {"properties": {"hs_salesforceopportunityid": "006A00000000000"}}, at)
                say("salesforce/opportunities", "006A00000000000", {"IsDeleted": dice.random() < 0.2}, at)
                ours = {"destination": "salesforce", "object": "task", "operation": "create", "status": "published"}
                sent = {**ours, "key": f"t-{number}", "vendor_id": name, "fields": {"WhoId": people[0]}}
                if dice.random() < 0.3:
                    say("turnout/outcomes", f"o{len(found)}", sent, at)
    return found


@pytest.mark.rule("EV-02")
@pytest.mark.parametrize("seed", range(4))
def test_built_by_key_equals_built_whole(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    for name, value in (("LARGE", 0), ("STRETCH", 5), ("LAYERS", 2), ("LEAST", 0)):
        monkeypatch.setattr(layers, name, value)
    by_key = Told(tmp_path / "one")
    by_key.settings(START, {"tasks": {"sync": True}, "calls": {"sync": True}})
    waiting = history(by_key, dice)
    dice.shuffle(waiting)
    as_of = hours(200)
    for _ in range(5):
        piece, waiting = waiting[: len(waiting) // 2], waiting[len(waiting) // 2 :]
        by_stream: dict[str, list[Row]] = {}
        for stream, row in piece:
            by_stream.setdefault(stream, []).append(row)
        for stream, rows in by_stream.items():
            by_key.log.append(stream, rows)
        by_key.build(as_of, small=0, share=1e9)
        as_of += timedelta(hours=dice.choice([0, 1, 24, 100, -24]))
    by_key.build(as_of, small=0, share=1e9)
    whole = Told(tmp_path / "other")
    whole.log = PlainLog(tmp_path / "other", by_key.log.commits)
    whole.build(as_of)
    for name in needed(*SYNC):
        one, other = (Counter(map(repr, each.rows(f"from {name}"))) for each in (by_key, whole))
        assert one == other, name
    assert by_key.rows("select count(*) from int_inbound_records")[0][0] > 0
