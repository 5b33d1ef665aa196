"""Random histories of a company that has a Salesforce org, too: its people, merged and converted, and its Tasks."""

from __future__ import annotations

from hashlib import md5
from pathlib import Path
from typing import Any

import orjson

from pipelines.warehouse import Warehouse
from tests.properties.histories import Row, Teller

ENGAGEMENTS = ("call_made", "sales_email_sent", "meeting_scheduled", "note_created", "task_created")
GRAINS = {
    "int_activities": "activity_key",
    "int_activity_people": "activity_key",
    "int_published_tasks": "task_key",
    "int_sales_touches": "activity_key",
    "int_salesforce_matches": "contact_id",
    "int_salesforce_people": "record_id",
    "sync_salesforce_tasks": "object_key",
}
"""Models of Tasks, and the column that tells their rows apart."""
ORG_SHARE = 3
"""One event of the org for so many of all others."""


def doubled(home: Path) -> list[str]:
    """Return the models in which a key stands twice."""
    with Warehouse(home).connect(GRAINS) as db:
        there = {name for (name,) in db.execute("select view_name from duckdb_views()").fetchall()}
        counts = {
            name: db.execute(f"select count(*) - count(distinct {key}) from {name}").fetchall()
            for name, key in GRAINS.items()
            if name in there
        }
    return [f"{name}: {more} rows too many" for name, [(more,)] in counts.items() if more]


class OrgTeller(Teller):
    """Tells what Salesforce and turnout's own writing of Tasks say, among the rest. All companies share one org."""

    def history(self, events: int) -> list[tuple[str, Row]]:
        """Return a history of about so many events, and those of the org."""
        super().history(events)
        tellers = [self.record, self.record, self.record, self.partner, self.what, self.task, self.task, self.org]
        self.org()
        for _ in range(events // ORG_SHARE):
            self.dice.choice(tellers)()
        return self.events

    def _record_id(self, kind: str) -> str:
        """An id of a Contact or Lead of this company, one of six."""
        prefix = "003" if kind == "contacts" else "00Q"
        return f"{prefix}{self.company:06d}{self.dice.choice('aA')}0000{self.dice.randint(1, 3)}AAA"

    def contact(self) -> None:
        """A HubSpot contact, which may bear ids of Salesforce: whole, short or wrong."""
        super().contact()
        _, row = self.events[-1]
        if row["payload"] is None:
            return
        told = orjson.loads(row["payload"])
        for name, kind in (("salesforcecontactid", "contacts"), ("salesforceleadid", "leads")):
            if self.dice.random() < 0.3:
                known = self._record_id(kind)
                told["properties"][name] = self.dice.choice([known, known[:15], "003nobody", ""])
        row["payload"] = orjson.dumps(told).decode()

    def record(self) -> None:
        """A Contact or a Lead, changed, deleted, merged or converted; mergers may lead in a circle."""
        dice = self.dice
        kind = dice.choice(["contacts", "contacts", "leads"])
        fate = dice.random()
        body: Row = {
            "Email": self.address(),
            "AccountId": dice.choice(["001A", None]),
            "CreatedDate": self.moment(0.5).isoformat(),
            "IsDeleted": fate < 0.2,
            "MasterRecordId": self._record_id(kind) if fate < 0.15 else None,
        }
        if kind == "leads":
            body["IsConverted"] = fate > 0.7
            body["ConvertedContactId"] = self._record_id("contacts") if fate > 0.7 else None
        self.tell(f"salesforce/{kind}", self._record_id(kind), body)

    def org(self) -> None:
        """The org's time zone, or one of its statuses."""
        dice = self.dice
        if dice.random() < 0.5:
            zone = dice.choice(["UTC", "Pacific/Kiritimati", "America/Los_Angeles", ""])
            self._said("salesforce/organization", "one", {"Name": "Org", "TimeZoneSidKey": zone})
        status = dice.choice(["Completed", "Done"])
        body = {"ApiName": status, "IsClosed": True, "IsDefault": dice.random() < 0.5, "SortOrder": 1}
        self._said("salesforce/task_statuses", status, body)

    def partner(self) -> None:
        """A deal or a company of HubSpot that Salesforce has, or has not."""
        dice = self.dice
        kind, name, value = dice.choice(
            [("deals", "hs_salesforceopportunityid", "006A"), ("companies", "salesforceaccountid", "001A")]
        )
        body = {"properties": {name: dice.choice([value, ""])}, "archived": dice.random() < 0.1}
        self.tell(f"hubspot/{kind}", "7", body)

    def what(self) -> None:
        """An opportunity or account."""
        stream, name = self.dice.choice([("opportunities", "006A"), ("accounts", "001A")])
        self.tell(f"salesforce/{stream}", name, {"IsDeleted": self.dice.random() < 0.2})

    def task(self) -> None:
        """What became of a Task that was to be written."""
        dice = self.dice
        activity = f"{dice.choice(ENGAGEMENTS)}:one:{self.company}{dice.randint(0, 3)}"
        key = f"t-{md5(activity.encode()).hexdigest()}"
        who = self._record_id(dice.choice(["contacts", "leads"]))
        body = {
            "destination": "salesforce",
            "object": "task",
            "operation": dice.choice(["create", "create", "update"]),
            "key": key,
            "planned_key": key,
            "vendor_id": f"00T{dice.randint(1, 9)}",
            "status": dice.choice(["published", "published", "rejected"]),
            "fields": {"Subject": dice.choice(["Call", "Note"]), "WhoId": who},
        }
        self._said("turnout/outcomes", f"t{self.company}.{len(self.events)}", body)

    def _said(self, stream: str, key: str, body: dict[str, Any]) -> None:
        """Tell something that is never gone."""
        self.tell(stream, key, body)
        row = self.events[-1][1]
        if row["payload"] is None:
            row["kind"], row["payload"] = "seen", orjson.dumps(body | {"nonce": len(self.events)}).decode()
