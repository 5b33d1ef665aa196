"""What an undo leaves is told, but for what goes with a record that it deletes."""

from __future__ import annotations

import pytest

from pipelines.publish.rows import Row
from pipelines.publish.undo import _without_gone

WHY = "there is no way to take it back"


@pytest.mark.rule("EV-08")
def test_what_goes_with_a_deleted_person_is_not_left_and_what_has_the_same_number_is() -> None:
    deleted = [Row("contact", "delete", "ada@x.example", "3"), Row("list_member", "delete", "regulars|4", "4")]
    of_ada = Row("attendance", "update", "5555|ada@x.example", "3")
    of_others = [
        Row("attendance", "update", "5555|bob@x.example", "4"),
        Row("list", "create", "regulars", "3"),
        Row("completion", "update", "5555", None),
    ]
    left = [("hubspot", row, WHY) for row in (of_ada, deleted[1], *of_others)]
    elsewhere = [("marketo", of_ada, WHY)]
    assert _without_gone([*left, *elsewhere], "hubspot", deleted) == [*left[2:], *elsewhere]
