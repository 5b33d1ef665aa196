"""Whatever comes in whatever order over whatever moments: built by key equals built whole, row for row (EV-02)."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import models, transform
from pipelines.log import Log
from pipelines.models import Model
from pipelines.transform import layers
from pipelines.warehouse import Warehouse
from tests.properties.histories import DAYS, START, PlainLog, Teller
from tests.properties.histories import settings as told_settings
from tests.properties.org import OrgTeller, doubled

MODELS = models.load()
COMPANIES = 50
"""Histories that one log holds side by side: they share their moments and settings, and nothing else."""
PARTS = 6
LOGS = int(os.environ.get("TURNOUT_HISTORIES", "300")) // COMPANIES // PARTS
"""Without TURNOUT_HISTORIES every run plays the same histories; with it, so many, others each time, and longer ones."""
IS_LONG = "TURNOUT_HISTORIES" in os.environ
LENGTHS = (30, 130) if IS_LONG else (15, 75)
"""How many events a history has."""
ENDS = sorted(model.name for model in MODELS.values() if model.layer in ("marts", "sync"))


def some(dice: random.Random, part: int) -> dict[str, Model]:
    """Return some models that people read, with all that these are made of; the parts of a short run have all."""
    return made_of(dice.sample(ENDS, 4) if IS_LONG else ENDS[part::PARTS])


def made_of(names: Iterable[str]) -> dict[str, Model]:
    """Return models and all that these are made of."""
    wanted, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        wanted.add(name)
        waiting += [one for one in MODELS[name].reads if one not in wanted]
    return {name: model for name, model in MODELS.items() if name in wanted}


def rows(home: Path, chosen: Mapping[str, Model]) -> dict[str, Counter[str]]:
    """Return these models' rows, in no order."""
    found: dict[str, Counter[str]] = {}
    with Warehouse(home).connect(chosen) as db:
        for name in chosen:
            found[name] = Counter(map(repr, db.execute(f"select * from {name}").fetchall()))
    return found


def differences(one: dict[str, Counter[str]], other: dict[str, Counter[str]]) -> dict[str, tuple[list[str], list[str]]]:
    """Return what each has that the other has not, by model."""
    return {
        name: (sorted((one[name] - other[name]).elements()), sorted((other[name] - one[name]).elements()))
        for name in one
        if one[name] != other[name]
    }


def play(dice: random.Random, part: int, folder: Path) -> tuple[dict[str, tuple[list[str], list[str]]], Counter[str]]:
    """Play histories in random pieces; return what differs from a whole build, and how models were built."""
    log = PlainLog(folder / "one")
    layers.LARGE, layers.STRETCH, layers.LAYERS, layers.LEAST = 0, 5, dice.randint(1, 4), dice.choice([0, 5, 50_000])
    layers.GAP = dice.choice([1, 3])
    waiting = [event for n in range(1, COMPANIES + 1) for event in OrgTeller(dice, n).history(dice.randint(*LENGTHS))]
    dice.shuffle(waiting)
    steps = dice.randint(3, 6)
    as_of = START + timedelta(seconds=dice.randint(0, DAYS * 86_400))
    log.append("turnout/settings", [told_settings(dice, START, 0)])
    how: Counter[str] = Counter()
    chosen = some(dice, part)
    for step in range(steps):
        cut = len(waiting) if step == steps - 1 else dice.randint(0, len(waiting) // (4 if step else 1))
        piece, waiting = waiting[:cut], waiting[cut:]
        by_stream: dict[str, list[dict[str, object]]] = {}
        for stream, row in piece:
            by_stream.setdefault(stream, []).append(row | {"observed_at": START + timedelta(seconds=step)})
        for stream, found in by_stream.items():
            log.append(stream, found)
        if step and dice.random() < 0.1:
            log.append("turnout/settings", [told_settings(dice, as_of - timedelta(hours=1), step)])
        receipt = transform.build(cast(Log, log), chosen, as_of=as_of, small=0, share=1e9, lanes=1 + step % 2)
        how.update(built.how for built in receipt.models.values() if not built.is_reused)
        if step < steps - 1:
            hours = dice.choice([0, 1, 1, 24, 24, 24 * 12, -24])
            as_of += timedelta(hours=hours, seconds=dice.choice([0, 17]))
    whole = PlainLog(folder / "other", log.commits)
    transform.build(cast(Log, whole), chosen, as_of=as_of)
    return differences(rows(log.home, chosen), rows(whole.home, chosen)), how


@pytest.mark.rule("EV-02")
@pytest.mark.parametrize("part", range(PARTS))
@settings(
    max_examples=LOGS,
    deadline=None,
    derandomize=not IS_LONG,
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=True))
def test_built_by_key_equals_built_whole(part: int, dice: random.Random) -> None:
    with TemporaryDirectory() as folder:
        found, _ = play(random.Random(f"{part} {dice.random()}"), part, Path(folder))
        assert found == {}
        assert doubled(Path(folder) / "one") == []


@pytest.mark.rule("EV-02")
def test_where_nothing_comes_but_time_goes_by_what_leaves_a_window_is_counted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "LARGE", 0)
    monkeypatch.setattr(layers, "STRETCH", 5)
    monkeypatch.setattr(layers, "GAP", 1)
    dice = random.Random("windows")
    log, chosen = PlainLog(tmp_path / "one"), made_of(["contact_metrics"])
    log.append("turnout/settings", [told_settings(dice, START, 0)])
    by_stream: dict[str, list[dict[str, object]]] = {}
    for stream, row in (event for n in range(1, 20) for event in OrgTeller(dice, n).history(75)):
        by_stream.setdefault(stream, []).append(row)
    for stream, found in by_stream.items():
        log.append(stream, found)
    how: Counter[str] = Counter()
    for day in range(10, 70, 10):
        as_of = START + timedelta(days=day, seconds=17)
        receipt = transform.build(cast(Log, log), chosen, as_of=as_of, small=0, share=1e9)
        how.update(name for name, built in receipt.models.items() if built.how == "by key")
        whole = PlainLog(tmp_path / f"{day}", log.commits)
        transform.build(cast(Log, whole), chosen, as_of=as_of)
        assert differences(rows(log.home, chosen), rows(whole.home, chosen)) == {}
    assert {"int_crm_metrics", "int_zoom_metrics", "int_email_touches"} <= how.keys()


