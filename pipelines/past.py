"""The tables as of another moment, beside the ones that stand (EV-03).

`past/<moment>/` under TURNOUT_HOME holds tables of its own. It begins with links to the files that stand, so only what
depends on the moment is made again; the log is read and never written. All of it can be deleted.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import orjson

from pipelines import duck, transform
from pipelines.errors import UsageError
from pipelines.events import digest
from pipelines.log import Log
from pipelines.models import Model
from pipelines.warehouse import Catalog, Warehouse

With = Literal["then", "now"]
"""Which settings a past moment is seen with: those in force then, or those in force now."""
KEPT = 4
"""Moments that are kept, the last that were asked for."""
FOLDER = "past"
SETTINGS = "stg_turnout__settings"
ALWAYS = "1900-01-01 00:00:00+00"


def tables_at(
    log: Log,
    warehouse: Warehouse,
    models: dict[str, Model],
    as_of: datetime,
    settings: With = "then",
    progress: Callable[[str], None] = lambda _: None,
) -> Warehouse:
    """Return the tables as of a moment, made where they are not there yet; those that stand stay as they are.

    Raises:
        UsageError: there is nothing to begin with: nothing was built yet.
    """
    if not warehouse.is_there:
        raise UsageError(f"{warehouse.file} is not there yet. `turnout build` makes it.")
    name = f"{as_of.astimezone(UTC):%Y%m%dT%H%M%S%f}" + ("-settings-of-now" if settings == "now" else "")
    root = log.home / FOLDER
    home = root / name
    there = Log(home, log.root)
    found = Warehouse(home)
    with there.locked():
        _link(warehouse, found)
        if settings == "now":
            transform.build(there, models, as_of=as_of, only={SETTINGS}, show=False)
            _hold_settings(log, found, models)
        transform.build(there, models, as_of=as_of, progress=progress)
    os.utime(home)
    _drop_old(root)
    return found


def _link(warehouse: Warehouse, found: Warehouse) -> None:
    """Begin with the tables that stand, file by file, unless they were linked before."""
    catalog = warehouse.catalog()
    mine = found.catalog()
    entries = dict(catalog.entries)
    for model, entry in mine.entries.items():
        standing = entries.get(model)
        if standing is None or (standing.sql == entry.sql and standing.log_version == entry.log_version):
            entries[model] = entry
    for entry in entries.values():
        for name in entry.every_file:
            target = found.root / name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                _linked(warehouse.root / name, target)
    found.swap(mine, Catalog(entries, dict(mine.retired), mine.as_of or catalog.as_of), show=False)


def _linked(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(path, target)


def _hold_settings(log: Log, found: Warehouse, models: dict[str, Model]) -> None:
    """Let the settings in force now be those of all times."""
    catalog = found.catalog()
    standing = catalog.entries[SETTINGS]
    file = f"{SETTINGS}/of-now-{digest(orjson.dumps(standing.fingerprint)).hex()[:16]}.parquet"
    with duck.look() as db:
        db.execute(
            f"copy (select * replace (timestamptz '{ALWAYS}' as occurred_at) from ({found.relation(standing)}) "  # noqa: S608
            f"order by occurred_at desc, observed_at desc limit 1) to {duck.text(found.root / file)} (format parquet)"
        )
    version = log.version("turnout", "settings")
    held = replace(
        standing,
        fingerprint=f"{standing.fingerprint}-of-now",
        files=[file],
        counts=[1],
        gone=[""],
        rows=1,
        log_version=version,
        sql=models[SETTINGS].fingerprint,
    )
    found.swap(catalog, Catalog({**catalog.entries, SETTINGS: held}, dict(catalog.retired), catalog.as_of), show=False)


def _drop_old(root: Path) -> None:
    """Delete all but the moments that were asked for last."""
    folders = sorted((path for path in root.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime_ns)
    for folder in folders[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
