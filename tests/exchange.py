"""A company whose people work in Salesforce and in HubSpot: short ways to change one, and to ask the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.publish import Row
from pipelines.run import RunReceipt
from pipelines.sandbox.salesforce.ids import padded
from tests.company import Company
from tests.worlds import NOW, contact, later, world

Record = dict[str, Any]
ADA, BOB, CY = padded("003A"), padded("003B"), padded("003C")
LEAD, DEAL, ACCOUNT, OWNER = padded("00QA"), padded("006A"), padded("001A"), padded("005A")
KINDS = ("tasks", "emails", "calls", "meetings")
OBJECT = {"tasks": "Task", "emails": "Task", "calls": "Task", "meetings": "Event"}
SUBTYPE = {"tasks": "Task", "emails": "Email", "calls": "Call"}
TITLE = {
    "tasks": "hs_task_subject",
    "emails": "hs_email_subject",
    "calls": "hs_call_title",
    "meetings": "hs_meeting_title",
}


def on(*kinds: str, **more: str) -> str:
    """Return settings in which kinds are on; `more` are further lines of each."""
    lines = "".join(f"{name} = {value}\n" for name, value in more.items())
    return "".join(f"[salesforce.{kind}]\nsync = true\n{lines}" for kind in kinds or KINDS)


def stamp(moment: str) -> Record:
    """Return the three stamps of a record that was made at a moment."""
    return dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), moment)


def people(**more: Any) -> Record:
    """Return a world in which Ada and Bob are in both, Cy is in Salesforce alone, and a Lead is there."""
    told = world(
        contacts=[contact(1, "ada@x.example"), contact(2, "bob@x.example"), contact(3, "lea@x.example")],
        owners=[{"id": "71", "email": "own@x.example", "type": "PERSON"}],
        deals=[{"id": "501", "properties": {"dealname": "Big", "hs_salesforceopportunityid": DEAL}}],
        companies=[{"id": "601", "properties": {"name": "Acme", "salesforceaccountid": ACCOUNT[:15]}}],
        **more,
    )
    made = stamp("2025-01-01T00:00:00Z")
    told["salesforce"] = [
        {
            "User": [{"Id": OWNER, "Email": "Own@x.example", "LastName": "Own", **made}],
            "Account": [{"Id": ACCOUNT, "Name": "Acme", **made}],
            "Opportunity": [{"Id": DEAL, "Name": "Big", "AccountId": ACCOUNT, **made}],
            "Contact": [
                {"Id": ADA, "LastName": "Able", "Email": "ada@x.example", **made},
                {"Id": BOB, "LastName": "Baker", "Email": "bob@x.example", **made},
                {"Id": CY, "LastName": "Cole", "Email": "cy@x.example", **made},
            ],
            "Lead": [{"Id": LEAD, "LastName": "Lea", "Company": "Lea", "Email": "lea@x.example", **made}],
            "Task": [],
            "Event": [],
        }
    ]
    return told


class Exchange:
    """Both CRMs of a company, and the clock that moves by an hour with whatever its people do."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.now = NOW
        self.made = 0
        self.meanwhile: list[Callable[[Record], None]] = []
        """What happens to the world in the next run, after it was read and before anything is written."""

    def run(self) -> RunReceipt:
        """Do a whole run."""

        def happen(step: str) -> None:
            while step == "plan" and self.meanwhile:
                self.company.change(self.meanwhile.pop())

        self.receipt = self.company.run(progress=happen)
        return self.receipt

    def planned(self, name: str) -> list[Row]:
        """Return what the last run was to write of a record of Salesforce."""
        assert self.receipt.plan is not None
        return [row for row in self.receipt.plan.rows["hubspot"] if row.key == f"sf:{name}"]

    def do(self, how: Callable[[Record], None] = lambda told: None) -> None:
        """Let an hour pass and change the world."""
        self.now = later(self.now, hours=1)
        self.company.change(how, self.now)

    def add(self, kind: str, who: str = ADA, **fields: Any) -> str:
        """Somebody writes a record into Salesforce; return its id."""
        self.made += 1
        prefix = "00T" if OBJECT[kind] == "Task" else "00U"
        name = padded(f"{prefix}{self.made:06d}")

        def how(told: Record) -> None:
            row = {"Id": name, "Subject": f"A {kind}", "WhoId": who, **stamp(self.now), **fields}
            if kind in SUBTYPE:
                row = {"TaskSubtype": SUBTYPE[kind], **row}
            else:
                row = {"StartDateTime": self.now, "EndDateTime": self.now, **row}
            told["salesforce"][0][OBJECT[kind]].append(row)

        self.do(how)
        return name

    def edit(self, name: str, *, is_seen: bool = True, **fields: Any) -> None:
        """Somebody changes a record of Salesforce, or, not `is_seen`, Salesforce itself does."""

        def how(told: Record) -> None:
            row = self._row(told, name)
            row.update({"SystemModstamp": self.now, **fields})
            if is_seen:
                row["LastModifiedDate"] = self.now

        self.do(how)

    def write(self, kind: str, at: int = 0, **properties: Any) -> None:
        """Somebody changes a record of HubSpot; `archived` puts it into the bin."""
        self.do(lambda told: self._write(told["hubspot"][0][kind][at], properties))

    def rewrite(self, name: str, **properties: Any) -> None:
        """Somebody changes HubSpot's record of one of Salesforce, as `write` does."""
        self.do(lambda told: self._write(self.copied(told, name)[0], properties))

    def hubspot(self, kind: str) -> list[Record]:
        """Return HubSpot's live records of a kind, each with its properties, id and associations."""
        rows = self.company.sandbox.world()["hubspot"][0][kind]
        return [self._flat(row) for row in rows if not row.get("archived")]

    def copies(self, name: str) -> list[Record]:
        """Return HubSpot's live records, of whatever kind, of one of Salesforce."""
        return [self._flat(row) for row in self.copied(self.company.sandbox.world(), name)]

    def copy(self, name: str) -> Record:
        """Return HubSpot's one live record of one of Salesforce."""
        (row,) = self.copies(name)
        return row

    def salesforce(self, name: str) -> list[Record]:
        """Return Salesforce's rows of an object that are not deleted."""
        return [row for row in self.company.sandbox.world()["salesforce"][0][name] if not row["IsDeleted"]]

    def verdict(self, kind: str, name: str) -> tuple[str, str | None] | None:
        """Return (verdict, reason) of a record of Salesforce."""
        return self.company.verdict(f"sf:{name}", kind.removesuffix("s"))

    @staticmethod
    def copied(told: Record, name: str) -> list[Record]:
        """Return the live rows of HubSpot, in a world, of a record of Salesforce."""
        rows = [row for kind in KINDS for row in told["hubspot"][0][kind] if not row.get("archived")]
        return [row for row in rows if row["properties"].get("turnout_id") == f"sf:{name}"]

    def _write(self, row: Record, properties: Record) -> None:
        if properties.pop("archived", False):
            row |= {"archived": True, "archivedAt": self.now}
        row["updatedAt"] = self.now
        row["properties"] |= {**properties, "hs_lastmodifieddate": self.now}

    @staticmethod
    def _flat(row: Record) -> Record:
        return {"id": row["id"], **row["properties"], **row["associations"]}

    @staticmethod
    def _table(told: Record, name: str) -> list[Record]:
        rows: list[Record] = told["salesforce"][0]["Task" if name.startswith("00T") else "Event"]
        return rows

    def _row(self, told: Record, name: str) -> Record:
        return next(row for row in self._table(told, name) if row["Id"] == name)


def calm(exchange: Exchange) -> None:
    """See that nothing is left to write once everything was read again."""
    exchange.do()
    receipt = exchange.run()
    assert receipt.plan is not None
    assert receipt.plan.counts() == {}
