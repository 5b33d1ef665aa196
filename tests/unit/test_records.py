"""Records as columns are the records they were made of; instants read as a column are those read one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.events import Record, Records
from pipelines.vendors.reading import gathered, instant, instants, mend, reads
from tests.unit.test_http_vendors import Page

DAYS = (datetime(2201, 1, 1, tzinfo=UTC) - datetime(1900, 1, 1, tzinfo=UTC)) // timedelta(days=1)
MOMENTS = st.builds(
    lambda day, rest: datetime(1900, 1, 1, tzinfo=UTC) + timedelta(days=day, microseconds=rest),
    st.integers(0, DAYS - 1),
    st.integers(0, 86_400_000_000 - 1),
)
KINDS: Any = st.sampled_from(["seen", "seen", "absent"])
PLAIN = st.builds(Record, st.text(max_size=3), MOMENTS, st.binary(max_size=5), st.sampled_from(["", "v"]))
ANY = st.builds(Record, st.text(max_size=3), MOMENTS, st.binary(max_size=5), st.just("w"), KINDS, st.booleans())
PART = st.lists(PLAIN, max_size=6) | st.lists(ANY, max_size=6)


@pytest.mark.rule("EV-01")
@given(PART, st.data())
def test_columns_are_the_records_that_they_were_made_of(some: list[Record], data: st.DataObject) -> None:
    made = Records.of(some)
    assert Records.of(made) is made
    assert list(made) == [made[nth] for nth in range(len(made))] == some
    assert made.absent() == [one.kind for one in some].count("absent")
    first, last = (data.draw(st.integers(0, len(some))) for _ in range(2))
    assert list(made[first:last]) == some[first:last]
    places = data.draw(st.lists(st.sampled_from(range(len(some))), max_size=9)) if some else []
    assert list(made.take(places)) == [some[place] for place in places]
    if some:
        assert made.span() == (min(one.occurred_at for one in some), max(one.occurred_at for one in some))


@given(st.lists(PART, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))
def test_parts_are_joined_in_their_order(parts: list[list[Record]], are_columns: list[bool]) -> None:
    given_parts = [Records.of(part) if is_column else part for part, is_column in zip(parts, are_columns, strict=False)]
    assert list(Records.joined(given_parts)) == [record for part in parts for record in part]


ISO = MOMENTS.flatmap(
    lambda moment: st.sampled_from(
        [
            f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
            moment.isoformat(),
            f"{moment:%Y-%m-%d %H:%M:%SZ}",
            f"{moment:%Y-%m-%dT%H:%M:%S}+01:00",
        ]
    )
)
DAY = "(18|19|20|21|22)[0-9]{2}-[01][0-9]-[0-3][0-9]"
ALIKE = st.from_regex(
    DAY + r"[T ][0-2][0-9](:[0-6][0-9]){2}(Z|\.[0-9]{3}Z|[+-][0-9]{4}|\.[0-9][+-][0-9]{2})", fullmatch=True
)
"""What is as long as vendors' instants, and is one, is none, or has an offset of its own."""
ODD = st.sampled_from(
    ["", "2026-02-30T10:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T10:00:60Z", "1896-01-01T00:00:00Z", "17", "soon"]
)
MILLISECONDS = st.integers(-(10**13), 10**13)


@given(
    st.lists(ISO, max_size=5)
    | st.lists(ALIKE, max_size=2)
    | st.lists(MILLISECONDS, max_size=5)
    | st.lists(ISO | ODD, max_size=5)
    | st.lists(ISO | ODD | MILLISECONDS | st.none() | st.booleans() | st.floats(), max_size=5)
)
@example([0, 7_258_118_400_000])
@example([True, 1_700_000_000_000])
@example(["2026-01-01T10:00:00Z", "2026-02-30T10:00:00Z"])
@example(["2200-12-31T23:59:59Z", "2201-01-01T00:00:00Z"])
@example(["1900-01-01T00:00:00Z", "1899-12-31T23:59:59Z"])
@example([2**63, 1])
@example([0, 7_289_654_400_000])
def test_instants_are_read_as_a_column_as_they_are_one_by_one(told: list[Any]) -> None:
    assert [one and one.astimezone(UTC) for one in instants(told).to_pylist()] == [instant(one) for one in told]


def test_what_has_no_name_or_no_moment_is_told_and_left_out() -> None:
    left_out: list[None] = []
    moments = instants([1_700_000_000_000, 1_700_000_000_000, None, 1_700_000_001_000])
    made = gathered(["a", "", "b", "c"], moments, [b"1", b"2", b"3", b"4"], lambda: left_out.append(None), "v")
    at = datetime.fromtimestamp(1_700_000_000, UTC)
    assert list(made) == [Record("a", at, b"1", "v"), Record("c", at + timedelta(seconds=1), b"4", "v")]
    assert len(left_out) == 2


NUMBERS = st.from_regex(rb"\A-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,4})?\Z")
TEXTS = st.from_regex(rb"\A[0-9a-f:, -]{0,6}[0-9]{1,2}e[0-9]{3}[0-9a-f -]{0,6}\Z").map(lambda text: b'"%s"' % text)
BLANKS = st.sampled_from([b"", b" ", b"\n\t"])


@given(st.lists(st.tuples(BLANKS, NUMBERS | TEXTS, BLANKS), min_size=1, max_size=5))
@example([(b"", b"1e400", b"")])
@example([(b" ", b"-1.5E+999", b"")])
@example([(b"", b"9" * 220, b"")])
@example([(b"", b"9" * 310, b"")])
@example([(b"", b"-" + b"9" * 400 + b".5", b"")])
def test_a_number_beyond_all_doubles_is_mended_and_all_else_stays(values: list[tuple[bytes, bytes, bytes]]) -> None:
    row = b'{"value":[%s]}' % b",".join(b"".join(value) for value in values)
    (read,) = reads(Page)(b'{"rows":[%s]}' % row).rows
    assert orjson.loads(bytes(read))["value"]
    try:
        orjson.loads(row)
    except orjson.JSONDecodeError:
        assert bytes(read) == mend(row)
    else:
        assert bytes(read) == row
