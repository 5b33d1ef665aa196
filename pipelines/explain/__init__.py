"""Explain: what made a published value so, or why it is not there (EV-04).

From the record at a destination down: what it should hold and holds, its verdict, the model row and the rule, the rows
that counted, the events that those are made of, the settings in force, what was sent and what was answered. Which rows
count is asked by the queries of `sql/explain/`; nothing here knows a vendor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import UsageError
from pipelines.events import utc
from pipelines.explain.answers import Account, Explanation
from pipelines.explain.evidence import (
    MOST_EVENTS,
    Question,
    ask,
    events_of,
    headers,
    questions,
    read_header,
    sendings_of,
    streams_of,
)
from pipelines.explain.membership import SEGMENT, changes_of, membership
from pipelines.log import Log
from pipelines.models import Model, segments_folder
from pipelines.publish.plan import fields_of, words
from pipelines.warehouse import Warehouse

KEY_DIGITS = 15
"""Hex digits of an address's md5 that are its key, as the models have it."""
LONGEST_ID = 18
ADDED = ("events",)
WORD = re.compile(r"[a-z_0-9]+")
ALSO = ("int_published", "stg_turnout__outcomes", "verdicts", "audit_reasons")
"""What is read beside the tables that the questions name."""
NOTHING: Mapping[str, Any] = {
    "asked": None,
    "asked_id": None,
    "asked_key": None,
    "activity_key": None,
    "contact_id": None,
    "subject_key": None,
    "emails": None,
    "email_keys": None,
    "person_keys": None,
    "field": "",
}


__all__ = ["Account", "Explainer", "Explanation"]


