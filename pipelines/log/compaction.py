"""Keeps the log quick: many small files of a stream become few, and no event, cursor or id changes.

A compaction is one more commit. A kill before it leaves files that nobody names, which a later tidying drops; readers
of the files that it replaced have them for `KEEP`. Staging reads on as if nothing had happened, since the commit says
that it adds no data.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError

from pipelines.errors import LogError
from pipelines.log import OURS_IN_COMMITS, VERSION, WRITER, Log, commit

MOST = 100
"""Files of a stream that are smaller than `SMALL`; from there on they are put together."""
SMALL = 16 * 1024 * 1024
TARGET = 64 * 1024 * 1024
"""Bytes of a file that need no other beside it."""
KEEP = timedelta(days=7)


def tidy(log: Log, *, most: int = MOST, progress: Callable[[str], None] = lambda _: None) -> list[str]:
    """Compact the streams that need it, and return their names.

    Raises:
        LogError: the disk is full or the folder cannot be written; the log is as it was.
    """
    compacted: list[str] = []
    with log.locked():
        for source, stream in log.streams():
            table = log.table(source, stream) if _are_many(log.root / source / stream, most) else None
            if table is not None and _small_files(table) > most:
                progress(f"{source}/{stream}: putting small files together")
                _compact(table)
                compacted.append(f"{source}/{stream}")
    return compacted


def _are_many(folder: Path, most: int) -> bool:
    """Whether a folder may have files to put together; that it has too few is told without Delta's library."""
    return sum(name.endswith(".parquet") for name in commit.names_in(folder)) > most


def _small_files(table: DeltaTable) -> int:
    sizes = table.get_add_actions(flatten=True)["size_bytes"].to_pylist()
    return sum(size < SMALL for size in sizes)


def _compact(table: DeltaTable) -> None:
    told = table.history(1)[0]
    metadata = {name: str(told[name]) for name in OURS_IN_COMMITS if name in told}
    metadata.setdefault(VERSION, str(table.version()))
    properties = CommitProperties(custom_metadata=metadata)
    try:
        table.optimize.compact(target_size=TARGET, writer_properties=WRITER, commit_properties=properties)
        table.vacuum(
            retention_hours=int(KEEP / timedelta(hours=1)),
            dry_run=False,
            enforce_retention_duration=False,
            commit_properties=properties,
        )
        table.create_checkpoint()
        table.update_incremental()
        _drop_parts(commit.folder_of(table))
    except (DeltaError, OSError) as error:
        raise LogError(
            f"{commit.folder_of(table)}: small files could not be put together: {str(error)[:300]}. "
            "The log is as it was; see that the disk has room and the folder can be written, then run again."
        ) from None


def _drop_parts(folder: Path) -> None:
    """Drop what a killed writer left half written; nobody else writes while the lock is held."""
    for path in folder.glob("*.parquet#*"):
        path.unlink(missing_ok=True)
