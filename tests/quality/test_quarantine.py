"""Records that cannot be read are set aside with their reason, disturb nobody, and come back once they can be read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.events import Batch, Record, utc
from pipelines.expectations.report import quarantined
from pipelines.run import Workspace
from pipelines.vendors.registry import STREAMS
from tests.worlds import HOST, NOW, contact, joined, webinar

STREAM = {(source, stream.name): stream for source, streams in STREAMS.items() for stream in streams}
SESSION = {"uuid": "u1==", "topic": "Topic", "start_time": "2026-11-10T10:00:00Z", "end_time": "2026-11-10T11:00:00Z"}


@pytest.mark.rule("EV-12")
def test_what_cannot_be_read_is_set_aside_and_comes_back(tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text("")
    opened = Workspace({"TURNOUT_HOME": str(tmp_path / "home"), "TURNOUT_SETTINGS": str(tmp_path / "none.toml")})

    def tell(
        source: str, stream: str, key: str, payload: dict[str, Any] | None, scope: str = "", hours: int = 0
    ) -> None:
        account = "4242" if source == "hubspot" else "zoom-account"
        at = utc(NOW) + timedelta(hours=hours)
        content = b"" if payload is None else orjson.dumps(payload)
        happened = at if hours else utc("2026-11-10T10:00:00")
        record = Record(key, happened, content, scope, "absent" if payload is None else "seen", follows=hours > 0)
        opened.log.append(source, account, STREAM[source, stream], Batch([record], at=at), run="r")

    def set_aside() -> list[tuple[Any, ...]]:
        opened.build()
        with opened.warehouse.connect() as db:
            rows = "select source, stream, scope, key, reason, batch, length(event_id) from quarantine order by key"
            return db.execute(rows).fetchall()

    def attended() -> list[tuple[Any, ...]]:
        with opened.warehouse.connect() as db:
            rows = "select email, attended_us // 60000000 from int_attendances inner join int_people using (person_key)"
            return db.execute(f"{rows} order by email").fetchall()

    told = webinar(84759841045)
    for name in ("registrants", "panelists", "instances"):
        del told[name]
    tell("zoom", "users", "host1", HOST)
    tell("zoom", "webinars", "84759841045", told)
    tell("zoom", "instances", "u1==", SESSION, "84759841045")
    assert set_aside() == []
    sound = joined("ada@x.example", "10:00", "10:30")
    tell("zoom", "participants", "u1|ada", sound, "u1==")
    tell("zoom", "participants", "u1|bob", {**joined("bob@x.example", "10:00", "10:30"), "join_time": "soon"}, "u1==")
    tell("zoom", "participants", "u1|cy", {**joined("cy@x.example", "10:00", "10:30"), "join_time": ""}, "u1==")
    tell("hubspot", "contacts", "five", contact(5, "dee@x.example"))
    assert set_aside() == [
        ("hubspot", "contacts", "", "five", "key is no number", "r", 32),
        ("zoom", "participants", "u1==", "u1|bob", "join_time cannot be read", "r", 32),
        ("zoom", "participants", "u1==", "u1|cy", "join_time is missing", "r", 32),
    ]
    assert attended() == [("ada@x.example", 30)], "no time is guessed"
    assert quarantined(opened.warehouse) == {
        ("hubspot", "contacts", "key is no number"): 1,
        ("zoom", "participants", "join_time cannot be read"): 1,
        ("zoom", "participants", "join_time is missing"): 1,
    }
    tell("zoom", "participants", "u1|bob", joined("bob@x.example", "10:00", "10:45"), "u1==", hours=1)
    tell("zoom", "participants", "u1|cy", None, "u1==", hours=1)
    assert [row[3] for row in set_aside()] == ["five"]
    assert attended() == [("ada@x.example", 30), ("bob@x.example", 45)]
    opened.rebuild()
    assert [row[3] for row in set_aside()] == ["five"], "a rebuild gives the same"
