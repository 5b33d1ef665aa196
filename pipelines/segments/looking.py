"""Looking at segments: what is there, how one went, and what a query would make of one before it is kept."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import ModelError, UsageError
from pipelines.models import MEMBERS, NOWHERE, PREFIX, SEGMENTS, Model
from pipelines.warehouse import Warehouse, write_whole

SAMPLE = 10
"""Contacts that are shown of a segment."""
DAYS = 60
"""Days with changes that are shown of a segment."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
TABLES = (SEGMENTS, MEMBERS, "int_contacts")

Contact = tuple[int, str, str]
"""Id, address, name."""


@dataclass(frozen=True)
class Told:
    """A segment as it stands: what its header says, how many are in, or why it failed."""

    segment: str
    name: str
    question: str
    description: str
    owner: str
    deliver: list[str]
    state: str
    reason: str | None
    member_count: int | None


@dataclass(frozen=True)
class Look:
    """What a query would make of a segment.

    Attributes:
        entering, leaving: who would come and go, against who is in now.
        overlaps: name of each other segment to how many are in both.
        seconds: that the query took.
    """

    member_count: int
    sample: list[Contact]
    entering_count: int
    entering: list[Contact]
    leaving_count: int
    leaving: list[Contact]
    overlaps: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class View:
    """How a segment went: what it is, its size day by day, who is in, and what became of them at each destination."""

    told: Told
    sizes: list[tuple[date, int, int, int]]
    sample: list[Contact]
    deliveries: list[tuple[str, str, str, str | None, int]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            **asdict(self.told),
            "sizes": [dict(zip(("day", "members", "entered", "left"), row, strict=True)) for row in self.sizes],
            "sample": [dict(zip(("contact_id", "email", "name"), row, strict=True)) for row in self.sample],
            "deliveries": [
                dict(zip(("destination", "object", "verdict", "reason", "records"), row, strict=True))
                for row in self.deliveries
            ],
        }


def catalog(warehouse: Warehouse) -> list[Told]:
    """Return the segments as the last build left them, by name of the file.

    Raises:
        UsageError: there are no tables yet.
    """
    _require(warehouse)
    with warehouse.connect({SEGMENTS}) as db:
        if not _has(db, SEGMENTS):
            return []
        return [Told(*row) for row in db.execute(f"select * from {SEGMENTS} order by segment").fetchall()]


def look(warehouse: Warehouse, models: Mapping[str, Model], model: Model) -> Look:
    """Return what a segment's SQL gives over the tables as they stand; nothing is written.

    Raises:
        UsageError: there are no tables yet. ModelError: the segment is wrong, or its query fails.
    """
    _require(warehouse)
    if model.fault:
        raise ModelError(model.fault)
    others = {name for name in model.reads if name in models}
    with warehouse.connect({*others, *TABLES} - {model.name}) as db:
        db.execute("set variable as_of = cast(? as timestamptz)", [warehouse.catalog().as_of])
        started = time.perf_counter()
        query = model.sql.strip().removesuffix(";")
        try:
            db.execute(
                "create temp table chosen as select distinct cast(contact_id as bigint) as contact_id "
                f"from ({query}\n) where contact_id is not null"
            )
        except duckdb.Error as error:
            raise ModelError(f"{model.path} failed: {str(error)[:600]}") from None
        if not _has(db, MEMBERS):
            db.execute(f"create temp table {MEMBERS} (segment varchar, contact_id bigint)")
        standing = f"(select contact_id from {MEMBERS} where segment = '{model.name}')"
        changes = {"entering": f"from chosen anti join {standing} using (contact_id)"}
        changes["leaving"] = f"from {standing} anti join chosen using (contact_id)"
        counts = {name: int(db.execute(f"select count(*) {sql}").fetchall()[0][0]) for name, sql in changes.items()}
        overlaps = db.execute(
            f"select segment, count(*) from {MEMBERS} semi join chosen using (contact_id) "
            "where segment <> ? group by segment order by 2 desc, 1",
            [model.name],
        ).fetchall()
        return Look(
            int(db.execute("select count(*) from chosen").fetchall()[0][0]),
            _contacts(db, "from chosen"),
            counts["entering"],
            _contacts(db, changes["entering"]),
            counts["leaving"],
            _contacts(db, changes["leaving"]),
            dict(overlaps),
            time.perf_counter() - started,
        )


