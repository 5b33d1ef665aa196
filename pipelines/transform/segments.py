"""All segments in one step: each is a view, and who is in them is one table. One that fails takes no other with it.

A segment's rows are those of the table `segment_members` that bear its name, so that a dozen segments cost about as
much as one model. What is wrong with a segment stands in the table `segments`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

import duckdb

from pipelines.errors import ModelError
from pipelines.models import MEMBERS, SEGMENTS, Model
from pipelines.transform.bench import Bench, Change, fingerprint_of
from pipelines.warehouse import Catalog, Entry

COLUMNS = """
    segment varchar, name varchar, question varchar, description varchar, owner varchar, deliver varchar[],
    state varchar, reason varchar, member_count bigint
"""
SHOWN = 400
"""Characters of an engine's words."""


def after_their_members(models: Sequence[Model]) -> list[Model]:
    """Return the models in the order of one build: all that segments read, who is in them, the segments, the rest."""
    mine = {model.name for model in models if model.layer == "segments"}
    if not mine:
        return list(models)
    read = tuple(sorted({name for model in models if model.is_segment for name in model.reads} - mine))
    told = {
        model.name: replace(model, reads=read if model.name == MEMBERS else (MEMBERS,)) if model.name in mine else model
        for model in models
    }
    order = TopologicalSorter({name: model.reads for name, model in told.items()}).static_order()
    return [told[name] for name in order if name in told]


