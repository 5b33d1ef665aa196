"""The same pages through dlt: records as dictionaries, normalised as it does by default, to Parquet in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import Page, records_key

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")


def ingest(pages: Sequence[Page], out: Path) -> None:
    """Load all pages, each stream into its table."""
    import dlt

    def records(name: str) -> Iterator[list[dict[str, Any]]]:
        for stream, _, body in pages:
            if stream == name:
                yield json.loads(body)[records_key(name)]

    resources = [dlt.resource(records(name), name=name) for name in ("email_events", "participants", "contacts")]
    pipeline = dlt.pipeline(
        "ingest",
        destination=dlt.destinations.filesystem(str(out / "parquet")),
        dataset_name="pages",
        pipelines_dir=str(out / "state"),
    )
    pipeline.run(resources, loader_file_format="parquet")
