"""One batch, one commit: a Parquet file beside the others, then the line of the Delta log that names it.

The file is written under a name that nothing reads, and renamed when it is whole; a kill before the commit leaves a
file that nobody names.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction

from pipelines.errors import LogError
from pipelines.events import EVENT_SCHEMA

ROWS = 60_000
"""Rows of a row group, at most."""
HASHES = ("event_id", "digest")
"""Columns that no compression makes smaller."""
TIMES = ("occurred_at", "observed_at")
REPEATED = ["account", "scope", "kind", "observed_at", "batch"]
"""Columns of which many values are alike."""
COMPRESSION = {name: "none" if name in HASHES else "zstd" for name in EVENT_SCHEMA.names}
LEVEL = {name: 1 for name, codec in COMPRESSION.items() if codec == "zstd"}


def append(table: DeltaTable, rows: pa.Table, told: Mapping[str, str]) -> None:
    """Add rows of EVENT_SCHEMA to a table, and what is told with them, in one commit; without rows it only tells.

    Raises:
        LogError: the disk or the table refuses; nothing was added.
    """
    folder = folder_of(table)
    try:
        added: list[AddAction | RemoveAction] = [_add(folder, rows)] if rows.num_rows else []
        table.create_write_transaction(
            added, "append", EVENT_SCHEMA, commit_properties=CommitProperties(custom_metadata=dict(told))
        )
        table.update_incremental()
    except (DeltaError, OSError) as error:
        raise LogError(
            f"{folder}: the batch was not added: {str(error)[:300]}. "
            "The log is as it was; see that the disk has room and the folder can be written, then run again."
        ) from None


def folder_of(table: DeltaTable) -> Path:
    """Return where a table is; Delta's library tells it as an address, in which a blank is `%20`."""
    return path_of(table.table_uri)


def path_of(uri: str) -> Path:
    """Return the path that an address of Delta's library stands for."""
    return Path(unquote(uri.removeprefix("file://")))


def names_in(folder: Path) -> list[str]:
    """Return what is in a folder; nothing where it is none."""
    try:
        return os.listdir(folder)  # noqa: PTH208, a path of each would cost more than all the rest
    except (FileNotFoundError, NotADirectoryError):
        return []


def _add(folder: Path, rows: pa.Table) -> AddAction:
    name = f"part-00000-{uuid4()}-c000.zstd.parquet"
    fresh = folder / f"{name}#1"
    try:
        pq.write_table(
            rows,
            fresh,
            row_group_size=ROWS,
            write_batch_size=ROWS,
            use_dictionary=REPEATED,
            compression=COMPRESSION,
            compression_level=LEVEL,
            write_statistics=[*TIMES, "account", "scope", "key"],
            store_schema=False,
        )
        size = fresh.stat().st_size
        fresh.replace(folder / name)
    except OSError:
        fresh.unlink(missing_ok=True)  # half of it would only fill a full disk
        raise
    spans = {column: pc.min_max(rows[column]).as_py() for column in TIMES}
    stats = {
        "numRecords": rows.num_rows,
        "minValues": {column: f"{span['min'].astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" for column, span in spans.items()},
        "maxValues": {column: f"{span['max'].astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" for column, span in spans.items()},
        "nullCount": dict.fromkeys(TIMES, 0),
    }
    return AddAction(name, size, {}, int(time.time() * 1000), True, orjson.dumps(stats).decode())
