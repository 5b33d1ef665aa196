"""Reports as assets: a query of `sql/reports/`, with a table of types and months, and a chart, in its metadata."""

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from html import escape

import dagster as dg

from assets.ingest import OWNERS
from assets.resources import TurnoutHome
from pipelines import reports

WIDTH, ROW, LABEL = 640, 22, 200


def chart(counts: Mapping[str, int]) -> str:
    """Return bars as SVG, the longest first."""
    longest = max(counts.values(), default=1)
    bars: list[str] = []
    for at, (name, count) in enumerate(sorted(counts.items(), key=lambda one: (-one[1], one[0]))):
        y = at * ROW
        long = max(1, round((WIDTH - LABEL - 80) * count / longest))
        bars.append(
            f'<text x="{LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{LABEL}" y="{y + 4}" width="{long}" height="{ROW - 8}" fill="#3b6ea5"/>'
            f'<text x="{LABEL + long + 6}" y="{y + 15}">{count:,}</text>'
        )
    height = max(len(counts), 1) * ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(bars)}</svg>'
    )


def as_picture(svg: str, about: str = "activities by type") -> dg.MetadataValue:
    """Return a drawing as Dagster's pages show it."""
    return dg.MetadataValue.md(f"![{about}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})")


def asset_of(report: reports.Report) -> dg.AssetsDefinition:
    """Return the asset of a report."""

    @dg.asset(
        name=report.name,
        deps=["published_salesforce"],
        group_name="reports",
        kinds={"sql", "duckdb"},
        owners=OWNERS,
        description=report.question,
        metadata={"sql": dg.MetadataValue.md(f"```sql\n{report.sql}\n```")},
    )
    def show(turnout: TurnoutHome) -> dg.MaterializeResult:
        found = reports.rows(turnout.open().warehouse, report.name)
        types = Counter(found["activity_type"].to_pylist())
        months = Counter(
            (kind, f"{day:%Y-%m}")
            for kind, day in zip(found["activity_type"].to_pylist(), found["activity_date"].to_pylist(), strict=True)
        )
        metadata: dict[str, object] = {"dagster/row_count": found.num_rows}
        if types:
            metadata["by type"] = as_picture(chart(types))
            metadata["by type and month"] = dg.MetadataValue.table(
                [
                    dg.TableRecord({"activity_type": kind, "month": month, "tasks": count})
                    for (kind, month), count in sorted(months.items())
                ]
            )
        return dg.MaterializeResult(metadata=metadata)

    return show


shown = [asset_of(report) for report in reports.load().values()]
