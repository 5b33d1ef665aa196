"""When things run: jobs, the hourly schedule, and the sensor that takes in files."""

from pathlib import Path

import dagster as dg

from assets.resources import TurnoutHome
from pipelines import settings
from pipelines.imports.zoom_report import import_reports
from pipelines.vendors.registry import STREAMS

everything = dg.AssetSelection.all() - dg.AssetSelection.assets("quality_report")
"""The quality report takes longer than all the rest, so it has a schedule of its own."""
streams = dg.AssetSelection.groups(*(f"log_{source}" for source in STREAMS))
sync = dg.define_asset_job("sync", everything, description="Read, compute, check and publish: all of it, in order.")
backfill = dg.define_asset_job(
    "backfill", streams, description="Read the vendors' history; goes on where an earlier backfill was broken off."
)
hourly = dg.ScheduleDefinition(name="hourly_sync", job=sync, cron_schedule="7 * * * *", execution_timezone="UTC")


@dg.op(description="Drop everything derived, and build it from the log.")
def rebuild_all(context: dg.OpExecutionContext, turnout: TurnoutHome) -> None:
    """Rebuild every model."""
    receipt = turnout.open().rebuild(progress=context.log.debug)
    context.add_output_metadata({"models": receipt.rebuilt, "as of": receipt.as_of.isoformat()})


@dg.job(description="Drop everything derived, and build it from the event log.")
def rebuild() -> None:
    """Build all models from nothing but the log."""
    rebuild_all()


class ImportConfig(dg.Config):
    """Files that Zoom's portal exported, and the time zone of the times in them."""

    files: list[str]
    time_zone: str = "UTC"


@dg.op(description="Take CSV exports of Zoom's portal into the log.")
def import_zoom_reports(context: dg.OpExecutionContext, config: ImportConfig, turnout: TurnoutHome) -> None:
    """Read the files, and say what was set aside."""
    workspace = turnout.open()
    paths = [Path(name) for name in config.files]
    receipts = import_reports(paths, config.time_zone, workspace.log, run=workspace.run_id, progress=context.log.info)
    for receipt in receipts:
        for line in receipt.lines():
            context.log.info(line)
    context.add_output_metadata({"files": len(receipts), "rows set aside": sum(len(one.set_aside) for one in receipts)})


@dg.job(description="Take CSV exports of Zoom's portal into the event log.")
def import_reports_job() -> None:
    """Import files; the next sync computes and publishes what they tell."""
    import_zoom_reports()


@dg.sensor(job=import_reports_job, minimum_interval_seconds=30)
def new_reports(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Look for new CSV files in the folder `import` of TURNOUT_HOME."""
    folder = settings.home() / "import"
    files = sorted(folder.glob("*.csv")) if folder.is_dir() else []
    seen = set((context.cursor or "").splitlines())
    names = {f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}": file for file in files}
    fresh = {name: file for name, file in names.items() if name not in seen}
    if not fresh:
        return dg.SkipReason(f"no new CSV file in {folder}")
    context.update_cursor("\n".join(sorted(names)))
    config = {"files": [str(file) for file in fresh.values()], "time_zone": settings.load().imports.time_zone}
    return dg.RunRequest(
        run_key="|".join(sorted(fresh)), run_config={"ops": {"import_zoom_reports": {"config": config}}}
    )
