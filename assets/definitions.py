"""Everything that Dagster knows of turnout. The table of contents of this room; what things do is in `pipelines`."""

import dagster as dg

from assets import audit, automation, checks, ingest, publish, quality, reports, transform, webhooks
from assets.resources import TurnoutHome

defs = dg.Definitions(
    assets=[
        *ingest.vendor_streams,
        transform.build_models,
        *publish.destinations,
        *reports.shown,
        audit.audit_page,
        quality.quality_report,
    ],
    asset_checks=checks.checks,
    jobs=[
        automation.sync,
        quality.quality,
        audit.sync_webinar,
        webhooks.sync_moved_webinars,
        automation.backfill,
        automation.rebuild,
        automation.import_reports_job,
    ],
    schedules=[automation.hourly, quality.daily],
    sensors=[automation.new_reports, webhooks.new_deliveries],
    resources={"turnout": TurnoutHome()},
    executor=dg.in_process_executor,
)
