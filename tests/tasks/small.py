"""A nursery whose children send Tasks in small pieces: `calls` of few rows, or `jobs` of few rows (Bulk API).

python -m tests.tasks.small jobs
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from pipelines.vendors.salesforce import destination
from tests.replay.nursery import ROOT, Nursery, serve

ROWS = 6
SIZES = {"calls": None, "jobs": ROWS}
"""From how many rows on they go as jobs; None: never."""


class SmallNursery(Nursery):
    """Asks for children of a nursery that sends so."""

    def __init__(self, folder: Path, how: str) -> None:
        self.folder = folder
        self._number = 0
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.tasks.small", how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        )


def shrink(how: str) -> None:
    """Make the pieces small in this process."""
    destination.BATCH_ROWS = ROWS
    destination.SalesforceDestination.phases = tuple(
        replace(phase, batch_size=ROWS, bulk_from=SIZES[how], bulk_size=3 * ROWS) for phase in destination.PHASES
    )


if __name__ == "__main__":
    shrink(sys.argv[1])
    serve()
    os._exit(0)  # at once, as the nursery that this one is like