class Explainer:
    """Answers from the tables and the log of one TURNOUT_HOME.

    `is_all`: every event is looked up in the log, however many there are; else the first `MOST_EVENTS`.
    `segments`: the folder of the segments, where it is another one than `segments_folder` says.
    """

    def __init__(self, log: Log, warehouse: Warehouse, *, is_all: bool = False, segments: Path | None = None) -> None:
        self._log, self._warehouse, self._is_all = log, warehouse, is_all
        self._segments = segments or segments_folder()
        self._questions, self._syncs = questions(), headers("sync")
        catalog = warehouse.catalog()
        self._as_of = catalog.as_of
        self._made_of = {name: sorted(entry.made_of) for name, entry in catalog.entries.items()}

    def contact(self, name: str) -> Explanation:
        """Explain a contact, by its id or an address: every field, and every record that is theirs.

        Raises:
            UsageError: nothing that was read names it; ModelError: the tables were made by another version.
        """
        with self._tables() as db:
            who, variables = self._who(db, name)
            records = self._judged(db, ask(db, self._questions["records"], variables))
            mine = [record for record in records if record["object"] == "contact"]
            accounts = [account for record in mine for account in self._account(db, record, who)]
            others = [record for record in records if record["object"] != "contact"]
            return self._answer(db, "contact", name, who, variables, accounts=accounts, others=others)

    def field(self, name: str, wanted: str) -> Explanation:
        """Explain one property of a contact, or its part in a marketing event.

        Raises:
            UsageError: there is no such contact, or no such field.
        """
        with self._tables() as db:
            who, variables = self._who(db, name)
            variables = {**variables, "field": wanted}
            records = self._judged(db, ask(db, self._questions["records"], variables))
            mine = [record for record in records if record["object"] == "contact"]
            fields = {field for record in mine for field in self._named(db, record)}
            if wanted in fields:
                accounts = [one for record in mine for one in self._account(db, record, who, wanted)]
                question = next((one for one in self._questions.values() if wanted in one.fields), None)
            else:
                parts = [one for one in records if one["object"] == "attendance" and _is_of(one, wanted)]
                question = self._questions["participation"]
                if not parts and not ask(db, question, variables):
                    raise UsageError(
                        f"{wanted} is neither a field that is published nor a marketing event. Fields: "
                        f"{', '.join(sorted(fields)) or 'none, since nothing is published of them'}."
                    )
                accounts = [found for record in parts for found in self._account(db, record, who)]
            return self._answer(db, "field", name, who, variables, accounts=accounts, question=question)

    def task(self, name: str) -> Explanation:
        """Explain a Task, by our key of it, by the destination's id, or by its activity.

        Raises:
            UsageError: no activity has that key or id.
        """
        with self._tables() as db:
            variables = {**NOTHING, "asked": name, "as_of": utc(self._as_of)}
            question = self._questions["task"]
            named = ask(db, self._questions["task_named"], variables)
            found = [row for one in named for row in ask(db, question, {**variables, **one})]
            if not found:
                raise UsageError(
                    f"{name} names no activity that was read. Give the Task's Turnout_Id__c, its Salesforce id, or the "
                    'activity_key of the table int_activities; `turnout sql "show tables"` lists the tables.'
                )
            mine = {"object_key": found[0]["task_key"], "activity_key": found[0]["activity_key"]}
            record = {"destination": "salesforce", "object": "task", **mine}
            accounts = [account for one in self._judged(db, [record]) for account in self._account(db, one, {})]
            subject = {name: value for name, value in found[0].items() if name not in ADDED}
            return self._answer(
                db, "task", name, subject, variables, accounts=accounts, question=question, counted=found
            )

    def segment(self, segment: str, name: str) -> Explanation:
        """Explain why a contact is in a segment or not: since when, and the rows of theirs that the segment reads.

        Raises:
            UsageError: there is no such segment, or no such contact.
        """
        with self._tables() as db:
            table = segment if segment.startswith(SEGMENT) else f"{SEGMENT}{segment}"
            file = self._segments / f"{table}.sql"
            if table not in self._made_of or not file.exists():
                there = ", ".join(one.stem for one in sorted(self._segments.glob("*.sql")) if one.stem in self._made_of)
                raise UsageError(f"there is no segment {segment}; there is {there or 'none'}.")
            who, variables = self._who(db, name)
            model = read_header(file, "segments")
            said = {word for line in model.sql.splitlines() if line[:2] != "--" for word in WORD.findall(line)}
            reads = [one for one in self._made_of[table] if one in said]
            is_member, rows = membership(self._warehouse, table, reads, who["contact_id"])
            changes = changes_of(self._log, table, who["contact_id"])
            subject = {**who, "segment": table, "is_member": is_member}
            subject["since"] = changes[0]["occurred_at"] if changes else None
            question = Question(table, model.question, "segment", model.header.get("rule", ""), (), model.sql)
            found = self._answer(db, "segment", name, subject, variables, accounts=[], question=question, counted=rows)
            return replace(found, events=[*changes, *found.events], event_count=found.event_count + len(changes))

    @contextmanager
    def _tables(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self._as_of:
            raise UsageError(f"{self._warehouse.file} is not there yet. `turnout build` makes it.")
        said = {word for question in self._questions.values() for word in WORD.findall(question.sql)}
        with self._warehouse.connect({*said, *(model.name for model in self._syncs), *ALSO}) as db:
            yield db

    def _who(self, db: duckdb.DuckDBPyConnection, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return whom an id or an address names, and the variables by which their rows are found."""
        text = name.strip().lower()
        is_id = text.isascii() and text.isdigit() and len(text) <= LONGEST_ID
        variables: dict[str, Any] = {
            **NOTHING,
            "asked": text,
            "asked_id": int(text) if is_id else None,
            "asked_key": None if is_id else int(md5(text.encode(), usedforsecurity=False).hexdigest()[:KEY_DIGITS], 16),
            "as_of": utc(self._as_of),
        }
        (who,) = ask(db, self._questions["who"], variables)
        if not who["contact_id"] and not who["email_keys"]:
            raise UsageError(
                f"{name}: nothing that was read names this {'contact' if is_id else 'address'}, so there is nothing to "
                "publish of it. If it is there at the vendor, `turnout run` reads it."
            )
        names = ("contact_id", "subject_key", "emails", "email_keys", "person_keys")
        return who, variables | {name: who[name] for name in names}

    def _judged(self, db: duckdb.DuckDBPyConnection, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return records with their verdicts, and how the reason is mended."""
        views = {str(row[0]) for row in db.execute("select view_name from duckdb_views()").fetchall()}
        found: dict[tuple[str, str, str], tuple[Any, ...]] = {}
        if records and "verdicts" in views:
            keys = [str(record["object_key"]) for record in records]
            rows = db.execute(
                "select destination, object, object_key, verdict, reason, since from verdicts "
                "where object_key in (select unnest($keys))",
                {"keys": keys},
            ).fetchall()
            found = {(row[0], row[1], row[2]): row[3:] for row in rows}
        mends = (
            dict(db.execute("select reason, mend from audit_reasons").fetchall()) if "audit_reasons" in views else {}
        )
        judged = []
        for record in records:
            place = (record["destination"], record["object"], record["object_key"])
            verdict, reason, since = found.get(place, (None, None, None))
            judged.append({**record, "verdict": verdict, "reason": reason, "since": since, "mend": mends.get(reason)})
        return judged

    def _row(
        self, db: duckdb.DuckDBPyConnection, record: Mapping[str, Any]
    ) -> tuple[Model | None, dict[str, Any] | None]:
        """Return the sync model that names a record, and its row; a number that it keeps apart finds it sooner."""
        for model in self._syncs:
            if (model.header.get("destination"), model.header.get("object")) != (
                record["destination"],
                record["object"],
            ):
                continue
            by = next((name for name in words(model.header.get("apart")) if name in record), "object_key")
            found = db.execute(f"select * from {model.name} where {by} = $value", {"value": record[by]})
            names = [str(column[0]) for column in found.description or ()]
            for row in (dict(zip(names, one, strict=True)) for one in found.fetchall()):
                if row["object_key"] == record["object_key"]:
                    return model, row
        return None, None

    def _named(self, db: duckdb.DuckDBPyConnection, record: Mapping[str, Any]) -> list[str]:
        model, _ = self._row(db, record)
        return fields_of(db, model) if model else []

    def _account(
        self,
        db: duckdb.DuckDBPyConnection,
        record: Mapping[str, Any],
        who: Mapping[str, Any],
        only: str | None = None,
    ) -> list[Account]:
        """Return a record with its fields, or with the one that is asked for; nothing where no model has it."""
        model, row = self._row(db, record)
        if model is None or row is None:
            return []
        destination, kind, key = record["destination"], record["object"], record["object_key"]
        sent = sendings_of(db, self._log, destination, kind, key, who.get("emails") or ())
        held = self._held(db, destination, kind, key, sent)
        is_wanted = row.get("reason") is None
        return [
            Account(
                destination,
                kind,
                key,
                record["verdict"],
                record["reason"] or row.get("reason"),
                record["since"],
                record["mend"],
                model.name,
                model.header.get("rule", ""),
                [
                    {"field": name, "wanted": _text(row[name]) if is_wanted else None, "held": held.get(name) or None}
                    for name in fields_of(db, model)
                    if only in (None, name)
                ],
                row,
                self._below(model.name),
                sent if only is None else [one for one in sent if _tells(one, only)],
            )
        ]

    def _held(
        self,
        db: duckdb.DuckDBPyConnection,
        destination: str,
        kind: str,
        key: str,
        sent: Sequence[Mapping[str, Any]],
    ) -> dict[str, str | None]:
        """Return field to what the destination holds: what was confirmed last, or inherited in a merger since."""
        keys = [key, *(one["answer"].get("key") for one in sent)]
        rows = db.execute(
            "select field_name, field_value, published_at from int_published where destination = $destination "
            "and object = $object and object_key in (select unnest($keys))",
            {"destination": destination, "object": kind, "keys": [one for one in keys if one]},
        ).fetchall()
        found = {name: (at, value) for name, value, at in rows}
        for one in reversed(sent):
            if one["status"] == "published" and one["operation"] == "delete":
                found.clear()
            elif one["status"] == "published":
                told = {name: (one["at"], value) for name, value in one["answer"]["fields"].items()}
                found |= {name: new for name, new in told.items() if name not in found or found[name][0] <= new[0]}
        return {name: value for name, (_, value) in found.items()}

    def _below(self, name: str) -> dict[str, list[str]]:
        """Return every model that one was made of, with what each reads, down to the streams of the log."""
        found: dict[str, list[str]] = {}
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one not in found:
                made_of = self._made_of.get(one, [])
                found[one] = made_of or streams_of(one)
                waiting += made_of
        return dict(sorted(found.items()))

    def _answer(
        self,
        db: duckdb.DuckDBPyConnection,
        what: str,
        asked: str,
        subject: dict[str, Any],
        variables: Mapping[str, Any],
        *,
        accounts: list[Account],
        others: Sequence[dict[str, Any]] = (),
        question: Question | None = None,
        counted: Sequence[dict[str, Any]] | None = None,
    ) -> Explanation:
        """Put an answer together: the rows that counted, and the events behind them."""
        rows = list(counted) if counted is not None else ask(db, question, variables) if question else []
        named = [one for row in (rows or [subject]) for one in row.get("events") or ()]
        settings = ask(db, self._questions["settings"], variables)
        in_force = events_of(self._log, settings[0]["events"]) if settings else []
        return Explanation(
            what=what,
            asked=asked,
            as_of=self._as_of,
            subject=_bare(subject),
            accounts=accounts,
            others=list(others),
            question={"asks": question.asks, "rule": question.rule} if question else None,
            counted=[_bare(row) for row in rows] if question else [],
            events=events_of(self._log, named if self._is_all else named[:MOST_EVENTS]),
            event_count=len(named),
            settings=in_force[0] if in_force else None,
        )


def _is_of(record: Mapping[str, Any], event: str) -> bool:
    return str(record["object_key"]).partition("|")[0] == event


def _tells(sending: Mapping[str, Any], name: str) -> bool:
    """Whether something that was sent told a field."""
    told = sending["sent"] or sending["answer"]
    return name in (told.get("fields") or {})


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def _bare(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without the names of its events, which stand apart."""
    return {name: value for name, value in row.items() if name not in ADDED}
