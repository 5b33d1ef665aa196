"""HubSpot as a destination: properties, contacts, marketing events, and who registered, cancelled and came.

Facts, from https://developers.hubspot.com/docs/api-reference/crm/contacts and …/marketing/marketing-events:

- Batches hold 100 inputs. Only with an `objectWriteTraceId` on every input does a batch with a bad input do the others;
  the answer is then 207 (v3) or 200/201 with `errors` (dated versions), so the errors are read and not the status.
- A contact is created by `batch/create`, which refuses an address that exists: an upsert would write over the names
  of a contact that came to be since the plan was made.
- `attend` without both times, or with equal ones, is answered with 200 and stored nowhere (seen by third parties); a
  repeat for somebody who attends already is answered with empty results. What an answer does not name is read back.
- There is no writing of a no-show: HubSpot concludes it once an event is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import duckdb

from pipelines.errors import RefusedError
from pipelines.log import Log
from pipelines.publish.rows import Notebook, Outcome, Phase, Row
from pipelines.settings import Connection
from pipelines.vendors.hubspot import activities, lists
from pipelines.vendors.hubspot.activities import KINDS, Activities
from pipelines.vendors.hubspot.answers import (
    by_trace,
    decoded,
    email_of,
    errors,
    holds,
    id_of,
    results,
    same,
    shows,
    why,
    within,
)
from pipelines.vendors.hubspot.client import client_of
from pipelines.vendors.hubspot.properties import READS, Properties, lacking
from pipelines.vendors.hubspot.undoing import LASTING, PARTS, Undoing
from pipelines.vendors.hubspot.undoing import PHASES as UNDOING
from pipelines.vendors.hubspot.writing import after_writing, hundreds, not_updated, told_properties
from pipelines.vendors.mapping import wrong_mappings
from pipelines.vendors.reading import instant

STEPS = ("register", "cancel", "attend")
EVENT = ("external_account_id", "external_event_id")
EITHER = ("create", "update")
PHASES = (
    Phase("property", ("create",), at_once=1, grouped_by=("object_type",)),
    Phase("contact", ("create",), learns=True),
    Phase("contact", ("update",)),
    Phase("marketing_event", EITHER, at_once=1),
    *(Phase("attendance", EITHER, grouped_by=EVENT, only=("step", step)) for step in STEPS),
    Phase("completion", EITHER, batch_size=1),
    *activities.PHASES,
    *lists.PHASES,
    *UNDOING,
)
OWN_WAY = {*KINDS, *lists.KINDS}
"""Objects that are deleted in a way of their own, also where nothing is undone."""
MUST_KNOW = {
    "users": "people who work in the CRM could become contacts",
    "owners": "people who work in the CRM could become contacts",
    "contacts": "people who were deleted, or are there under another address, could be created again",
}


class HubSpotDestination:
    """One HubSpot portal, to write to.

    `inbound` are the kinds that come from Salesforce, each with HubSpot property to Salesforce field (HS-12, HS-15);
    `made` are those that we make of what is in Zoom (HZ-26).
    """

    name = "hubspot"
    phases = PHASES
    storage: Mapping[str, int] = {}
    reads: tuple[str, ...] = READS
    lasting = LASTING
    parts = PARTS
    returning = frozenset({lists.MEMBER})

    def __init__(
        self,
        connection: Connection,
        api_version: str,
        inbound: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
        made: Sequence[str] = (),
    ) -> None:
        self.client = client_of(connection, api_version)
        self._inbound = inbound
        self._keyed = tuple(dict.fromkeys((*inbound, *made)))
        self._properties = Properties(self.client)
        self._activities = Activities(self.client)
        self._lists = lists.Lists(self.client)
        self._undoing = Undoing(self.client, self._lists, self._read_event)
        self.changed = self._undoing.changed

    def begin(self, notebook: Notebook) -> None:
        """Do nothing: HubSpot answers at once."""

    def quota_left(self) -> int | None:
        """Return what the last answer's headers said of the day's calls."""
        return self.client.daily_left

    def prepare(self, db: duckdb.DuckDBPyConnection) -> list[Row]:
        """Return the property definitions that the portal lacks."""
        return lacking(db, self._keyed)

    def unknown(self, log: Log) -> list[str]:
        """Return which streams that say who is who were never read whole, and which mappings cannot be (HS-15)."""
        is_read = any("read_to" in cursor for cursor in log.cursors("hubspot", "contacts").values())
        whole = {name: log.version("hubspot", name) >= 0 for name in MUST_KNOW} | {"contacts": is_read}
        unread = [f"hubspot/{name} was never read whole, so {MUST_KNOW[name]}" for name in MUST_KNOW if not whole[name]]
        return [*unread, *wrong_mappings(log, self._inbound)]

    def send(self, phase: Phase, rows: Sequence[Row]) -> list[Outcome]:
        """Send one batch; a batch that is refused whole is halved until the rows that are at fault stand alone."""

        def of_activities(some: Sequence[Row]) -> list[Outcome]:
            return self._activities.send(phase, some)

        send: dict[str, Callable[[Sequence[Row]], list[Outcome]]] = {
            "property": self._properties.send,
            "contact": self._create_contacts if phase.operations == ("create",) else self._update_contacts,
            "marketing_event": self._send_events,
            "attendance": self._send_attendances,
            "completion": self._send_completions,
            **dict.fromkeys(KINDS, of_activities),
            **dict.fromkeys(lists.KINDS, lambda some: self._lists.send(phase, some)),
        }
        try:
            is_gone = phase.operations == ("delete",) and phase.object not in OWN_WAY
            return self._undoing.delete(rows) if is_gone else send[phase.object](rows)
        except RefusedError as error:
            if len(rows) == 1:
                return [Outcome(rows[0], "rejected", reason=str(error))]
        half = len(rows) // 2
        done = self.send(phase, rows[:half])
        return [*done, *after_writing(lambda: self.send(phase, rows[half:]))]

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Read back what became of rows whose sending was broken off."""
        asks: dict[str, Callable[[Sequence[Row]], list[Outcome]]] = {
            "property": self._properties.ask,
            "contact": self._ask_contacts,
            "marketing_event": self._ask_events,
            "attendance": self._ask_attendances,
            "completion": self._ask_completions,
            **dict.fromkeys(KINDS, self._activities.ask),
            **dict.fromkeys(lists.KINDS, self._lists.ask),
        }
        gone = [row for row in rows if row.operation == "delete" and row.object not in OWN_WAY]
        answers = {id(answer.row): answer for answer in self._undoing.ask(gone)}
        for kind, ask in asks.items():
            mine = [row for row in rows if row.object == kind and id(row) not in answers]
            if mine:
                answers |= {id(answer.row): answer for answer in ask(mine)}
        return [answers[id(row)] for row in rows]

    def _create_contacts(self, rows: Sequence[Row]) -> list[Outcome]:
        inputs = [
            {
                "properties": told_properties(row),
                "associations": [],
                "objectWriteTraceId": f"{number}-{row.payload_hash}",
            }
            for number, row in enumerate(rows)
        ]
        path = self.client.path("objects", "contacts", "batch", "create")
        doing = f"the creation of {len(rows)} contacts"
        answer = self.client.post(path, doing=doing, json={"inputs": inputs}, repeatable=False)
        done, refused = by_trace(answer.data)
        by_email = {email_of(found): name for found in results(answer.data) if (name := id_of(found))}
        outcomes = []
        for number, row in enumerate(rows):
            trace = f"{number}-{row.payload_hash}"
            contact = done.get(trace) or by_email.get(str(row.fields.get("email")))
            if contact:
                outcomes.append(Outcome(row, "published", key=contact, vendor_id=contact))
            else:
                reason = refused.get(trace) or why(errors(answer.data), "HubSpot's answer does not name it")
                outcomes.append(Outcome(row, "rejected", reason=reason))
        return outcomes

    def _update_contacts(self, rows: Sequence[Row]) -> list[Outcome]:
        refused = not_updated(self.client, "contacts", rows, told_properties)
        return [
            Outcome(row, "rejected", reason=refused[id(row)])
            if id(row) in refused
            else Outcome(row, "published", vendor_id=row.vendor_id)
            for row in rows
        ]

    def _ask_contacts(self, rows: Sequence[Row]) -> list[Outcome]:
        created = [row for row in rows if row.operation == "create"]
        updated = [row for row in rows if row.operation != "create"]
        outcomes: list[Outcome] = []
        for some in hundreds(created):
            found = self._read_contacts([str(row.fields["email"]) for row in some], some, "email")
            by_email = {email_of(contact): contact for contact in found}
            for row in some:
                contact = by_email.get(str(row.fields["email"]))
                name = id_of(contact)
                if contact is not None and name and holds(contact, row, ("turnout_source",)):
                    outcomes.append(Outcome(row, "published", key=name, vendor_id=name))
                else:
                    outcomes.append(Outcome(row, "not_done"))
        for some in hundreds(updated):
            found = self._read_contacts([str(row.vendor_id) for row in some], some, None)
            by_id = {id_of(contact): contact for contact in found}
            for row in some:
                contact = by_id.get(str(row.vendor_id))
                is_there = contact is not None and holds(contact, row, tuple(row.fields))
                outcomes.append(Outcome(row, "published" if is_there else "not_done", vendor_id=row.vendor_id))
        return outcomes

    def _read_contacts(self, ids: Sequence[str], rows: Sequence[Row], id_property: str | None) -> list[dict[str, Any]]:
        names = sorted({"email", *(name for row in rows for name in row.fields)})
        body: dict[str, Any] = {"inputs": [{"id": name} for name in ids], "properties": names}
        if id_property:
            body["idProperty"] = id_property
        path = self.client.path("objects", "contacts", "batch", "read")
        return results(self.client.post(path, doing=f"{len(ids)} contacts to read back", json=body).data)

    def _send_events(self, rows: Sequence[Row]) -> list[Outcome]:
        inputs = [self._event(row) for row in rows]
        path = self.client.path("marketing_events", "events", "upsert")
        answer = self.client.post(path, doing=f"{len(rows)} marketing events", json={"inputs": inputs})
        problems = errors(answer.data)
        named = {str(found.get("externalEventId")) for found in results(answer.data)}
        if not problems and (not named or named >= {row.key for row in rows} or "None" in named):
            return [Outcome(row, "published") for row in rows]
        if len(rows) > 1:
            raise RefusedError(why(problems, "HubSpot did not name every event"), vendor="hubspot")
        return [Outcome(rows[0], "rejected", reason=why(problems, "HubSpot did not name the event"))]

    def _event(self, row: Row) -> dict[str, Any]:
        told: dict[str, Any] = {name: value for name, value in row.fields.items() if value is not None}
        told["eventCancelled"] = told.get("eventCancelled") == "true"
        return {**told, "externalEventId": row.key, "customProperties": []}

    def _ask_events(self, rows: Sequence[Row]) -> list[Outcome]:
        outcomes = []
        for row in rows:
            found = self._read_event(row.key, str(row.fields["externalAccountId"]))
            told = self._event(row)
            is_there = bool(found) and all(
                same(found.get(name), told[name]) for name in row.fields if name in told and name != "externalAccountId"
            )
            outcomes.append(Outcome(row, "published" if is_there else "not_done"))
        return outcomes

    def _read_event(self, external_id: str, account: str) -> dict[str, Any]:
        answer = self.client.get(
            self.client.path("marketing_events", "events", external_id),
            doing=f"marketing event {external_id}",
            params={"externalAccountId": account},
            accept=(404,),
        )
        return answer.data if answer.status == 200 and isinstance(answer.data, dict) else {}

    def _send_attendances(self, rows: Sequence[Row]) -> list[Outcome]:
        step, event = str(rows[0].context["step"]), str(rows[0].context["external_event_id"])
        inputs = []
        for row in rows:
            told = row.fields
            properties = {name: told[name] for name in ("joinedAt", "leftAt") if told.get(name)}
            inputs.append(
                {
                    "vid": int(str(row.vendor_id)),
                    "interactionDateTime": int(str(told["interactionDateTime"])),
                    "properties": properties,
                }
            )
        path = self.client.path("marketing_events", "attendance", event, step, "create")
        answer = self.client.post(
            path,
            doing=f"{len(rows)} contacts of marketing event {event} ({step})",
            params={"externalAccountId": rows[0].context["external_account_id"]},
            json={"inputs": inputs},
        )
        named = {str(found.get("vid") or found.get("contactId")) for found in results(answer.data)}
        problems = errors(answer.data)
        outcomes = {id(row): _arrived(row) for row in rows if row.vendor_id in named and not problems}
        unnamed = [row for row in rows if id(row) not in outcomes]
        for asked in after_writing(lambda: self._ask_attendances(unnamed, is_answered=True)) if unnamed else ():
            outcomes[id(asked.row)] = (
                asked
                if asked.status == "published"
                else Outcome(asked.row, "rejected", reason=why(problems, "HubSpot answered 200 and stored nothing"))
            )
        return [outcomes[id(row)] for row in rows]

    def _ask_attendances(self, rows: Sequence[Row], *, is_answered: bool = False) -> list[Outcome]:
        outcomes = []
        by_event: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            event = (str(row.context["external_account_id"]), str(row.context["external_event_id"]))
            by_event.setdefault(event, []).append(row)
        for (account, event_id), some in by_event.items():
            told = self._participations(account, event_id)
            for row in some:
                is_there = shows(row, *told.get(str(row.vendor_id), ("", None)), is_answered=is_answered)
                outcomes.append(_arrived(row) if is_there else Outcome(row, "not_done"))
        return outcomes

    def _participations(self, account: str, event: str) -> dict[str, tuple[str, datetime | None]]:
        """Return contact id to state, and the time of what made it so, in one event."""
        found: dict[str, tuple[str, datetime | None]] = {}
        path = self.client.path("marketing_events", "participations", account, event, "breakdown")
        doing = f"who is in marketing event {event}"
        try:
            for page in self.client.pages(path, doing=doing, params={"limit": 100}):
                for raw in page.results:
                    told = decoded(raw)
                    contact = within(told, "associations", "contact", "contactId")
                    at = instant(within(told, "properties", "occurredAt"))
                    found[str(contact)] = (str(within(told, "properties", "attendanceState")), at)
        except RefusedError as error:
            if error.status != 404:
                raise
        return found

    def _send_completions(self, rows: Sequence[Row]) -> list[Outcome]:
        row = rows[0]
        self.client.post(
            self.client.path("marketing_events", "events", row.key, "complete"),
            doing=f"the completion of marketing event {row.key}",
            params={"externalAccountId": row.context["external_account_id"]},
            json=dict(row.fields),
        )
        return [Outcome(row, "published")]

    def _ask_completions(self, rows: Sequence[Row]) -> list[Outcome]:
        outcomes = []
        for row in rows:
            found = self._read_event(row.key, str(row.context["external_account_id"]))
            is_there = bool(found.get("eventCompleted")) and all(
                same(found.get(name), value) for name, value in row.fields.items()
            )
            outcomes.append(Outcome(row, "published" if is_there else "not_done"))
        return outcomes


def _arrived(row: Row) -> Outcome:
    """Return the outcome of an attendance that arrived, under the key that its contact's id gives it."""
    context = row.context
    key = f"{context['external_event_id']}|{row.vendor_id}|{context['step']}"
    return Outcome(row, "published", key=key, vendor_id=row.vendor_id)
