"""Runs the command line without HubSpot's limit of searches a second: `python -m tests.cli.brisk run`."""

from __future__ import annotations

import sys

from pipelines.cli import main

SEARCHING = {"run", "ingest", "demo", "sync"}
"""Commands that search; the others need not wait for what is imported to lift the limit."""

if __name__ == "__main__":
    if SEARCHING.intersection(sys.argv[1:2]):
        from tests.searches import lift

        lift()
    main()
