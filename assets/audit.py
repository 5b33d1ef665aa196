"""The audit: an asset that links its page and shows what is amiss, and a job that reads one webinar again."""

from collections import Counter

import dagster as dg

from assets.ingest import OWNERS
from assets.resources import TurnoutHome
from pipelines.audit import STATUSES, audit
from pipelines.audit.page import SHOWN_EMAILS, write_page
from pipelines.events import utc
from pipelines.settings import webinar_id

SHOWN_DATES = 50


@dg.asset(
    deps=["webinar_audit", "webinar_audit_reasons", "audit_reasons", "published_hubspot"],
    group_name="reports",
    kinds={"html", "duckdb"},
    owners=OWNERS,
    description="Is each webinar synced, what of it is not, why, and how is that mended? A page that a browser opens.",
)
def audit_page(turnout: TurnoutHome) -> dg.MaterializeResult:
    """Write the page, and show the dates of which something is missing."""
    workspace = turnout.open()
    dates = audit(workspace.warehouse, most=SHOWN_EMAILS)
    path = write_page(workspace.home, dates, utc(workspace.warehouse.catalog().as_of))
    counts = Counter(date.status for date in dates)
    amiss = [
        dg.TableRecord(
            {
                "webinar": date.event_id,
                "start": f"{date.start_at:%Y-%m-%d %H:%M}" if date.start_at else "",
                "topic": date.topic,
                "status": date.status,
                "reasons": ", ".join(dict.fromkeys(gap.reason for gap in date.gaps)),
            }
        )
        for date in dates
        if date.status != "synced"
    ]
    metadata: dict[str, object] = {
        "page": dg.MetadataValue.url(path.as_uri()),
        "file": dg.MetadataValue.path(str(path)),
        **{name: counts[name] for name in STATUSES},
    }
    if amiss:
        metadata["not synced in full"] = dg.MetadataValue.table(amiss[:SHOWN_DATES])
    return dg.MaterializeResult(metadata=metadata)


class WebinarConfig(dg.Config):
    """Which webinar to read again."""

    webinar: str
    """Its id; blanks and dashes do not count."""
    allow: bool = False
    """Let a plan through whose shape a fuse would stop."""


@dg.op(description="Read one webinar again, all of it, and publish what differs.")
def read_webinar_again(context: dg.OpExecutionContext, config: WebinarConfig, turnout: TurnoutHome) -> None:
    """Do it, and say what was read and sent."""
    receipt = turnout.open().sync(webinar_id(config.webinar), allow=config.allow, progress=context.log.info)
    for told in receipt.ingested:
        for stream, why in told.failed.items():
            context.log.warning(f"{told.source}: {stream} was not read: {why}")
    context.add_output_metadata(
        {
            "new in Zoom": receipt.ingested[0].appended,
            "changes": receipt.plan.total if receipt.plan else 0,
            "published": receipt.applied.published if receipt.applied else 0,
        }
    )


@dg.job(description="Read one webinar again, all of it, and publish what differs.")
def sync_webinar() -> None:
    """Sync one webinar now; its id is the configuration."""
    read_webinar_again()
