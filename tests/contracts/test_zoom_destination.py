"""Zoom as a destination: what is told of a refusal, who is there after a silence, how often a person is asked for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import orjson
import pytest

from pipelines import publish
from pipelines.errors import QuotaError, UnknownOutcomeError
from pipelines.log import Log
from pipelines.publish.planned import Planned
from pipelines.publish.rows import Outcome, Row
from pipelines.sandbox import Sandbox
from pipelines.settings import Connection, connections
from pipelines.vendors.zoom.client import ZoomClient
from pipelines.vendors.zoom.destination import PLACES, TOMORROW, ZoomDestination
from tests.worlds import registrant, session, webinar, world

ACCOUNT = "zoom-account"
FREE, CLOSED, OVER, FULL, BY_HAND, PAID, WORK = range(101, 108)
SEED, DAYS = 1, 30


def wish(email: str, number: int = FREE, account: str = ACCOUNT, **fields: str) -> Row:
    """Return a row that registers somebody."""
    told = {"email": email, "first_name": "Ada", "last_name": None, **fields}
    context = {"account": account, "webinar_id": str(number), "occurrence_id": ""}
    return Row("registration", "create", f"{number}||{email}", fields=told, context=context)


class Place:
    """A sandbox with one Zoom account, and the destination that writes to it."""

    def __init__(self) -> None:
        def ahead(number: int, **settings: Any) -> dict[str, Any]:
            people = [registrant("bob@x.example"), registrant("dan@x.example", status="denied")]
            told = {"approval_type": 0, "registration_type": 1, **settings}
            stage = [{"id": "p1", "email": "pat@x.example", "name": "Pat"}]
            return webinar(number, day="2026-12-10", settings=told, registrants=people, panelists=stage)

        self.sandbox = Sandbox(
            world(
                ahead(FREE),
                ahead(CLOSED, approval_type=2),
                webinar(OVER, instances=[session("u1==", "10:00", "11:00")]),
                ahead(FULL, registrants_restrict_number=1),
                ahead(BY_HAND, approval_type=1),
                ahead(PAID, paid_registration=True),
                ahead(WORK, blocked_domains="mail.example"),
            )
        )
        self.sandbox.start()
        mine = {name: value for name, value in self.sandbox.environment.items() if name.startswith("ZOOM")}
        self.destination = ZoomDestination((connections(mine)["zoom"],))

    def send(self, row: Row) -> Outcome:
        """Send one row."""
        (outcome,) = self.destination.send(self.destination.phases[0], [row])
        return outcome


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """The sandbox; each test has people of its own in it."""
    made = Place()
    yield made
    made.sandbox.stop()


@pytest.mark.rule("HZ-33", "HZ-34", "ZM-12", "EV-07")
@pytest.mark.parametrize(
    ("row", "status", "words"),
    [
        (wish("hana@host.example"), "rejected", "hana@host.example: is the host of the webinar"),
        (wish("pat@x.example"), "rejected", "pat@x.example: is a panelist of the webinar"),
        (wish("ada@x.example", CLOSED), "rejected", "does not require registration"),
        (wish("ada@x.example", PAID), "rejected", "is paid"),
        (wish("eve@x.example", OVER), "rejected", "the webinar is over"),
        (wish("dan@x.example"), "rejected", "the host has denied this registration"),
        (wish("fay@mail.example", WORK), "rejected", "takes work addresses alone"),
        (wish("gus@x.example", 999), "rejected", "was deleted in Zoom"),
        (wish("hal@x.example", FULL), "not_done", PLACES),
        (wish("ivy@x.example", questions=orjson.dumps({"org": "O" * 200}).decode()), "published", ""),
        (
            wish("jo@x.example", account="other"),
            "waiting",
            "Zoom account other, which has the webinar, is not connected",
        ),
        (wish("no address"), "rejected", "email"),
    ],
)
def test_what_zoom_refuses_is_told_in_words_that_name_the_thing(
    place: Place, row: Row, status: str, words: str
) -> None:
    outcome = place.send(row)
    assert outcome.status == status
    assert words in outcome.reason


@pytest.mark.rule("ZM-03", "ZM-04")
def test_the_link_comes_with_the_answer_or_with_the_approval_and_is_no_part_of_what_was_sent(place: Place) -> None:
    told = place.send(wish("kim@x.example", org="Kim Ltd", phone="+49 30 1")).told()
    assert told["answered"]["join_url"].endswith(told["vendor_id"])
    assert "join_url" not in told["fields"]
    waits = place.send(wish("kim@x.example", BY_HAND)).told()
    assert waits["status"] == "published"
    assert set(waits["answered"]) == {"called_at"}


@pytest.mark.rule("EV-06")
def test_after_a_silence_the_lists_of_registrants_tell_who_is_there(place: Place) -> None:
    place.send(wish("lea@x.example", BY_HAND))
    rows = [wish("LEA@x.example ", BY_HAND), wish("bob@x.example"), wish("dan@x.example"), wish("mo@x.example", 999)]
    found = place.destination.ask(rows)
    assert [one.status for one in found] == ["published", "published", "not_done", "not_done"]
    assert found[1].vendor_id == "r-bob@x.example"
    assert found[1].answered == {"join_url": f"https://zoom.example/w/{FREE}?tk=r-bob@x.example"}


@pytest.mark.rule("HZ-32")
def test_calls_that_others_made_for_an_address_let_it_wait_too(place: Place) -> None:
    stranger = ZoomDestination(
        tuple(
            Connection("zoom", client.api.base_url, ACCOUNT, "zoom-client", "zoom-secret-value", is_sandboxed=True)
            for client in place.destination.clients.values()
        )
    )
    for number in (FREE, BY_HAND, WORK):
        assert stranger.send(stranger.phases[0], [wish("ned@x.example", number)])[0].status == "published"
    outcome = place.send(wish("ned@x.example", FULL))
    assert (outcome.status, outcome.reason) == ("waiting", TOMORROW)
    assert outcome.answered is not None
    place.sandbox.clear_requests()
    assert place.send(wish("ned@x.example", CLOSED)).reason == TOMORROW
    assert place.sandbox.requests() == [], "that was known without asking"


class Killed(BaseException):
    """The process is gone."""


class FakeZoom:
    """Zoom as one account sees it, with a clock; it counts each call for an address, day by day, and loses answers."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.clock = datetime(2026, 11, 1, 20, tzinfo=UTC)
        self.called: Counter[tuple[str, str]] = Counter()
        self.there: dict[str, set[str]] = {}
        self.is_dead = False
        self.refused = 0
        self.told_at = self.clock

    def now(self) -> datetime:
        """Return the clock as the last answer told it."""
        return self.told_at

    def post(self, path: str, *, json: dict[str, Any], **_: Any) -> Any:
        """Register, and let time pass; now and then the answer is lost, or the caller dies."""
        if self.is_dead or (fate := self.chance.random()) < 0.04:
            self.is_dead = True
            raise Killed
        self.clock += timedelta(seconds=self.chance.choice((1, 40, 900)))
        if fate < 0.1:
            raise UnknownOutcomeError("no answer came", vendor="zoom")
        person = json["email"], f"{self.clock:%Y-%m-%d}"
        self.called[person] += 1
        if self.called[person] > 3:
            self.refused += 1
            raise QuotaError("It said: 'daily rate limit of (3) for the registrant'", vendor="zoom")
        self.there.setdefault(path, set()).add(json["email"])
        if fate < 0.2:
            raise UnknownOutcomeError("no answer came", vendor="zoom")
        if fate < 0.25:
            self.is_dead = True
            raise Killed
        self.told_at = self.clock
        return SimpleNamespace(data={"registrant_id": "r", "join_url": "https://zoom.example/w/1"}, at=self.clock)

    def listing(self, path: str, rows: str, *, params: dict[str, str], **_: Any) -> list[msgspec.Raw]:
        """Return who is registered."""
        self.told_at = self.clock
        people = sorted(self.there.get(path, ())) if params["status"] == "approved" else []
        return [msgspec.Raw(orjson.dumps({"id": f"r-{email}", "email": email})) for email in people]


