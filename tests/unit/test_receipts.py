"""EV-06: what is unknown after a run that broke off, told by the log alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.log import Log
from pipelines.publish import Outcome, Row, unknown_intents
from pipelines.publish.receipts import write_intents, write_outcomes

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.rule("EV-06")
def test_an_outcome_at_one_destination_closes_no_intent_of_another(tmp_path: Path) -> None:
    log, row = Log(tmp_path), Row("contact", "create", "ada@x.example", fields={"email": "ada@x.example"})
    (first,) = write_intents(log, "hubspot", [row], run="r", wave=1, plan="p", at=AT)
    (second,) = write_intents(log, "salesforce", [row], run="r", wave=1, plan="p", at=AT)
    write_outcomes(log, "hubspot", [(first, Outcome(row, "published"))], run="r", plan="p", settings="", at=AT)
    assert [told["destination"] for _, told in unknown_intents(log)] == ["salesforce"]
    write_outcomes(log, "salesforce", [(second, Outcome(row, "published"))], run="r", plan="p", settings="", at=AT)
    assert unknown_intents(log) == []
