"""Audits: SQL that gives the rows which contradict a claim. One that held is asked again when its inputs changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from pipelines.errors import LogError
from pipelines.models import Model
from pipelines.warehouse import Entry, Warehouse, write_whole


@dataclass(frozen=True)
class Check:
    """What one audit found: the claim, and how many rows contradict it."""

    name: str
    claim: str
    failing: int

    @property
    def passed(self) -> bool:
        """Whether nothing contradicts the claim."""
        return self.failing == 0


def run_audits(warehouse: Warehouse, models: Mapping[str, Model]) -> list[Check]:
    """Run the audits over the models as they stand; those that held over these very rows are not asked again.

    Raises:
        LogError: what was found cannot be written down.
    """
    entries = warehouse.catalog().entries
    path = warehouse.root / "checks.json"
    held = _held(path.read_bytes()) if path.exists() else {}
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
            found.append(Check(model.name, model.question, failing))
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


def _held(content: bytes) -> dict[str, str]:
    try:
        return dict(orjson.loads(content))
    except (ValueError, TypeError):
        return {}
