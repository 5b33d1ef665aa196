"""Segments as assets: how many are in each, as a chart over time, and why one failed."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

import dagster as dg

from assets.reports import as_picture
from pipelines.models import SEGMENTS
from pipelines.warehouse import Warehouse

SIZES = "segment_sizes"
WIDTH, HEIGHT, MARGIN, LINE = 640, 240, 44, 18
COLOURS = ("#3b6ea5", "#b5533c", "#4f8a4f", "#8a5aa0", "#b8892e", "#3a8f95", "#a0527a", "#666666")

Sizes = Mapping[str, Sequence[tuple[date, int]]]
"""Segment to its days and how many were in at the end of each."""


def curves(sizes: Sizes) -> str:
    """Return sizes over time as SVG: a step line for each segment, up to the last day of any."""
    days = [day for points in sizes.values() for day, _ in points]
    first, last = min(days), max(days)
    most = max(1, *(count for points in sizes.values() for _, count in points))
    span = max(1, (last - first).days)

    def place(day: date, count: int) -> tuple[int, int]:
        across = (WIDTH - 2 * MARGIN) * (day - first).days / span
        return MARGIN + round(across), HEIGHT - MARGIN - round((HEIGHT - 2 * MARGIN) * count / most)

    drawn: list[str] = []
    for at, (name, points) in enumerate(sorted(sizes.items())):
        colour = COLOURS[at % len(COLOURS)]
        corners: list[tuple[int, int]] = []
        for day, count in points:
            x, y = place(day, count)
            corners += [(x, corners[-1][1])] if corners else []
            corners.append((x, y))
        corners.append((place(last, 0)[0], corners[-1][1]))
        path = " ".join(f"{x},{y}" for x, y in corners)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = HEIGHT + at * LINE
        drawn.append(f'<rect x="{MARGIN}" y="{y}" width="12" height="12" fill="{colour}"/>')
        drawn.append(f'<text x="{MARGIN + 18}" y="{y + 11}">{escape(name)}: {points[-1][1]:,}</text>')
    height = HEIGHT + len(sizes) * LINE + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        f'<text x="4" y="{MARGIN - 8}">{most:,}</text><text x="4" y="{HEIGHT - MARGIN + 4}">0</text>'
        f'<text x="{MARGIN}" y="{HEIGHT - 20}">{first}</text>'
        f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - 20}" text-anchor="end">{last}</text>{"".join(drawn)}</svg>'
    )


def sizes_of(warehouse: Warehouse) -> Sizes:
    """Return the sizes that the tables tell; none where there are none."""
    if SIZES not in warehouse.catalog().entries:
        return {}
    with warehouse.connect({SIZES}) as db:
        rows = db.execute(f"select segment, day, member_count from {SIZES} order by segment, day").fetchall()
    found: dict[str, list[tuple[date, int]]] = {}
    for segment, day, count in rows:
        found.setdefault(segment, []).append((day, count))
    return found


def metadata_of(name: str, sizes: Sizes, faults: Mapping[str, str]) -> dict[str, object]:
    """Return what is shown of a segment, or of all of them, beside rows and columns."""
    told: dict[str, object] = {"failed": faults[name]} if name in faults else {}
    shown = dict(sizes) if name in (SIZES, SEGMENTS) else {name: sizes[name]} if name in sizes else {}
    if shown:
        told["size over time"] = as_picture(curves(shown), "size over time")
    if name == SEGMENTS and faults:
        told["failed"] = dg.MetadataValue.md("\n".join(f"- {why}" for why in faults.values()))
    return told
