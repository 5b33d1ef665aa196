"""Reports that Zoom never exported: a file is refused with a reason, a row set aside with its line, all others read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, note

from pipelines.errors import ReportError
from pipelines.events import EVENT_SCHEMA, Batch, Record, Stream, digest
from pipelines.imports.zoom_report import ImportReceipt, import_reports
from pipelines.log import AppendReceipt, Log
from pipelines.run import Workspace
from pipelines.verify import verify
from tests.fuzz.odd import TEXTS, Dice, dice, often, torn
from tests.imports.test_zoom_report import ATTENDEE_2020, ATTENDEE_2026, FLAT, GOOD, MEETING, REGISTRATION, TOP

REPORTS = (ATTENDEE_2020, ATTENDEE_2026, MEETING, FLAT, REGISTRATION, TOP + GOOD)
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu")
CELLS = (
    *TEXTS,
    "02/30/2026 10:00:00 AM",
    "13/13/2026 10:00 AM",
    "11/01/2026 01:30:00 AM",
    "03/29/2026 02:30:00 AM",
    "01/01/2011 00:00",
    "12/31/2100 11:59:59 PM",
    "Feb 29, 2026 10:00 AM",
    "Smarch 1, 2026 10:00",
    "05/12/2026 25:61:61",
    "05/12/2026 13:00 PM",
    "2026-05-12T09:00:00+25:00",
    "0001-01-01 00:00:00",
    "9999-12-31T23:59:59-12:00",
    "--",
    "Yes",
    "No",
    "Attendee Details",
    "Report Generated:",
    "cancelled by nobody",
    "8.47E+10",
    "1" * 19,
    '"',
    '"open',
    "a\nb",
    'x""y',
    ",,,,",
    ";",
    "Email",
    "Join Time",
    "99999999999",
    "-5",
    "1,234",
    "∞",
)


def report(dice: Dice) -> bytes:
    """A report with odd cells, rows that are missing, doubled or exchanged, or torn bytes."""
    text = dice.choice(REPORTS)
    if dice.random() < 0.25:
        return torn(dice, text.encode())
    lines = text.splitlines()
    for _ in range(dice.choice((1, 1, 2, 4))):
        kind, at = dice.randrange(7), dice.randrange(len(lines))
        if kind <= 2:
            cells = lines[at].split(",")
            cells[dice.randrange(len(cells))] = dice.choice(CELLS)
            lines[at] = ",".join(cells)
        elif kind == 3:
            del lines[at]
        elif kind == 4:
            lines.insert(dice.randrange(len(lines) + 1), lines[at])
        elif kind == 5:
            lines[at] = dice.choice((lines[at][::-1], lines[at] * 3, lines[at].upper(), lines[at].replace(",", "\t")))
        else:
            lines.insert(at, ",".join(dice.choice(CELLS) for _ in range(dice.randrange(12))))
        lines = lines or [""]
    told = dice.choice(("\n", "\r\n", "\n\n")).join(lines)
    return told.encode(dice.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16")), "surrogatepass")


class Pad:
    """Takes batches as the log does and looks at each record, without a table."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def locked(self) -> Pad:
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def latest(self, _source: str, stream: str, _account: str) -> Mapping[str, Any]:
        return self.rows.get(stream, {})

    def append(self, _source: str, account: str, stream: Stream, batch: Batch, *, run: str) -> AppendReceipt:
        assert batch.at is not None
        rows = [row(record, account, run, batch) for record in batch.records]
        pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)
        kept = self.rows.setdefault(stream.name, {})
        assert len({one.key for one in batch.records}) == len(batch.records), "two records of one key"
        kept |= {record.key: orjson.loads(record.payload) for record in batch.records}
        return AppendReceipt(len(rows), len(rows))


def row(record: Record, account: str, run: str, batch: Batch) -> dict[str, Any]:
    content = digest(record.payload)
    told = {"key": record.key, "scope": record.scope, "kind": record.kind, "occurred_at": record.occurred_at}
    told |= {"event_id": content, "digest": content, "account": account, "batch": run, "observed_at": batch.at}
    return told | {"payload": record.payload.decode()}


def taken(path: Path, zone: str, log: Any) -> ImportReceipt | None:
    """Import one file; None where it is refused, with a reason and a next step."""
    try:
        (receipt,) = import_reports([path], zone, log, run="r")
    except ReportError as error:
        refused = str(error)
    else:
        return receipt
    assert refused.startswith(f"{path} cannot be imported: ")
    assert "xport" in refused or "Name a CSV file" in refused
    return None


@given(dice)
@often("reports")
def test_a_report_is_read_or_refused_and_each_row_that_is_not_read_is_named(tmp_path_factory: Any, dice: Dice) -> None:
    path = tmp_path_factory.getbasetemp() / dice.choice(("report.csv", "84759841045.csv"))
    content, zone = report(dice), dice.choice(ZONES)
    note(f"{zone} {content!r}")
    path.write_bytes(content)
    pad = Pad()
    receipt = taken(path, zone, pad)
    if receipt is None:
        return
    lines = len(content.splitlines()) + content.count(b"\r") + 1
    for line, reason, text in receipt.set_aside:
        assert 0 < line <= lines
        assert reason
        assert isinstance(text, str)
    orjson.dumps(receipt.told())
    assert receipt.lines()[0].startswith(f"{path}: webinar ")
    counted = receipt.attendee_rows + receipt.panelist_rows + receipt.host_rows + receipt.other_rows
    assert counted >= len(pad.rows.get("participants", ()))
    before = orjson.dumps(pad.rows, option=orjson.OPT_SORT_KEYS)
    again = taken(path, zone, pad)
    assert again is not None
    assert orjson.dumps(pad.rows, option=orjson.OPT_SORT_KEYS) == before, "a second import tells something else"


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_an_odd_cell_costs_its_own_row_at_most(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "report.csv"
    for column in range(6):
        cells = GOOD.strip().replace("Ada,ada@", "Eve,eve@").split(",")
        cells[column] = '"' + cell.replace('"', '""') + '"'
        path.write_text(TOP + GOOD + ",".join(cells) + "\n" + GOOD.replace("Ada,ada@", "Bob,bob@"), encoding="utf-8")
        pad = Pad()
        assert taken(path, "UTC", pad) is not None
        told = {one["user_email"] for one in pad.rows["participants"].values()}
        assert told >= {"ada@example.com", "bob@example.com"}, (column, path.read_text())


@given(dice)
@often("reports into a log")
def test_what_an_odd_report_leaves_in_the_log_is_whole(tmp_path_factory: Any, dice: Dice) -> None:
    home = tmp_path_factory.mktemp("home")
    content, zone = report(dice), dice.choice(ZONES)
    note(f"{zone} {content!r}")
    (home / "report.csv").write_bytes(content)
    log = Log(home)
    if taken(home / "report.csv", zone, log) is None:
        return
    assert verify(log) == []
    again = taken(home / "report.csv", zone, log)
    assert again is not None
    assert again.appended == 0


def test_tables_are_built_from_what_odd_reports_left(tmp_path: Path) -> None:
    sides, log = Dice(3), Log(tmp_path)
    for number in range(25):
        path = tmp_path / f"{84_700_000_000 + number}.csv"
        path.write_bytes(report(sides))
        taken(path, "Europe/Paris", log)
    (tmp_path / "turnout.toml").write_text("")
    opened = Workspace({"TURNOUT_HOME": str(tmp_path), "TURNOUT_SETTINGS": str(tmp_path / "turnout.toml")})
    opened.build()
    assert [check.name for check in opened.check() if not check.passed] == []
