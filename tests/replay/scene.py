"""The scene of the kills: two runs of a small company in which every kind of write happens, cut into their steps.

Each step starts from what the undisturbed steps before it left: a folder and the vendors' state, both kept, so that a
kill costs one step and what comes after it. What must be there in the end was found by runs that nobody disturbed.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.company import Company
from tests.replay.killer import KINDS, STEPS
from tests.replay.nursery import Ended, Nursery
from tests.worlds import NOW, contact, email_event, form, joined, later, registrant, series, session, webinar, world

World = dict[str, Any]
ONE, SERIES, NEXT = 84759841045, 5555, 4711
ADA, EVE = "0035g0000000001AAA", "00Q5g0000000001AAA"
PEOPLE = ["ada@x.example", "bob@x.example", "cy@x.example", "di@x.example"]
READS = ("/search", "/batch/read", "/oauth/token", "/oauth2/token")
OURS_ALONE = re.compile(r"-[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[0-9:.+]+")
"""What differs between two processes that did the same: names that Delta makes up, moments of our clock."""


def engagement(number: int, contacts: list[int], **properties: str) -> World:
    """A call, a note or the like, of a day after all contacts were there."""
    told = {"hs_timestamp": "2026-11-15T10:00:00Z", **properties}
    return {
        "id": str(number),
        "createdAt": "2026-11-15T10:00:00.000Z",
        "updatedAt": "2026-11-15T10:00:00.000Z",
        "archived": False,
        "properties": told,
        "associations": {"contacts": [str(one) for one in contacts]},
    }


def beginning() -> World:
    """A past webinar, a series to come, a contact, and one who cancelled; two of them are known to Salesforce."""
    told = world(
        webinar(
            ONE,
            registrants=[registrant(email) for email in PEOPLE],
            instances=[session("u1==", "10:00", "11:00", [joined(email, "10:00", "10:30") for email in PEOPLE[:3]])],
        ),
        series(SERIES, ["2026-12-01", "2026-12-08"], registrants=[registrant(PEOPLE[0]), registrant(PEOPLE[1])]),
        contacts=[contact(1, PEOPLE[0]), contact(2, "eve@x.example")],
        email_events=[email_event("OPEN", PEOPLE[0], 1, "2026-11-01T00:00:00+00:00")],
        forms=[form("f1", [("eve@x.example", "2026-11-02T00:00:00+00:00")])],
        calls=[engagement(701, [1, 2], hs_call_title="Hello")],
        notes=[engagement(702, [1], hs_note_body="A note")],
    )
    told["salesforce"] = [
        {
            "org_id": "00D5g000001abcdEAA",
            "client_id": "salesforce-client",
            "client_secret": "salesforce-secret",
            "time_zone": "Europe/Paris",
            "Contact": [{"Id": ADA, "LastName": "A", "Email": PEOPLE[0], "CreatedDate": "2025-01-01T00:00:00Z"}],
            "Lead": [
                {
                    "Id": EVE,
                    "LastName": "E",
                    "Company": "X",
                    "Email": "eve@x.example",
                    "CreatedDate": "2025-01-01T00:00:00Z",
                }
            ],
        }
    ]
    return told


def going_on(told: World) -> None:
    """Move the world by a day: someone new, someone back, someone gone, a new webinar, a new name, a late report."""
    account, portal = told["zoom"][0], told["hubspot"][0]
    first, many = account["webinars"]
    account["webinars"].append(webinar(NEXT, day="2026-11-30", registrants=[registrant("flo@x.example")]))
    first["topic"] = "Another name"
    first["registrants"][3]["first_name"] = "Diana"
    many["registrants"][1]["status"] = "denied"
    many["registrants"].append(registrant("gus@x.example"))
    portal["email_events"].append(email_event("CLICK", PEOPLE[1], 1, "2026-11-20T13:00:00+00:00"))
    portal["contacts"] = [one for one in portal["contacts"] if one["properties"]["email"] != "eve@x.example"]
    portal["calls"][0]["properties"]["hs_call_title"] = "Hello again"
    portal["calls"][0]["updatedAt"] = "2026-11-20T13:00:00.000Z"
    portal["calls"].append(engagement(703, [1], hs_call_title="Next"))
    portal["calls"][-1]["updatedAt"] = "2026-11-20T13:00:00.000Z"


def coming_back(told: World) -> None:
    """Move the world by another day: who cancelled is back, and a report says more than it did."""
    first, many = told["zoom"][0]["webinars"][:2]
    many["registrants"][1]["status"] = "approved"
    first["instances"][0]["participants"].append(joined(PEOPLE[3], "10:40", "10:50"))


CHAPTERS: Mapping[str, tuple[Callable[[World], None] | None, tuple[str, ...]]] = {
    "first": (None, STEPS),
    "next": (going_on, STEPS),
    "back": (coming_back, ("apply",)),
}
"""The runs: how the world moves before each, and which of its steps are killed."""


@dataclass(frozen=True, order=True)
class Point:
    """One moment at which a run can be killed, and what it was about to do, or had done."""

    chapter: str
    step: str
    kind: str
    number: int
    when: str
    doing: str = field(default="", compare=False)

    @property
    def stratum(self) -> tuple[str, ...]:
        """What kind of moment this is: of each kind some are tried wherever not all of them are."""
        what = ""
        if self.kind == "http":
            is_reading = "GET" in self.doing or self.doing.partition("?")[0].endswith(READS)
            what = "read" if is_reading else "write"
        elif self.kind == "commit":
            what = self.doing.rpartition(" ")[2] if " turnout/" in self.doing else ""
        is_write = self.kind == "http" and self.step == "apply"
        if is_write and self.when == "before":
            what = "call"  # whichever it is, nothing of it has happened yet
        kind = "file" if self.kind in ("rename", "fsync", "unlink") else self.kind
        if self.step in ("build", "plan"):
            kind, what = "any", ""  # nothing but derived tables comes of these
        return self.step, kind, self.when if is_write else "", what

    def __str__(self) -> str:
        return f"{self.chapter} {self.step}: {self.when} {self.kind} {self.number} ({self.doing})"


@dataclass
class State:
    """A folder as it was kept, and the vendors as they were."""

    home: Path
    world: bytes
    names: Any


@dataclass
class Start:
    """Where a step starts, how it is called, and all points that it passes undisturbed."""

    state: State
    words: list[str]
    points: list[Point]


class Scene:
    """One company, played once undisturbed; then again from any step, as often as is wanted."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self.folder = folder
        self.nursery = nursery
        self.company = Company(beginning(), folder / "home")
        self.starts: dict[tuple[str, str], Start] = {}
        self.expected: dict[tuple[str, int], dict[str, Any]] = {}
        self.calm: dict[str, dict[str, int]] = {}
        self.known: dict[str, list[str]] = {}
        self.kills = 0
        for day, (chapter, (move, killed)) in enumerate(CHAPTERS.items()):
            if move is not None:
                self.company.change(move, later(NOW, days=day))
            self._play(chapter, killed)

    def stop(self) -> None:
        """Close the vendors."""
        self.company.sandbox.stop()

    @property
    def points(self) -> list[Point]:
        """Every point of every step, in order."""
        return [point for start in self.starts.values() for point in start.points]

    def _play(self, chapter: str, killed: Collection[str]) -> None:
        """Play a run step by step, keep where each starts, and what there is in the end."""
        self.company.sandbox.clear_requests()
        for step in STEPS:
            words = [step]
            if step == "apply":
                plans = sorted((self.company.home / "plans").glob("*.parquet"), key=lambda path: path.stat().st_mtime)
                words.append(plans[-1].stem)
            state = self.keep(f"{chapter}-{step}") if step in killed else None
            ended = self.command(words)
            assert ended.status == 0, f"{words}: {ended.err}"
            numbers: dict[str, int] = {}
            points = []
            for kind, _, doing in ended.told:
                numbers[kind] = numbers.get(kind, 0) + 1
                points += [Point(chapter, step, kind, numbers[kind], when, doing) for when in ("before", "after")]
            if state is not None:
                self.starts[chapter, step] = Start(state, words, points)
        self.expected[chapter, 1] = self.settled(0)
        self.expected[chapter, 2] = self.settled(1)
        self.calm[chapter] = self.written()
        assert self.expected[chapter, 2]["problems"] == []

    def keep(self, name: str) -> State:
        """Keep the folder and the vendors as they are."""
        kept = self.folder / "kept" / name
        self.company.home.mkdir(exist_ok=True)
        shutil.copytree(self.company.home, kept)
        state = self.company.sandbox.state
        return State(kept, state.dump(), state.names.getstate())

    def put_back(self, kept: State) -> None:
        """Make folder and vendors what they were."""
        for path in self.company.home.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(kept.home, self.company.home, dirs_exist_ok=True)
        state = self.company.sandbox.state
        self.company.sandbox.set_faults({})
        state.put(orjson.loads(kept.world))
        state.names.setstate(kept.names)
        self.company.sandbox.clear_requests()

    def command(self, words: list[str], **how: Any) -> Ended:
        """Run `turnout …` in a child."""
        return self.nursery.child("command", self.company.environment, words=words, **how)

    def settled(self, runs: int) -> dict[str, Any]:
        """Run so many times; return all that there is then, here and at the vendors."""
        ended = self.nursery.child("settle", self.company.environment, runs=runs)
        if ended.status != 0:
            return {"problems": [f"the next run ended with {ended.status}: {ended.err[-1500:]}"]}
        return {**ended.told, "world": self.vendors()}

    def vendors(self) -> World:
        """Return the vendors' whole state, without the names that HubSpot makes up."""
        told = self.company.sandbox.world()
        for event in told["hubspot"][0]["marketing_events"]:
            event["objectId"] = event["id"] = ""
        return told

    def written(self) -> dict[str, int]:
        """Return how many records each writing call, by vendor and path, took since the vendors were put back."""
        found: dict[str, int] = {}
        for one in self.company.sandbox.requests():
            path = one["path"].partition("?")[0]
            if one["method"] != "GET" and not path.endswith(READS) and one["status"] < 400:
                name = f"{one['vendor']} {path}"
                found[name] = found.get(name, 0) + one["records"]
        return found

    def survives(
        self, point: Point, *more: tuple[str, int, str], moment: float | None = None, faults: Any = None
    ) -> list[str]:
        """Kill a step at a point, and what follows at `more`; then run again. Return what is not as it should be.

        Args:
            moment: kill it after so many seconds, wherever it is then.
            faults: what the vendors do wrong while it lives.
        """
        start = self.starts[point.chapter, point.step]
        self.put_back(start.state)
        self.company.sandbox.set_faults(faults or {})
        kill = ("", 0, "before") if moment is not None else (point.kind, point.number, point.when)
        ended = self.command(start.words, kill=kill, moment=moment)
        self.company.sandbox.set_faults({})
        if not ended.is_killed and moment is None:
            return [f"{point}: was not reached: {ended.status} {ended.err[-500:]}"]
        self.kills += ended.is_killed
        for following in more:
            self.kills += self.nursery.child("settle", self.company.environment, kill=following).is_killed
        is_told = point.step == "apply" or bool(more) or moment is not None
        problems = self.unlike_or_known(point.chapter, runs=2 if is_told else 1)
        return [f"{point} {more or ''}: {problem}" for problem in problems]

    def unlike_or_known(self, chapter: str, *, runs: int = 2, counted: str = "") -> list[str]:
        """Return what `unlike` does; a state that was recovered from before, to the last file, is not tried again."""
        signature = f"{chapter} {runs} {counted} {self._signature()}"
        if signature not in self.known:
            self.known[signature] = self.unlike(chapter, runs=runs, counted=counted)
        return self.known[signature]

    def survives_again_and_again(self, chapter: str, seed: int, longest: int = 7) -> list[str]:
        """Kill a whole run, then the next, and so on, each a little later than the last; return what is wrong then."""
        chance = random.Random(seed)
        self.put_back(self.starts[chapter, "ingest"].state)
        killed = [f"{chapter}, seed {seed}:"]
        number = dict.fromkeys(KINDS, 0)
        for _ in range(longest):
            kind = chance.choices(list(KINDS), (3, 4, 4, 1, 1))[0]
            number[kind] += chance.randint(1, {"http": 20, "commit": 8, "rename": 12}.get(kind, 2))
            kill = (kind, number[kind], chance.choice(("before", "after")))
            ended = self.command(["run"], kill=kill)
            if not ended.is_killed:
                break
            self.kills += 1
            killed.append(f"{kill[2]} {kind} {kill[1]}")
        return [f"{' '.join(killed)}: {problem}" for problem in self.unlike(chapter)]

    def unlike(self, chapter: str, *, runs: int = 2, counted: str = "") -> list[str]:
        """Run again, and return what differs from the run that nobody disturbed.

        Where vendors were told a part, what they then hold is read again by the next run, and by the undisturbed one
        only by the run after: such two are compared when there is nothing more to do.

        Args:
            counted: the calls of which each record must have been written once; by default all.
        """
        expected, found = self.expected[chapter, runs], self.settled(runs)
        problems = [str(problem) for problem in found["problems"]]
        if "world" not in found:
            return problems
        if found["partial"] or found["changes left"]:
            problems.append(f"something is left: partial {found['partial']}, changes {found['changes left']}")
        for what in ("events", "models"):
            for name in sorted({*expected[what], *found[what]}):
                problems += differing(f"{what} of {name}", expected[what].get(name, []), found[what].get(name, []))
        problems += differing("published", expected["published"], found["published"])
        problems += differing("the vendors", flat(expected["world"]), flat(found["world"]))
        calm, written = self.calm[chapter], self.written()
        for path in sorted({*calm, *written}):
            if counted in path and calm.get(path, 0) != written.get(path, 0):
                problems.append(f"{path} took {written.get(path, 0)} records, undisturbed {calm.get(path, 0)}")
        return problems

    def _signature(self) -> str:
        """Return what a next run finds: the vendors' state, which files there are, and what the catalog says."""
        home = self.company.home
        names = sorted(OURS_ALONE.sub("", str(path.relative_to(home))) for path in home.rglob("*"))
        catalog, views = home / "models" / "catalog.json", home / "warehouse.duckdb"
        told = OURS_ALONE.sub("", catalog.read_text(encoding="utf-8")) if catalog.exists() else ""
        is_later = catalog.exists() and views.exists() and views.stat().st_mtime_ns > catalog.stat().st_mtime_ns
        return repr((names, told, is_later, self.vendors(), sorted(self.written().items())))


