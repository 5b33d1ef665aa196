"""Webhooks: a sensor that sees what vendors sent, and the job that reads what moved and publishes it."""

import time

import dagster as dg

from assets.resources import TurnoutHome
from pipelines import settings
from pipelines.inbox import Inbox

WAIT_SECONDS = 1800.0
"""A run that holds TURNOUT_HOME is waited for so long."""
AGAIN_SECONDS = 600
"""What still waits after this is asked for once more: the run before did not get to it."""
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.op(description="Take in what the vendors sent, read again the webinars that it names, and publish what differs.")
def read_moved_webinars(context: dg.OpExecutionContext, turnout: TurnoutHome) -> None:
    """Do a run, which takes the inbox first."""
    workspace = turnout.open()
    with workspace.log.locked(wait_seconds=WAIT_SECONDS):
        receipt = workspace.run(progress=context.log.info)
    for told in receipt.ingested:
        for stream, why in told.failed.items():
            context.log.warning(f"{told.source}: {stream} was not read: {why}")
    context.add_output_metadata(
        {
            "webinars read again": len(receipt.ingested) - len(workspace.sources),
            "changes": receipt.plan.total if receipt.plan else 0,
            "published": receipt.applied.published if receipt.applied else 0,
        }
    )


@dg.job(description="Read again the webinars that webhooks name, then all that is new, and publish what differs.")
def sync_moved_webinars() -> None:
    """Sync what webhooks say has moved."""
    read_moved_webinars()


@dg.sensor(job=sync_moved_webinars, minimum_interval_seconds=5)
def new_deliveries(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Look for deliveries in the folder `inbox` of TURNOUT_HOME; one run takes all that came."""
    inbox = Inbox(settings.home())
    files = inbox.files()
    if not files:
        return dg.SkipReason(f"nothing waits in {inbox.folder}")
    started = context.instance.get_runs(dg.RunsFilter(job_name=sync_moved_webinars.name, statuses=UNDER_WAY), limit=1)
    if started:
        return dg.SkipReason(f"run {started[0].run_id} is under way; what it does not take is the next one's")
    newest = files[-1].stem
    waited = max(time.time() - int(newest.partition("-")[0]) / 1e9, 0)
    return dg.RunRequest(run_key=f"{newest}-{int(waited // AGAIN_SECONDS)}", tags={"turnout/deliveries": newest})
