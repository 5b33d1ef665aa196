"""The chart of whole builds and increments, beside the peers."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measuring import median
from benchmarks.report import Data, size_of


def draw(data: Data, path: Path) -> None:
    """Draw whole builds and increments, side by side, on a scale of seconds that counts in powers of ten."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"svg.hashsalt": "turnout", "svg.fonttype": "none", "font.size": 9})
    entries = data["builds"]
    figure, axes = plt.subplots(1, len(entries), figsize=(4.2 * len(entries) + 1.5, 3.2), sharey=True, squeeze=False)
    names = {
        "pandas": "pandas, whole",
        "naive": "naive SQL, six tables",
        "polars": "Polars, six tables",
        "whole": "turnout, every table",
        "tables": "turnout, six tables",
        "kept": "turnout, six, staging stands",
        "scan": "limit: one scan",
        "increment": "turnout, one day more, every table",
        "tables after": "turnout, one day more, six tables",
        "nothing": "turnout, nothing new",
    }
    ours = ("whole", "tables", "kept", "increment", "tables after", "nothing")
    colours = {**dict.fromkeys(ours, "#0b7285"), "scan": "#adb5bd"}
    for axis, entry in zip(axes[0], entries, strict=True):
        shown = [name for name in names if any(name in one["costs"] for one in entries)]
        values = [median(entry["costs"][name]["wall"]) if name in entry["costs"] else 0.0 for name in shown]
        bars = axis.barh(
            [names[name] for name in shown], values, color=[colours.get(name, "#868e96") for name in shown]
        )
        axis.bar_label(bars, [_seconds(value) for value in values], padding=3)
        axis.set_xscale("log")
        axis.set_xlim(0.05, max(max(values), 1) * 12)
        axis.set_title(f"{size_of(entry['events'])} events")
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlabel("seconds (median)")
    axes[0][0].invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _seconds(value: float) -> str:
    if not value:
        return "not run"
    return f"{value:,.0f} s" if value >= 10 else f"{value:.2g} s"