def differing(what: str, expected: Iterable[str], found: Iterable[str]) -> list[str]:
    """Return a line for each entry that is missing, or is too much."""
    left, right = list(expected), list(found)
    lost, extra = list(left), []
    for one in right:
        if one in lost:
            lost.remove(one)
        else:
            extra.append(one)
    return [f"{what}: lost {one[:300]}" for one in lost] + [f"{what}: too much {one[:300]}" for one in extra]


def flat(told: Any, path: str = "") -> list[str]:
    """Return a document as lines of path and value; entries of a list go by what they say, not by their place."""
    if isinstance(told, dict):
        return [line for name, value in told.items() for line in flat(value, f"{path}/{name}")]
    if isinstance(told, list):
        named = (
            [str(one.get("id") or one.get("externalEventId") or one.get("email")) for one in told if one]
            if (told and isinstance(told[0], dict))
            else [""] * len(told)
        )
        return [line for name, value in zip(named, told, strict=False) for line in flat(value, f"{path}/[{name}]")]
    return [f"{path} = {told!r}"]


def sample(points: Iterable[Point], number: int, seed: int) -> list[Point]:
    """Return so many points, from every stratum as evenly as can be."""
    chance = random.Random(seed)
    strata: dict[tuple[str, ...], list[Point]] = {}
    for point in points:
        strata.setdefault(point.stratum, []).append(point)
    for some in strata.values():
        chance.shuffle(some)
    chosen: list[Point] = []
    while len(chosen) < number and any(strata.values()):
        for key in sorted(strata):
            if strata[key]:
                chosen.append(strata[key].pop())
    return chosen[:number]
