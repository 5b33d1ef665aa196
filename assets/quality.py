"""The quality report: an asset that lets Great Expectations validate and links the page; a job; a daily schedule."""

import dagster as dg

from assets.ingest import OWNERS
from assets.resources import TurnoutHome
from pipelines.expectations.page import state, write_report


@dg.asset(
    deps=["published_hubspot", "published_salesforce"],
    group_name="reports",
    kinds={"html", "duckdb"},
    owners=OWNERS,
    description="Does what came in, was computed and goes out hold what is expected of it? A page for a browser.",
)
def quality_report(context: dg.AssetExecutionContext, turnout: TurnoutHome) -> dg.MaterializeResult:
    """Validate, write the page, and show what does not hold."""
    report, path = write_report(turnout.open(), context.log.info)
    amiss = [
        dg.TableRecord(
            {
                "check": one.name,
                "table": one.table,
                "state": state(one),
                "found": "; ".join(one.named) or str(one.failing),
            }
        )
        for one in report.checks
        if not one.passed
    ]
    metadata: dict[str, object] = {
        "page": dg.MetadataValue.url(path.resolve().as_uri()),
        "file": dg.MetadataValue.path(str(path)),
        "hold": len(report.checks) - len(amiss),
        "do not hold": len(amiss),
        "set aside": sum(report.quarantined.values()),
    }
    if amiss:
        metadata["what does not hold"] = dg.MetadataValue.table(amiss)
    return dg.MaterializeResult(metadata=metadata)


quality = dg.define_asset_job(
    "quality", dg.AssetSelection.assets("quality_report"), description="Validate, and write the quality report."
)
daily = dg.ScheduleDefinition(name="daily_quality", job=quality, cron_schedule="37 5 * * *", execution_timezone="UTC")
