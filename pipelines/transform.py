"""Builds models: staging from the commits that are new, all others whole where anything they are made of changed.

Every file is named after what it was made of (SQL, inputs, moment), written beside and renamed, so a kill at any
point leaves the tables as they were, and the next build makes only what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import duckdb

from pipelines.errors import LogError, ModelError
from pipelines.events import EVENT_SCHEMA
from pipelines.log import Log
from pipelines.models import Model
from pipelines.warehouse import Catalog, Entry, Warehouse

PARTS = 40
"""A staging model of more parts than this is built whole again."""
COPY = "(format parquet, compression zstd, compression_level 1, row_group_size 100000)"


@dataclass
class Built:
    """What building one model did: rows that stand, rows written, seconds; `is_reused`: nothing had changed."""

    name: str
    rows: int
    written: int
    seconds: float
    is_reused: bool
    columns: Mapping[str, str]


@dataclass
class BuildReceipt:
    """What one build did, model by model."""

    as_of: datetime
    models: dict[str, Built] = field(default_factory=dict)

    @property
    def rebuilt(self) -> int:
        """How many models were written."""
        return sum(not built.is_reused for built in self.models.values())


def build(
    log: Log,
    models: Mapping[str, Model],
    *,
    as_of: datetime,
    only: Collection[str] | None = None,
    threads: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> BuildReceipt:
    """Bring the models up to the log, as of a moment, and swap them in.

    Args:
        models: in dependency order, as `models.load` gives them; audits among them are left out.
        only: names to build; all others keep what they have.

    Raises:
        ModelError: a model's SQL failed; names the model. The tables are as they were.
        LogError: the log or the disk refuses.
    """
    warehouse = Warehouse(log.home)
    receipt = BuildReceipt(as_of)
    with log.locked():
        before = warehouse.catalog()
        after = Catalog(dict(before.entries), dict(before.retired), as_of.isoformat())
        after.entries = {name: entry for name, entry in after.entries.items() if name in models}
        (warehouse.root).mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as db:
            db.execute("set timezone = 'UTC'")
            if threads is not None:
                db.execute(f"set threads = {threads:d}")
            db.execute("set variable as_of = cast(? as timestamptz)", [as_of.isoformat()])
            for model in models.values():
                if model.layer == "audits":
                    continue
                if only is None or model.name in only:
                    progress(model.name)
                    started = time.perf_counter()
                    old = after.entries.get(model.name)
                    entry, written = _bring_up(db, log, warehouse, model, old, after)
                    after.entries[model.name] = entry
                    receipt.models[model.name] = Built(
                        model.name,
                        entry.rows,
                        written,
                        time.perf_counter() - started,
                        entry is old,
                        entry.columns,
                    )
                _view(db, warehouse, model.name, after.entries.get(model.name))
        if after.entries != before.entries or after.as_of != before.as_of or not warehouse.file.exists():
            warehouse.swap(before, after)
    return receipt


def _bring_up(
    db: duckdb.DuckDBPyConnection, log: Log, warehouse: Warehouse, model: Model, old: Entry | None, catalog: Catalog
) -> tuple[Entry, int]:
    """Return the model's entry as it should be now, and the rows written for it; the old one where it still holds."""
    if old is not None and not warehouse.is_whole(old):
        old = None
    if model.layer == "staging":
        return _bring_up_staging(db, log, warehouse, model, old)
    as_of = catalog.as_of if model.uses_as_of else ""
    made_of = [model.fingerprint, as_of, *(catalog.entries[name].fingerprint for name in model.reads)]
    fingerprint = blake2b("|".join(made_of).encode(), digest_size=12).hexdigest()
    if old is not None and old.fingerprint == fingerprint:
        return old, 0
    file = f"{model.name}/{fingerprint}.parquet"
    rows, columns = _write(db, model, warehouse.root / file)
    return Entry(fingerprint, [file], rows, columns, as_of=as_of), rows


def _bring_up_staging(
    db: duckdb.DuckDBPyConnection, log: Log, warehouse: Warehouse, model: Model, old: Entry | None
) -> tuple[Entry, int]:
    source, stream = model.raws[0]
    version = log.version(source, stream)
    if old is not None and old.fingerprint.startswith(model.fingerprint):
        if old.log_version == version:
            return old, 0
        news = log.files_since(source, stream, old.log_version)
        if news == [] and old.log_version <= version:
            return Entry(old.fingerprint, old.files, old.rows, old.columns, version), 0
        if news and len(old.files) < PARTS:
            _raw(db, source, stream, news)
            file = f"{model.name}/{model.fingerprint}-{old.log_version + 1}-{version}.parquet"
            rows, columns = _write(db, model, warehouse.root / file)
            fingerprint = f"{model.fingerprint}-{version}"
            return Entry(fingerprint, [*old.files, file], old.rows + rows, columns, version), rows
    _raw(db, source, stream, log.files(source, stream))
    file = f"{model.name}/{model.fingerprint}-0-{version}.parquet"
    rows, columns = _write(db, model, warehouse.root / file)
    return Entry(f"{model.fingerprint}-{version}", [file], rows, columns, version), rows


def _raw(db: duckdb.DuckDBPyConnection, source: str, stream: str, files: list[str]) -> None:
    columns = "event_id, account, scope, key, kind, occurred_at, observed_at, batch, payload"
    if files:
        db.execute(
            f"create or replace temp view raw_{source}__{stream} as select {columns} from read_parquet({files!r})"
        )
        return
    db.register("no_events", EVENT_SCHEMA.empty_table())
    db.execute(f"create or replace temp table raw_{source}__{stream}_none as select {columns} from no_events")
    db.unregister("no_events")
    db.execute(f"create or replace temp view raw_{source}__{stream} as select * from raw_{source}__{stream}_none")


def _view(db: duckdb.DuckDBPyConnection, warehouse: Warehouse, name: str, entry: Entry | None) -> None:
    if entry is not None:
        db.execute(f"create or replace temp view {name} as select * from read_parquet({warehouse.paths(entry)!r})")


def _write(db: duckdb.DuckDBPyConnection, model: Model, path: Path) -> tuple[int, dict[str, str]]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        sql = model.sql.strip().removesuffix(";")
        rows = db.execute(f"copy ({sql}\n) to '{fresh}' {COPY}").fetchall()[0][0]
        described = db.execute(f"describe select * from read_parquet('{fresh}')").fetchall()
        fresh.replace(path)
    except duckdb.IOException as error:
        raise LogError(f"{path} cannot be written: {str(error)[:300]}. The tables are as they were.") from None
    except duckdb.Error as error:
        raise ModelError(f"{model.path} failed: {str(error)[:600]}\nThe tables are as they were.") from None
    return int(rows), {str(row[0]): str(row[1]) for row in described}
