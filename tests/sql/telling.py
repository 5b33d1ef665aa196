"""A log in which things are told one after another, for tests of what the models make of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any, cast

import orjson

from pipelines import models, transform
from pipelines.log import Log
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse
from tests.properties.histories import PlainLog

MODELS = models.load()
WANTED = {"int_activities", "int_activity_settings"}
AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
CREATED = datetime(2026, 10, 1, 9, 0, 0, 250_000, tzinfo=UTC)
HAPPENED = datetime(2026, 10, 2, 10, 0, 0, 123_000, tzinfo=UTC)
OPENED = datetime(2026, 10, 3, 11, 0, 0, 7_000, tzinfo=UTC)
Row = dict[str, Any]


def needed() -> dict[str, models.Model]:
    """Return the models wanted here, and all that they read, in order."""
    names = set(WANTED)
    for name, model in reversed(MODELS.items()):
        if name in names:
            names |= set(model.reads)
    return {name: model for name, model in MODELS.items() if name in names}


class Told:
    """A log in which things are told one after another, and the activities that it gives."""

    def __init__(self, home: Path) -> None:
        self.log = PlainLog(home)
        self.told = 0
        self.tell("turnout/settings", "settings", Settings().meaning(), CREATED, account="turnout")

    def tell(
        self,
        stream: str,
        key: str,
        payload: Any,
        at: datetime = CREATED,
        scope: str = "",
        account: str = "77",
        kind: str = "seen",
    ) -> None:
        """Append one event."""
        self.told += 1
        text = orjson.dumps(payload).decode() if kind == "seen" else None
        row = {
            "event_id": md5(f"{stream}|{key}|{text}|{at}".encode()).digest(),
            "account": account,
            "scope": scope,
            "key": key,
            "kind": kind,
            "occurred_at": at,
            "observed_at": AS_OF + timedelta(seconds=self.told),
            "batch": "made",
            "digest": b"",
            "payload": text,
        }
        self.log.append(stream, [row])

    def contact(self, number: int, at: datetime = CREATED, *, archived: bool = False, **more: Any) -> None:
        """Tell a contact's state: `touches` are histories, all else properties."""
        touches = more.pop("touches", {})
        self.tell(
            "hubspot/contacts",
            str(number),
            {
                "createdAt": CREATED.isoformat(),
                "archived": archived,
                "properties": {"email": f"c{number}@x.example", **more},
                "propertiesWithHistory": {
                    name: [{"value": moment.isoformat()} for moment in moments] for name, moments in touches.items()
                },
            },
            at,
        )

    def engagement(
        self, kind: str, number: int, contacts: list[int], at: datetime = CREATED, **properties: Any
    ) -> None:
        """Tell a call, sales email, meeting, note or task."""
        archived = properties.pop("archived", False)
        self.tell(
            f"hubspot/{kind}",
            str(number),
            {
                "createdAt": CREATED.isoformat(),
                "archived": archived,
                "properties": {"hs_timestamp": HAPPENED.isoformat(), **properties},
                "associations": {
                    "contacts": [str(one) for one in contacts],
                    "companies": ["52", "51"],
                    "deals": ["61"],
                },
            },
            at,
        )

    def email(self, kind: str, name: str, at: datetime, recipient: str, **more: Any) -> None:
        """Tell what happened to a marketing email."""
        created = int(at.timestamp() * 1000)
        body = {"id": name, "created": created, "type": kind, "recipient": recipient, "emailCampaignId": 5, **more}
        self.tell("hubspot/email_events", f"{name}|{created}", body, at)

    def build(self, as_of: datetime = AS_OF) -> dict[str, Row]:
        """Bring the models up to the log, and return activity_id to row."""
        transform.build(cast(Log, self.log), needed(), as_of=as_of, small=0, share=1e9)
        found = {row["activity_id"]: row for row in self.rows("int_activities")}
        assert len(found) == len(self.rows("int_activities"))
        return found

    def rows(self, model: str) -> list[Row]:
        """Return a model's rows."""
        with Warehouse(self.log.home).connect([model]) as db:
            found = db.execute(f"from {model}")
            columns = [column[0] for column in found.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
