"""Events as a table: in the order of their moments, whatever is missing or too large for one piece."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.events import EVENT_SCHEMA, Record, Records
from pipelines.log import columns
from pipelines.log.news import News

START = datetime(2026, 1, 1, tzinfo=UTC)
TOLD = [("c", 3, b'{"n":1}'), ("b", 2, b""), ("a", 2, b'{"n":22}'), ("e", 2, b'{"n":"\xc3\xbc"}'), ("d", 1, b'{"n":3}')]


@pytest.mark.parametrize("most", [columns.MOST_BYTES, 10], ids=["one piece", "larger than a piece"])
@pytest.mark.parametrize("told", [TOLD, [one for one in TOLD if one[2]], TOLD[-1:], []], ids=len)
def test_rows_are_in_the_order_of_their_moments_and_equal_ones_stay_as_they_came(
    most: int, told: list[tuple[str, int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "MOST_BYTES", most)
    records = Records.of(
        [
            Record(key, START + timedelta(seconds=at), said, f"s{at}", "seen" if said else "absent")
            for key, at, said in told
        ]
    )
    ids = [key.encode() * 16 for key, _, _ in told]
    contents = [key.upper().encode() * 16 for key, _, _ in told]

    rows = columns.table(News(records, ids, contents), account="one", observed_at=START, batch="r")

    assert rows.schema == EVENT_SCHEMA
    names = ("event_id", "scope", "key", "kind", "occurred_at", "digest", "payload")
    assert [tuple(row[name] for name in names) for row in rows.to_pylist()] == [
        (
            key.encode() * 16,
            f"s{at}",
            key,
            "seen" if said else "absent",
            START + timedelta(seconds=at),
            key.upper().encode() * 16,
            said.decode() or None,
        )
        for key, at, said in sorted(told, key=lambda one: one[1])
    ]
