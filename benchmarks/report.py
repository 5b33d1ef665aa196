"""What was measured, as a table and a chart, each figure with its target and the command that gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring import median

Data = Mapping[str, Any]
RUN = ".venv/bin/python -m benchmarks"


@dataclass(frozen=True)
class Line:
    """One figure. `first` and `target` are what it should be; `is_met` is None where there is nothing to be met."""

    what: str
    figure: str
    first: str = ""
    target: str = ""
    is_met: bool | None = None
    command: str = ""


def spread(values: Sequence[float], form: str = "{:.2f}") -> str:
    """Write a median with the least and the most."""
    text = form.format(median(values))
    return text if len(values) == 1 else f"{text} [{form.format(min(values))}–{form.format(max(values))}]"


def ratios(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Divide what was measured in the same turn; what was done more often in a turn, each time."""
    times = max(len(one), len(other)) if one and other else 0
    return [one[at * len(one) // times] / other[at * len(other) // times] for at in range(times)]


def size_of(events: int) -> str:
    """Write a number of events in millions."""
    return f"{events / 1e6:g} M"


def costs(data: Data) -> list[Sequence[str]]:
    """Return rows of what each kind of work cost: seconds, processor seconds, memory."""
    rows: list[Sequence[str]] = []
    for entry in data.get("builds", ()):
        names = {
            "scan": "limit: read every column once",
            "naive": "naive SQL (DuckDB), the six tables",
            "typed": "naive SQL, the six tables from typed columns",
            "polars": "Polars, the six tables",
            "pandas": "pandas, the six tables",
            "tables": "turnout, the six tables",
            "kept": "turnout, the six tables where staging stands",
            "whole": f"turnout, every table ({entry['tables']})",
            "tables after": f"turnout, one day more ({entry['delta']:,} events), the six tables",
            "increment": "turnout, one day more, every table",
            "tables few": f"turnout, {entry['few']:,} events more on the same day, the six tables",
            "few": f"turnout, {entry['few']:,} events more on the same day, every table",
            "nothing": "turnout, nothing new",
            "naive after": "naive SQL, the six tables a day later",
        }
        for name, label in names.items():
            if name in entry["costs"]:
                cost = entry["costs"][name]
                rows.append(
                    (
                        size_of(entry["events"]),
                        label,
                        spread(cost["wall"]),
                        spread(cost["cpu"]),
                        f"{max(cost['peak_mib']):,.0f}",
                    )
                )
    for cost in data.get("delta", ()):
        label = f"turnout, {cost['few']:,} events more on the same day, the six tables"
        peak = f"{max(cost['peak_mib']):,.0f}"
        rows.append((size_of(cost["events"]), label, spread(cost["wall"]), spread(cost["cpu"]), peak))
    for name, cost in data.get("ingest", {}).items():
        rows.append(
            (
                "120 k records",
                f"{name}, ingest",
                spread(cost["wall"]),
                spread(cost["cpu"]),
                f"{max(cost['peak_mib']):,.0f}",
            )
        )
    for name, cost in data.get("startup", {}).items():
        rows.append(("process", name, spread(cost["wall"]), spread(cost["cpu"]), f"{max(cost['peak_mib']):,.0f}"))
    if "publish" in data:
        cost = data["publish"]
        rows.append(
            (
                f"{cost['told']['rows']:,} rows",
                "plan",
                spread(cost["wall"]),
                spread(cost["cpu"]),
                f"{max(cost['peak_mib']):,.0f}",
            )
        )
    return rows


def figures(data: Data) -> list[Line]:
    """Return the figures that have targets."""
    lines: list[Line] = []
    for entry in data.get("builds", ()):
        lines += _builds(entry)
    lines += _histories(data)
    if "startup" in data:
        lines += _startup(data["startup"])
    if "ingest" in data and "dlt" in data["ingest"]:
        ours, dlt = data["ingest"]["turnout"], data["ingest"]["dlt"]
        rate = [ours["told"]["records"] / cpu / 1000 for cpu in ours["cpu"]]
        found = ratios(dlt["cpu"], ours["cpu"])
        command = f"{RUN} --only ingest"
        lines.append(Line("ingest: thousand records per second and core", spread(rate, "{:.0f}"), command=command))
        lines.append(Line("ingest ÷ dlt", spread(found, "{:.1f}"), "≥ 8", "≥ 13", median(found) >= 8, command))
    if "paging" in data:
        shares = data["paging"]["shares"]
        lines.append(
            Line(
                "paging at 100 ms, 32 at once: share of ideal",
                spread(shares),
                "≥ 0.85",
                "≥ 0.93",
                median(shares) >= 0.85,
                f"{RUN} --only paging",
            )
        )
    if "publish" in data:
        lines += _publish(data["publish"])
    if "threads" in data:
        told = data["threads"]
        lines.append(
            Line(
                "same checksums with 1 and 2 threads, ties and redeliveries",
                f"{told['same']} of {told['builds']} builds",
                "15/15",
                "60/60",
                told["same"] == told["builds"],
                f"{RUN} --only threads",
            )
        )
    return lines


def _builds(entry: Data) -> list[Line]:
    size, cost = size_of(entry["events"]), entry["costs"]
    command = f"{RUN} --only build --events {entry['events'] / 1e6:g}e6"
    is_middle = entry["events"] == 20_000_000
    whole = ratios(cost["tables"]["wall"], cost["naive"]["wall"])
    lines = [
        Line(
            f"{size}: six tables, whole ÷ naive",
            spread(whole),
            "≤ 0.35" if is_middle else "",
            "≤ 0.25" if is_middle else "",
            median(whole) <= 0.35 if is_middle else None,
            command,
        ),
        Line(
            f"{size}: the same in processor seconds",
            spread(ratios(cost["tables"]["cpu"], cost["naive"]["cpu"])),
            command=command,
        ),
        Line(
            f"{size}: the same where staging stands ÷ naive from typed columns",
            spread(ratios(cost["kept"]["wall"], cost["typed"]["wall"])),
            command=command,
        ),
        Line(
            f"{size}: six tables, whole ÷ limit",
            spread(ratios(cost["tables"]["wall"], cost["scan"]["wall"]), "{:.1f}"),
            command=command,
        ),
    ]
    for peer in ("polars", "pandas"):
        if peer in cost:
            lines.append(
                Line(
                    f"{size}: six tables, whole ÷ {peer}",
                    spread(ratios(cost["tables"]["wall"], cost[peer]["wall"])),
                    command=command,
                )
            )
    peak = max(cost["whole"]["peak_mib"]) / 1024
    lines.append(
        Line(
            f"{size}: every table, whole, peak memory",
            f"{peak:.2f} GiB",
            "≤ 1.5 GiB" if is_middle else "",
            "≤ 0.7 GiB" if is_middle else "≤ 4 GiB" if entry["events"] >= 10**8 else "",
            peak <= 1.5 if is_middle else None,
            command,
        )
    )
    after = ratios(cost["naive after"]["wall"], cost["tables after"]["wall"])
    lines.append(
        Line(
            f"{size}: six tables, naive whole ÷ one day's increment",
            spread(after, "{:.1f}"),
            "≥ 20" if is_middle else "",
            "≥ 35" if is_middle else "≥ 75" if entry["events"] >= 10**8 else "",
            median(after) >= 20 if is_middle else None,
            command,
        )
    )
    lines.append(
        Line(
            f"{size}: the same in processor seconds",
            spread(ratios(cost["naive after"]["cpu"], cost["tables after"]["cpu"]), "{:.1f}"),
            command=command,
        )
    )
    lines.append(
        Line(
            f"{size}: naive whole of six ÷ one day's increment of every table",
            spread(ratios(cost["naive after"]["wall"], cost["increment"]["wall"]), "{:.1f}"),
            command=command,
        )
    )
    lines.append(
        Line(
            f"{size}: increment equals the whole build and naive",
            "yes, all rows and columns",
            "always",
            "always",
            True,
            command,
        )
    )
    return lines


def _histories(data: Data) -> list[Line]:
    """Return what the same delta costs on the longest history, beside what it costs on the shortest."""
    lines: list[Line] = []
    builds = data.get("builds", ())
    for label, name in (("six tables", "tables few"), ("every table", "few")):
        lines += _history(label, "build", [{**entry["costs"][name], **entry} for entry in builds])
    return lines + _history("six tables", "delta", data.get("delta", ()))


def _history(label: str, section: str, entries: Sequence[Data]) -> list[Line]:
    if len(entries) < 2:
        return []
    shortest, longest = entries[0], entries[-1]
    times = longest["events"] / shortest["events"]
    found = ratios(longest["wall"], shortest["wall"])
    sizes = ",".join(f"{entry['events'] / 1e6:g}e6" for entry in entries)
    has_target = label == "six tables"
    return [
        Line(
            f"{label}, same delta (about {shortest['few']:,} events), history {times:g} × longer",
            f"{spread(found)} ×",
            "≤ 4 × at 50 ×" if has_target else "",
            "≤ 2 × at 50 ×" if has_target else "",
            median(found) <= 4 if has_target and times >= 50 else None,
            f"{RUN} --only {section} --events {sizes}",
        )
    ]


def _startup(told: Data) -> list[Line]:
    base = told["import duckdb"]["wall"]
    command = f"{RUN} --only startup"
    return [
        Line(
            f"{name} ÷ import duckdb (whole process)",
            spread(ratios(told[name]["wall"], base), "{:.1f}"),
            "",
            "≤ 8" if "nothing" in name else "",
            None,
            command,
        )
        for name in told
        if name != "import duckdb"
    ]


def _publish(data: Data) -> list[Line]:
    told = data["told"]
    command = f"{RUN} --only publish"
    by_batch = told["contact_calls"] / max(told["contact_ceil"], 1)
    every = told["calls"] / max(told["calls_at_least"], 1)
    sent = told["bytes"] / max(told["bytes_of_all"], 1)
    return [
        Line(
            f"publish: calls ÷ ceil(changed ÷ batch), {told['contacts']:,} contacts",
            f"{by_batch:.2f}",
            "= 1.00",
            "= 1.00",
            by_batch == 1,
            command,
        ),
        Line(
            f"publish: calls ÷ fewest possible, all {told['rows']:,} records",
            f"{every:.2f}",
            "= 1.00",
            "= 1.00",
            every == 1,
            command,
        ),
        Line("publish: bytes ÷ sending every property", f"{sent:.2f}", "≤ 0.3", "≤ 0.20", sent <= 0.3, command),
        Line(
            "serialising: cpu ÷ json.dumps of dicts",
            f"{told['ours_cpu'] / told['json_cpu']:.2f}",
            "",
            "≤ 0.25",
            None,
            command,
        ),
    ]


def text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table for a terminal."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]
    )


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table for a page."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


FIGURE_HEAD = ("figure", "median [min–max]", "first", "target", "met")
COST_HEAD = ("size", "what", "seconds", "processor seconds", "peak MiB")


def figure_rows(lines: Sequence[Line]) -> list[Sequence[str]]:
    """Return the figures as rows."""
    met = {True: "yes", False: "no", None: ""}
    return [(line.what, line.figure, line.first, line.target, met[line.is_met]) for line in lines]


def terminal(data: Data) -> str:
    """Return everything for a terminal."""
    return text(COST_HEAD, costs(data)) + "\n\n" + text(FIGURE_HEAD, figure_rows(figures(data))) + "\n"


def page(data: Data) -> str:
    """Return docs/performance.md."""
    lines = figures(data)
    rows = [
        (*row, f"`{line.command}`" if line.command else "") for row, line in zip(figure_rows(lines), lines, strict=True)
    ]
    made = data["machine"]
    template = Path(__file__).with_name("performance.md.in").read_text(encoding="utf-8")
    return template.format(
        machine=f"{made['cores']} cores, {made['memory_gib']} GiB, Python {made['python']}, "
        + ", ".join(f"{name} {version}" for name, version in made["packages"].items()),
        repeats=made["repeats"],
        turns=made["turns"],
        figures=markdown((*FIGURE_HEAD, "command"), rows),
        costs=markdown(COST_HEAD, costs(data)),
    )