@pytest.mark.rule("HZ-32", "EV-06")
def test_in_thirty_days_of_kills_and_lost_answers_nobody_is_asked_for_a_fourth_time_a_day(tmp_path: Path) -> None:
    chance, log = random.Random(SEED), Log(tmp_path)
    zoom = FakeZoom(chance)
    wanted: dict[str, Row] = {}
    done: Counter[str] = Counter()
    waited = 0
    end, turn = zoom.clock + timedelta(days=DAYS), 0
    while zoom.clock < end:
        turn += 1
        zoom.clock, zoom.is_dead = zoom.clock + timedelta(hours=chance.choice((0.5, 6, 17, 22, 24))), False
        destination = ZoomDestination(())
        destination.clients = {ACCOUNT: cast(ZoomClient, zoom)}
        for number in range(chance.randint(0, 4)):
            row = wish(chance.choice(("ada@x.example", "bob@x.example")), 1000 + 10 * turn + number)
            wanted[row.key] = row
        zoom.told_at = at = zoom.clock
        publish.resolve(log, {"zoom": destination}, run=f"r{turn}", settings="", at=at)
        settled = {str(one["key"]) for one in _outcomes(log) if one["status"] == "published"}
        rows = [row for key, row in sorted(wanted.items()) if key not in settled]
        plan = publish.Plan(at, {}, "", {"zoom": Planned.of(rows)})
        try:
            receipt = publish.apply(plan, log, {"zoom": destination}, run=f"r{turn}", at=at)
        except Killed:
            continue
        waited += sum(why == TOMORROW for _, why in receipt.waiting)
    done.update(str(one["key"]) for one in _outcomes(log) if one["status"] == "published")
    assert max(zoom.called.values()) == 3
    assert zoom.refused == 0
    assert waited > 0
    assert set(done.values()) == {1}
    assert len(done) > len(wanted) - 12, "what waited went out by itself"


def _outcomes(log: Log) -> list[dict[str, Any]]:
    rows = log.query("turnout", "outcomes", "select payload from events order by key", {})
    return [orjson.loads(payload) for (payload,) in rows]