class Gathered:
    """The segments of one build. `entries` are what became of them, once they are built."""

    def __init__(self, models: Iterable[Model]) -> None:
        found = {model.name: model for model in models if model.layer == "segments"}
        self.names = frozenset(found)
        self.reads = found[MEMBERS].reads if found else ()
        self.segments = {name: model for name, model in found.items() if model.is_segment}
        self.entries: dict[str, Entry] = {}

    def build(self, bench: Bench, after: Catalog) -> None:
        """Find out who is in which segment, and write it down where it is not what stood.

        Raises:
            LogError: the disk refuses.
        """
        moment = bench.as_of.isoformat()
        is_moving = any(model.uses_as_of for model in self.segments.values())
        told = {name: _identity(model) for name, model in self.segments.items()}
        read = {name: after.entries[name].fingerprint for name in self.reads if name in after.entries}
        made_of = {**read, **told}
        old = {name: bench.before.entries.get(name) for name in self.names}
        members, catalog = old[MEMBERS], old[SEGMENTS]
        kept = {name: entry for name, entry in old.items() if entry is not None and bench.warehouse.is_whole(entry)}
        is_kept = members is not None and members.made_of == made_of and kept.keys() == self.names
        if is_kept and members is not None and (members.as_of == moment or not is_moving):
            self.entries = kept
            self._note(bench, old)
            return
        if missing := sorted(set(self.reads) - after.entries.keys()):
            raise ModelError(f"segments read {', '.join(missing)}, which is not built yet. Run `turnout build`.")
        bench.how = "whole"
        bench.lay_out(self.reads)
        table, faults = _members(bench, self.segments)
        made = fingerprint_of("", moment if is_moving else "", made_of)
        self._write(bench, MEMBERS, made, f"select * from {table} order by segment, contact_id", members)
        counts = dict(bench.db.execute(f"select segment, count(*) from {table} group by segment").fetchall())
        rows = [_row(model, faults.get(name, ""), counts.get(name, 0)) for name, model in self.segments.items()]
        bench.db.execute(f"create or replace temp table told_segments ({COLUMNS})")
        if rows:
            bench.db.executemany("insert into told_segments values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._write(bench, SEGMENTS, made, "select * from told_segments", catalog)
        stands = self.entries[MEMBERS]
        for name in self.segments:
            where = f"segment = '{name}'"
            fingerprint = f"{stands.fingerprint}-{name}"
            self.entries[name] = Entry(
                fingerprint, stands.files, counts.get(name, 0), {"contact_id": "BIGINT"}, as_of=moment, where=where
            )
        self.entries = {
            name: replace(
                entry, as_of=moment, sql="segments", made_of=made_of, faults=faults if name == SEGMENTS else {}
            )
            for name, entry in self.entries.items()
        }
        self._note(bench, old)

    def _write(self, bench: Bench, name: str, made: str, sql: str, old: Entry | None) -> None:
        """Write one of the two tables, or keep the file that stands where it holds the same rows."""
        columns = {str(row[0]): str(row[1]) for row in bench.db.execute(f"describe {sql}").fetchall()}
        model = Model(name, "segments", bench.warehouse.root, sql, "")
        if old is not None and old.columns == columns and bench.warehouse.is_whole(old):
            stood = bench.warehouse.relation(old)
            differing = f"(({sql}) except ({stood})) union all (({stood}) except ({sql}))"
            if not bench.db.execute(f"select 1 from ({differing}) limit 1").fetchall():
                self.entries[name] = old
                return
        file = f"{name}/{made}.parquet"
        rows = bench.write(model, sql, file)
        self.entries[name] = Entry(made, [file], rows, columns, counts=[rows], gone=[""])

    def _note(self, bench: Bench, old: dict[str, Entry | None]) -> None:
        for name, entry in self.entries.items():
            before = old.get(name)
            is_same = before is not None and before.fingerprint == entry.fingerprint
            bench.changes[name] = Change.NONE if is_same else Change.ALL


def _identity(model: Model) -> str:
    """Return the identity of a segment: of its SQL, and of what its header says."""
    return fingerprint_of(model.fingerprint, "", {**model.header, "?": model.question, "!": model.fault})


def _row(model: Model, fault: str, count: int) -> list[object]:
    """Return a row of COLUMNS."""
    about = model.header.get("description", ""), model.header.get("owner", ""), list(model.delivered_to)
    state = ("failed", fault, None) if fault else ("ok", None, count)
    return [model.name, model.title, model.question, *about, *state]


def _members(bench: Bench, segments: dict[str, Model]) -> tuple[str, dict[str, str]]:
    """Make the table of who is in which segment; return its name, and why segments failed."""
    faults = {name: model.fault for name, model in segments.items() if model.fault}
    order = TopologicalSorter({name: model.reads for name, model in segments.items()}).static_order()
    sound: list[str] = []
    for name in (name for name in order if name in segments and name not in faults):
        sql = segments[name].sql.strip().removesuffix(";")
        if why := _why(segments[name], faults) or _refusal(bench, f"create or replace view now.{name} as {sql}"):
            faults[name] = _of(segments[name], why)
        else:
            sound.append(name)
    empty = "select '' as segment, cast(0 as bigint) as contact_id limit 0"
    table = bench.table("members", empty, Model(MEMBERS, "segments", bench.warehouse.root, empty, ""))
    if sound and _refusal(bench, f"insert into {table} {' union all '.join(map(_taken, sound))}"):
        for name in sound:
            if why := _why(segments[name], faults) or _refusal(bench, f"insert into {table} {_taken(name)}"):
                faults[name] = _of(segments[name], why)
    return table, faults


def _why(model: Model, faults: dict[str, str]) -> str:
    lost = [name for name in model.reads if name in faults]
    return f"it reads {', '.join(lost)}, which failed" if lost else ""


def _of(model: Model, why: str) -> str:
    return f"{model.path} failed: {why}"


def _taken(name: str) -> str:
    ids = f"select distinct cast(contact_id as bigint) as contact_id from {name} where contact_id is not null"
    return f"select '{name}' as segment, contact_id from ({ids})"


def _refusal(bench: Bench, sql: str) -> str:
    """Run a statement; return why it failed, "" where it did not."""
    try:
        bench.db.execute(sql)
    except duckdb.Error as error:
        return str(error)[:SHOWN]
    return ""