@pytest.mark.rule("EV-02", "HZ-12")
def test_who_registered_after_the_end_is_on_the_timeline_of_whom_they_turn_out_to_be(tmp_path: Path) -> None:
    teller = Teller(random.Random("late"), 1)
    (ada, *_), (contact, *_), (uuid, *_) = teller.people, teller.contacts, teller.sessions
    webinar, start = teller.sessions[uuid], START + timedelta(days=3)

    def runs(topic: str, day: int) -> None:
        body = {"topic": topic, "type": 5, "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}", "duration": 60}
        body |= {"created_at": START.isoformat(), "settings": {"approval_type": 0}}
        teller.tell("zoom/webinars", str(webinar), body, START + timedelta(days=day))

    def one() -> None:
        runs("One", 0)
        span = {"start_time": start.isoformat(), "end_time": (start + timedelta(hours=1)).isoformat()}
        teller.tell("zoom/instances", uuid, span, start + timedelta(hours=2), str(webinar))
        at = START + timedelta(days=5)
        body = {"email": ada, "first_name": "Ada", "status": "approved", "create_time": at.isoformat()}
        teller.tell("zoom/registrants", f"{webinar}|r", body, at, str(webinar))

    def known() -> None:
        body = {"createdAt": START.isoformat(), "properties": {"email": ada}}
        teller.tell("hubspot/contacts", str(contact), body, START + timedelta(days=6))

    log, chosen = PlainLog(tmp_path / "home"), made_of(["contact_timeline"])
    log.append("turnout/settings", [told_settings(random.Random(0), START, 0)])
    found: list[tuple[object, ...]] = []
    for tell in (one, known, lambda: runs("Two", 7)):
        teller.events.clear()
        tell()
        for stream, row in teller.events:
            log.append(stream, [row | {"kind": "seen"}])
        transform.build(cast(Log, log), chosen, as_of=START + timedelta(days=9), small=0, share=1e9)
        with Warehouse(log.home).connect(chosen) as db:
            found += db.execute("select contact_id, entry_type, topic from contact_timeline").fetchall()
    entry = "webinar_registered"
    assert found == [(None, entry, "One"), (contact, entry, "One"), (contact, entry, "Two")]


LATE = {
    "built within the millisecond": (timedelta(microseconds=500), timedelta(0), None),
    "built a day later": (timedelta(days=1), timedelta(0), None),
    "sent after the build": (timedelta(hours=1), timedelta(days=1), None),
    "sent nobody knows when": (timedelta(hours=1), timedelta(days=1), "some day"),
}
"""How long after an open the first build was, and its sending, and what is told to be the time of that."""


def opened(
    folder: Path, model: str, sql: str, built_after: timedelta, sent_after: timedelta, created: str | None
) -> tuple[list[str], str]:
    """Return to whom an open goes, before its sending is told and after, and how the model was built then."""
    teller, at = Teller(random.Random("sent"), 1), START + timedelta(days=1)
    ada, bob = teller.people[:2]
    sent = {"id": "s", "created": created or round((at + sent_after).timestamp() * 1000)}
    key = f"s|{sent['created']}"
    body = {"emailCampaignId": 1, "filteredEvent": False}
    teller.tell("hubspot/email_events", "o", {**body, "type": "OPEN", "recipient": bob, "sentBy": sent}, at)
    teller.tell("hubspot/email_events", key, {**body, "type": "SENT", "recipient": ada}, at + sent_after)
    log, chosen = PlainLog(folder), made_of([model])
    log.append("turnout/settings", [told_settings(random.Random(0), START, 0)])
    whose: list[str] = []
    how = ""
    for after, (stream, row) in zip((built_after, timedelta(days=2)), teller.events, strict=True):
        log.append(stream, [row | {"kind": "seen"}])
        how = transform.build(cast(Log, log), chosen, as_of=at + after, small=0, share=1e9).models[model].how
        with Warehouse(log.home).connect(chosen) as db:
            emails = f"select distinct email from stg_hubspot__email_events where email_key in ({sql})"
            whose += [{ada: "ada", bob: "bob"}[email] for (email,) in db.execute(emails).fetchall()]
    return whose, how


@pytest.mark.rule("EV-02", "HS-07")
@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_an_open_goes_to_whom_it_was_sent_to_however_late_the_sending_is_told(
    tmp_path: Path, late: tuple[timedelta, timedelta, str | None]
) -> None:
    found = opened(tmp_path, "int_email_touches", "select email_key from int_email_touches", *late)
    assert found == (["bob", "ada"], "whole")


@pytest.mark.rule("EV-02", "HS-07")
@pytest.mark.parametrize(
    "late", [*LATE.values(), (timedelta(hours=-1), timedelta(0), None)], ids=[*LATE, "built before both"]
)
def test_the_activity_of_an_open_goes_there_too(tmp_path: Path, late: tuple[timedelta, timedelta, str | None]) -> None:
    keys = "select email_key from int_activities where activity_type = 'marketing_email_opened'"
    assert opened(tmp_path, "int_activities", keys, *late) == (["bob", "ada"], "by key")
