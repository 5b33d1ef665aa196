"""Checks of the tables, and what a failed one holds back. Audits are SQL that gives the rows which contradict a claim.

An audit that held is asked again when its inputs changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import orjson

from pipelines.errors import ChecksFailed, LogError
from pipelines.models import Model
from pipelines.warehouse import Entry, Warehouse, write_whole


@dataclass(frozen=True)
class Check:
    """What one audit or expectation found: the claim, and how many rows contradict it.

    Attributes:
        table: the model that it is about. door: where the rows stand: `came in`, `computed` or `goes out`.
        considered: rows that the claim is about. tolerated: so many may contradict it.
        named: what may be shown of what contradicts it: never anything of a person.
        is_blocking: whether nothing goes to the destinations that it `holds` while it fails.
    """

    name: str
    claim: str
    failing: int
    table: str = ""
    door: str = "computed"
    considered: int = 0
    tolerated: int = 0
    named: tuple[str, ...] = ()
    is_blocking: bool = True
    holds: frozenset[str] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether no more rows than are tolerated contradict the claim."""
        return self.failing <= self.tolerated

    @property
    def words(self) -> str:
        """What was found, for a person."""
        found = "; ".join(self.named) or f"{self.failing:,} rows"
        return f"{self.name} ({found}): {self.claim}"


class Lineage:
    """Which destinations are told what is made of each model: they would be told wrong if it were wrong."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self.told: dict[str, set[str]] = {name: set() for name in models}
        for model in reversed(list(models.values())):
            if model.layer == "sync":
                self.told[model.name].add(model.header["destination"])
            for name in model.reads if model.layer != "audits" else ():
                self.told[name] |= self.told[model.name]

    def destinations(self, names: Iterable[str]) -> frozenset[str]:
        """Return the destinations of what is made of any of these models."""
        return frozenset(destination for name in names for destination in self.told.get(name, ()))


def held_by(checks: Iterable[Check]) -> dict[str, str]:
    """Return the destinations that failed checks hold back, each with the words of the checks."""
    found: dict[str, list[str]] = {}
    for check in checks:
        if check.is_blocking and not check.passed:
            for destination in sorted(check.holds):
                found.setdefault(destination, []).append(check.words)
    return {destination: "\n  ".join(words) for destination, words in found.items()}


def require(held: Mapping[str, str], checks: Iterable[Check]) -> None:
    """Stop where failed checks hold back all that there was to publish.

    Args:
        held: destination to the words of those that failed. checks: all that were made.

    Raises:
        ChecksFailed: names the checks.
    """
    words = dict.fromkeys(line for why in held.values() for line in why.split("\n  "))
    if words:
        raise ChecksFailed(
            "nothing was published, since a check failed:\n  " + "\n  ".join(words) + "\n"
            "`turnout check` shows all checks, and docs/quality.md says how to see the rows and how to go on.",
            failing={check.name: check.failing for check in checks if not check.passed},
        )


def lenient(checks: Iterable[Check], warn: Collection[str]) -> list[Check]:
    """Return the checks; those that the settings name only warn."""
    return [replace(check, is_blocking=check.is_blocking and check.name not in warn) for check in checks]


def run_audits(warehouse: Warehouse, models: Mapping[str, Model]) -> list[Check]:
    """Run the audits over the models as they stand; those that held over these very rows are not asked again.

    Raises:
        LogError: what was found cannot be written down.
    """
    entries = warehouse.catalog().entries
    lineage = Lineage(models)
    path = warehouse.root / "checks.json"
    held = noted(path.read_bytes()) if path.exists() else {}
    known = dict(held)
    found: list[Check] = []
    audits = [model for model in models.values() if model.layer == "audits"]
    over = {model.name: _rows(model, entries) for model in audits}
    asked = [model for model in audits if held.get(model.name) != over[model.name]]
    with warehouse.connect({name for model in asked for name in model.reads}) as db:
        for model in audits:
            failing = 0
            if model in asked:
                sql = model.sql.strip().removesuffix(";")
                failing = int(db.execute(f"select count(*) from ({sql}\n)").fetchall()[0][0])
            holds = lineage.destinations(model.reads)
            found.append(Check(model.name, model.question, failing, model.reads[0], holds=holds))
            held[model.name] = "" if failing else over[model.name]
    if held != known:
        try:
            write_whole(path, orjson.dumps(held, option=orjson.OPT_INDENT_2))
        except OSError as error:
            raise LogError(f"{path} cannot be written: {error}. See that the disk has room, and run again.") from None
    return found


def _rows(model: Model, entries: Mapping[str, Entry]) -> str:
    """Return the identity of an audit over the rows that it reads."""
    made_of = [entries[name].fingerprint if name in entries else "" for name in model.reads]
    return blake2b("|".join([model.fingerprint, *made_of]).encode(), digest_size=12).hexdigest()


def noted(content: bytes) -> dict[str, Any]:
    """Return what was written down of earlier checks; nothing where it cannot be read, since it is derived."""
    try:
        return dict(orjson.loads(content))
    except (ValueError, TypeError):
        return {}
