"""What the vendors delivered, as files: what the peers start from, and what the limit is measured on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from benchmarks.company import END, STREAMS
from pipelines.log import Log


def files(folder: Path, name: str, until: datetime = END) -> list[str]:
    """Return the Parquet files of a stream's deliveries up to a moment: the log's, those that came twice, the delta's."""
    log = Log(folder / "home")
    found = [*log.files(*name.split("/")), *map(str, sorted((folder / "redelivered" / name).glob("*.parquet")))]
    if until > END:
        found += [str(folder / kind / f"{name}.parquet") for kind in ("delta", "delta-redelivered")]
    return found


def all_files(folder: Path, until: datetime = END) -> dict[str, list[str]]:
    """Return stream name (without its vendor) to its files."""
    return {name.split("/")[1]: files(folder, name, until) for name in STREAMS}