def show(warehouse: Warehouse, name: str) -> View:
    """Return how a segment went.

    Raises:
        UsageError: there is no such segment in the tables.
    """
    known = {told.segment: told for told in catalog(warehouse)}
    found = known.get(name) or known.get(f"{PREFIX['segments']}{name}")
    if found is None:
        raise UsageError(f"there is no segment {name!r} in the tables; there is {', '.join(known) or 'none'}.")
    with warehouse.connect({*TABLES, "segment_sizes", "verdicts"}) as db:
        sizes = (
            db.execute(
                "select day, member_count, entered_count, left_count from segment_sizes where segment = ? "
                f"order by day desc limit {DAYS}",
                [found.segment],
            ).fetchall()
            if _has(db, "segment_sizes")
            else []
        )
        deliveries = (
            db.execute(
                "select destination, object, verdict, reason, count(*) from verdicts "
                "where split_part(object_key, '|', 1) = ? group by all order by all",
                [found.segment],
            ).fetchall()
            if _has(db, "verdicts")
            else []
        )
        sample = _contacts(db, f"from {MEMBERS} where segment = '{found.segment}'")
    return View(found, sizes[::-1], sample, deliveries)


def written(
    folder: Path,
    name: str,
    *,
    question: str = "",
    title: str = "",
    owner: str = "",
    deliver: Sequence[str] = (),
    sql: str,
) -> Path:
    """Write a new segment's file and return its path.

    Raises:
        UsageError: the name is none, or is taken.
    """
    stem = name.removeprefix(PREFIX["segments"])
    if not NAME.fullmatch(stem):
        raise UsageError(f"{name!r} is no name for a segment: write a-z, 0-9 and _, and begin with a letter.")
    path = folder / f"{PREFIX['segments']}{stem}.sql"
    if path.exists():
        raise UsageError(f"{path} is there already. Edit it, or choose another name.")
    words = stem.replace("_", " ")
    asked = " ".join((question or f"Who is in {words}?").split())
    lines = [
        f"-- {asked}",
        "-- grain: one row per contact_id",
        f"-- name: {' '.join(title.split()) or words.capitalize()}",
        f"-- owner: {' '.join(owner.split())}",
        f"-- deliver: {', '.join(deliver) or NOWHERE}",
        sql.strip().removesuffix(";").rstrip(),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, ("\n".join(lines) + "\n").encode())
    return path


def _contacts(db: duckdb.DuckDBPyConnection, relation: str) -> list[Contact]:
    """Return the first few contacts of a relation, by id, with what they are called."""
    ids = [int(row[0]) for row in db.execute(f"select contact_id {relation} order by 1 limit {SAMPLE}").fetchall()]
    if not ids:
        return []
    found = db.execute(
        "select contact_id, email, trim(first_name || ' ' || last_name) from int_contacts "
        f"where contact_id in ({', '.join(map(str, ids))})"
    ).fetchall()
    known = {int(one): (int(one), str(email or ""), str(name or "")) for one, email, name in found}
    return [known.get(one, (one, "", "")) for one in ids]


def _has(db: duckdb.DuckDBPyConnection, name: str) -> bool:
    return bool(db.execute("select 1 from duckdb_views() where view_name = ?", [name]).fetchall())


def _require(warehouse: Warehouse) -> None:
    if not warehouse.is_there:
        raise UsageError(f"{warehouse.file} is not there yet. `turnout build` makes it.")
