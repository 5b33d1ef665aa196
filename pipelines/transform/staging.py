"""Brings a staging model up to its stream: the rows of new commits are a layer of their own."""

from __future__ import annotations

import duckdb

from pipelines import duck
from pipelines.events import EVENT_SCHEMA
from pipelines.models import Model
from pipelines.transform.bench import Bench, Change
from pipelines.transform.layers import fold
from pipelines.warehouse import Entry

COLUMNS = "event_id, account, scope, key, kind, occurred_at, observed_at, batch, payload"


def bring_up_staging(bench: Bench, model: Model, old: Entry | None) -> tuple[Entry, int]:
    """Return the model's entry at the last commit of its stream, and the rows written for it."""
    source, stream = model.raws[0]
    version = bench.log.version(source, stream)
    bench.changes[model.name] = Change.NONE
    if old is not None and old.sql == model.fingerprint:
        news = [] if old.log_version == version else bench.log.files_since(source, stream, old.log_version)
        if news == [] and old.log_version <= version:
            return (old if old.log_version == version else _moved(old, version)), 0
        if news:
            bench.how = "appended"
            bench.changes[model.name] = Change.ROWS
            bench.plan_for_files(news)
            _show_raw(bench.db, source, stream, news)
            file = f"{model.name}/{model.fingerprint}-{old.log_version + 1}-{version}.parquet"
            rows = bench.write(model, model.sql, file)
            bench.came(model.name, f"select * from read_parquet({duck.text(bench.warehouse.root / file)})")
            entry = Entry(f"{model.fingerprint}-{version}", [*old.files, file], old.rows + rows, old.columns, version)
            entry.sql, entry.counts, entry.gone = model.fingerprint, [*old.counts, rows], [*old.gone, ""]
            return fold(bench, model, entry), rows
    bench.how = "whole"
    bench.changes[model.name] = Change.ALL
    files = bench.log.files(source, stream)
    bench.plan_for_files(files)
    fingerprint = f"{model.fingerprint}-{version if files else 'none'}"
    if files or not bench.has_written(fingerprint):
        _show_raw(bench.db, source, stream, files)
    if files:
        file = f"{model.name}/{model.fingerprint}-0-{version}.parquet"
        rows = bench.write(model, model.sql, file)
        columns = bench.described(file)
    else:
        file = f"{model.name}/{fingerprint}.parquet"
        rows, columns = bench.write_once(model, model.sql, file, fingerprint)
    entry = Entry(fingerprint, [file], rows, columns, version)
    entry.sql, entry.counts, entry.gone = model.fingerprint, [rows], [""]
    return entry, rows


def _moved(old: Entry, version: int) -> Entry:
    """Return the entry at a later commit that brought no rows."""
    return Entry(
        old.fingerprint, old.files, old.rows, old.columns, version, sql=old.sql, counts=old.counts, gone=old.gone
    )


def _show_raw(db: duckdb.DuckDBPyConnection, source: str, stream: str, files: list[str]) -> None:
    name = f"now.raw_{source}__{stream}"
    if files:
        db.execute(f"create or replace view {name} as select {COLUMNS} from read_parquet({duck.texts(files)})")
        return
    db.register("no_events", EVENT_SCHEMA.empty_table())
    db.execute(f"create or replace table {name}_none as select {COLUMNS} from no_events")
    db.unregister("no_events")
    db.execute(f"create or replace view {name} as select * from {name}_none")
