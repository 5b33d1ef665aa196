"""What an answer stands on: the questions of `sql/explain/`, events of the log with their files, and what was sent.

A question is a query whose header says `of` what it is and, for a published record, which `fields` it explains. Its
rows are what counted; their column `events` names the events that each is made of: stream, event_id, and when it
occurred, by which the log finds the file without reading the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson

from pipelines.errors import ModelError
from pipelines.log import OURS, Log
from pipelines.models import SQL_ROOT, Model
from pipelines.parsing import header_of
from pipelines.publish.plan import words

ROOT = SQL_ROOT / "explain"
RAW_NAME = re.compile(r"\braw_([a-z0-9]+)__([a-z0-9_]+)")
SECRET = ("join_url", "start_url", "webinarUrl", "password", "passcode", "answered")
HIDDEN = "(secret; it stands in the log)"
MOST_EVENTS = 25
"""Events that are looked up in the log for one answer, those of the first rows, unless all are wanted: each may lie in
a stretch of the log of its own."""
MOST_SENDINGS = 50
EVENT = "event_id, account, key, kind, occurred_at, observed_at, batch, payload, filename"
"""The columns of the log that an explanation tells of an event."""


@dataclass(frozen=True)
class Question:
    """One query of `sql/explain/`."""

    name: str
    asks: str
    of: str
    rule: str
    fields: tuple[str, ...]
    sql: str


def questions(root: Path = ROOT) -> dict[str, Question]:
    """Read the questions, by name.

    Raises:
        ModelError: a file does not say of what it is.
    """
    found: dict[str, Question] = {}
    for path in sorted(root.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        asks, header = header_of(text)
        if not asks or "of" not in header:
            raise ModelError(f"{path} needs a header: a question, then `-- of:` and what it explains.")
        fields = tuple(words(header.get("fields")))
        found[path.stem] = Question(path.stem, asks, header["of"], header.get("rule", ""), fields, text)
    return found


def headers(layer: str) -> list[Model]:
    """Return the models of a layer by their headers alone, which takes no parsing of their SQL."""
    return [read_header(path, layer) for path in sorted((SQL_ROOT / layer).glob("*.sql"))]


def read_header(path: Path, layer: str) -> Model:
    """Return a model by its header alone; an empty one where its file is gone since it was built."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    asks, header = header_of(text)
    return Model(path.stem, layer, path, text, asks, header)


def streams_of(model: str) -> list[str]:
    """Return the streams of the log that a staging model reads, as source/stream."""
    path = SQL_ROOT / "staging" / f"{model}.sql"
    names = RAW_NAME.findall(path.read_text(encoding="utf-8")) if path.exists() else []
    return sorted({f"{source}/{stream}" for source, stream in names})


def ask(db: duckdb.DuckDBPyConnection, question: Question, variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a question.

    Raises:
        ModelError: it cannot be asked of the tables as they stand.
    """
    for name, value in variables.items():
        db.execute(f"set variable {name} = $value", {"value": value})
    try:
        found = db.execute(question.sql)
        names = [str(column[0]) for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    except duckdb.Error as error:
        raise ModelError(f"{question.name} cannot be asked: {str(error)[:400]}. Run `turnout build`.") from None


def events_of(log: Log, named: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return events as the log has them, each with the file that holds it, in the order in which they are named.

    Args:
        named: `stream` (source/stream), `event_id` and `at`, when it occurred.
    """
    by_stream: dict[str, list[Mapping[str, Any]]] = {}
    for one in named:
        by_stream.setdefault(one["stream"], []).append(one)
    found: list[dict[str, Any]] = []
    for name, wanted in by_stream.items():
        source, stream = name.split("/")
        moments = sorted({one["at"] for one in wanted})
        files = _files_at(log, source, stream, moments)
        rows = log.query(
            source,
            stream,
            f"""
            select {EVENT} from events where occurred_at in ({", ".join(f"'{at.isoformat()}'" for at in moments)})
                and list_contains($ids, event_id)
            """,  # noqa: S608
            {"ids": [one["event_id"] for one in wanted]},
            files=files,
        )
        places = {bytes(one["event_id"]): place for place, one in enumerate(wanted)}
        found += [told_event(log, name, row) for row in sorted(rows, key=lambda row: places[bytes(row[0])])]
    return found


def told_event(log: Log, stream: str, row: Sequence[Any]) -> dict[str, Any]:
    """Return an event as explanations tell it. `row` has what `EVENT` names; `stream` is source/stream."""
    event_id, account, key, kind, occurred, observed, run, payload, file = row
    return {
        "event_id": bytes(event_id).hex(),
        "stream": stream,
        "account": account,
        "key": key,
        "kind": kind,
        "occurred_at": occurred,
        "observed_at": observed,
        "run": run,
        "file": relative(log, file),
        "record": decoded(payload),
    }


def _files_at(log: Log, source: str, stream: str, moments: Sequence[datetime]) -> list[str]:
    """Return the files of a stream that may hold something of these moments."""
    files = [path for at in moments for path in log.slice(source, stream, at, at)[0]]
    return list(dict.fromkeys(files))


def relative(log: Log, file: str) -> str:
    """Return a file of the log as it is named below TURNOUT_HOME."""
    path = Path(file.removeprefix("file://"))
    return str(path.relative_to(log.home)) if path.is_relative_to(log.home) else path.name


def decoded(payload: str | None) -> Any:
    """Return what the log keeps, without what would let its reader into a meeting in somebody's name."""
    try:
        told = orjson.loads(payload) if payload else None
    except ValueError:
        return payload
    return {**told, **{name: HIDDEN for name in SECRET if told.get(name)}} if isinstance(told, dict) else told


def sendings_of(
    db: duckdb.DuckDBPyConnection, log: Log, destination: str, kind: str, key: str, also: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return what was sent of one record and what was answered, the latest first.

    Args:
        also: further keys that it had: an address, before it was known by its id.
    """
    keys = [key, *also]
    named = db.execute(
        """
        select outcome_id from stg_turnout__outcomes
        where destination = $destination and object = $kind
            and (list_contains($keys, object_key) or list_contains($keys, planned_key))
        order by occurred_at desc, observed_at desc, event_id limit $most
        """,
        {"destination": destination, "kind": kind, "keys": keys, "most": MOST_SENDINGS},
    ).fetchall()
    ids = [str(name) for (name,) in named]
    if not ids:
        return []
    sent, answered = _ours(log, "intents", destination, ids), _ours(log, "outcomes", destination, ids)
    return [
        {
            "intent": name,
            "run": sent[name]["told"].get("run") if name in sent else answered[name]["told"].get("run"),
            "at": answered[name]["at"],
            "operation": answered[name]["told"].get("operation"),
            "status": answered[name]["told"].get("status"),
            "reason": answered[name]["told"].get("reason") or None,
            "sent": sent[name]["told"] if name in sent else None,
            "sent_file": sent[name]["file"] if name in sent else None,
            "answer": answered[name]["told"],
            "answer_file": answered[name]["file"],
        }
        for name in ids
        if name in answered
    ]


def _ours(log: Log, stream: str, account: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what we wrote into the log under some names."""
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    rows = log.query(
        OURS,
        stream,
        f"select key, occurred_at, payload, filename from events where key in ({listed}) and account = $account",  # noqa: S608
        {"account": account},
    )
    return {key: {"at": at, "told": decoded(payload), "file": relative(log, file)} for key, at, payload, file in rows}
