"""Planned rows as columns: they are the rows that they were made of, and say the same however they are cut."""

from __future__ import annotations

from datetime import UTC, datetime

from pipelines.publish.plan import Plan
from pipelines.publish.planned import Planned
from pipelines.publish.rows import Phase, Row

CREATE = Phase("task", ("create",), batch_size=2, bulk_from=4, bulk_size=5)
UPDATE = Phase("task", ("update",), batch_size=2)
ONE = Phase("attendance", ("create",), only=("step", "register"))


def rows(count: int) -> list[Row]:
    """Tasks to create, with one to update and an attendance among them."""
    made = [Row("task", "create", f"t-{n}", None, {"Subject": f"№ {n}", "Type": None}, {}, {}) for n in range(count)]
    changed = Row("task", "update", "t-x", "00T1", {"Subject": "new"}, {"Subject": "old"}, {"account_id": "001"})
    return [*made, changed, Row("attendance", "create", "a|1", "7", {}, {}, {"step": "register"})]


def test_a_row_comes_back_as_it_was() -> None:
    told = rows(3)
    found = Planned.of(told)
    assert len(found) == 5
    assert [row.told() for row in found] == [row.told() for row in told]
    assert [row.payload_hash for row in found] == [row.payload_hash for row in told]
    assert found[1].fields == {"Subject": "№ 1", "Type": None}
    assert found[-1].key == "a|1"
    assert [row.key for row in found[1:3]] == ["t-1", "t-2"]
    assert [row.key for row in found[::2]] == ["t-0", "t-2", "a|1"]


def test_each_phase_takes_its_own_rows() -> None:
    found = Planned.of(rows(3))
    assert [row.key for row in found.of_phase(CREATE)] == ["t-0", "t-1", "t-2"]
    assert [row.key for row in found.of_phase(UPDATE)] == ["t-x"]
    assert len(found.of_phase(ONE)) == 1
    assert len(found.of_phase(Phase("attendance", ("create",), only=("step", "attend")))) == 0
    assert found.counts() == {"attendance": {"create": 1}, "task": {"create": 3, "update": 1}}


def test_calls_are_counted_before_they_are_made() -> None:
    assert Planned.of(rows(4)).calls((CREATE, UPDATE, ONE)) == 2 + 1 + 1
    assert Planned.of(rows(6)).calls((CREATE, UPDATE, ONE)) == 2 * 12 + 1 + 1


def test_a_plan_has_one_name_however_its_columns_are_cut() -> None:
    whole = Planned.of(rows(25_000))
    pieces = Planned(whole.table.slice(0, 3))
    parts = Planned(type(whole.table).from_batches(whole.table.to_batches(777)))
    names = {
        Plan(datetime(2026, 1, 1, tzinfo=UTC), {}, "s", {"salesforce": one}).plan_id for one in (whole, parts, pieces)
    }
    assert len(names) == 2
