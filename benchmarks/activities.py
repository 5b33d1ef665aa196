"""A million activities on their way to Salesforce: `python -m benchmarks.activities --events 2000000 FOLDER`.

Makes a history of so many events with a Salesforce org beside it (kept in FOLDER), builds everything from nothing, makes
the plan of a first day, and prints what it took: activities, Tasks, seconds, CPU seconds, peak memory and API calls.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from benchmarks import history, org
from benchmarks.company import END


def measured(home: Path) -> dict[str, Any]:
    """Build and plan in this process, and return what it took."""
    from pipelines import publish
    from pipelines.run import Workspace
    from pipelines.vendors.salesforce.destination import PHASES

    workspace = Workspace({"TURNOUT_HOME": str(home)})
    shutil.rmtree(workspace.warehouse.root, ignore_errors=True)
    began = time.monotonic()
    workspace.build(END)
    built = time.monotonic()
    with workspace.warehouse.connect() as db:
        ((activities,),) = db.execute("select count(*) from int_activities").fetchall()
        plan = publish.make_plan(
            db,
            workspace.models,
            ["salesforce"],
            as_of=END,
            positions=workspace.log.positions(),
            settings=workspace.settings_id,
            connected={},
        )
    planned = time.monotonic()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "activities": activities,
        "tasks": plan.total,
        "build_seconds": round(built - began, 1),
        "plan_seconds": round(planned - built, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": used.ru_maxrss // 1024,
        "calls": plan.rows["salesforce"].calls(PHASES),
    }


def main() -> None:
    """Make what is not there yet, and measure."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.activities", description=__doc__.partition("\n")[0])
    words.add_argument("folder", type=Path)
    words.add_argument("--events", type=float, default=2e6)
    given = words.parse_args()
    home = given.folder / "home"
    if not home.exists():
        history.make(given.folder, int(given.events))
    if not (home / "log" / "salesforce").exists():
        org.add(home, int(given.events))
    sys.stdout.write(orjson.dumps(measured(home), option=orjson.OPT_INDENT_2).decode() + "\n")


if __name__ == "__main__":
    main()
