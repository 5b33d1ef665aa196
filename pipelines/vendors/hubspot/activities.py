"""Tasks, emails, calls and meetings that we make: each once, with whom it is on (HS-12 to HS-19, HZ-26).

Facts, from https://developers.hubspot.com/docs/api-reference/crm/objects/tasks (and the pages of the other three) and
https://developers.hubspot.com/docs/api-reference/crm/associations/associate-records (read 2026-11):

- A property made with `hasUniqueValue` lets no two records bear one value: a creation that is repeated is refused, and
  the record is found under `idProperty`. Ours is `turnout_id`.
- A creation takes associations with it; how many is not documented, so those beyond AT_CREATION follow it. A change
  takes none: they are added and taken away by calls of their own, both of which may be repeated.
- An update passes over properties that do not exist, and a creation refuses them.
- What is archived can be restored for 90 days; archiving what is not there is answered with 204.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.errors import RefusedError
from pipelines.publish.rows import Outcome, Phase, Row
from pipelines.vendors.hubspot.answers import by_trace, errors, holds, id_of, objects, results, why, within
from pipelines.vendors.hubspot.client import HubSpotClient
from pipelines.vendors.hubspot.definitions import KEY
from pipelines.vendors.hubspot.writing import after_writing, hundreds, not_updated

KINDS: Mapping[str, str] = {"task": "tasks", "email": "emails", "call": "calls", "meeting": "meetings"}
"""Our word for a kind to HubSpot's object type."""
ASSOCIATED: Mapping[str, str] = {
    "associated_contacts": "contacts",
    "associated_companies": "companies",
    "associated_deals": "deals",
}
TYPES: Mapping[tuple[str, str], int] = {
    ("tasks", "contacts"): 204,
    ("tasks", "companies"): 192,
    ("tasks", "deals"): 216,
    ("emails", "contacts"): 198,
    ("emails", "companies"): 186,
    ("emails", "deals"): 210,
    ("calls", "contacts"): 194,
    ("calls", "companies"): 182,
    ("calls", "deals"): 206,
    ("meetings", "contacts"): 200,
    ("meetings", "companies"): 188,
    ("meetings", "deals"): 212,
}
"""HubSpot's ids of unlabelled associations."""
CONFLICT = 409
AT_CREATION = 100
"""Contacts, companies or deals that a record is made with."""
MOST_PAGES = 1_000
"""Of one reading of associations; each has 500 of a record."""
BATCH: Mapping[str, int] = {"call": 20}
"""Records of one call, where it is not a hundred: what was said can be long."""
PHASES = tuple(
    Phase(kind, (operation,), batch_size=BATCH.get(kind, 100))
    for kind in KINDS
    for operation in ("delete", "create", "update")
)


class Activities:
    """Writing of the kinds that we make, into one portal."""

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client

    def send(self, phase: Phase, rows: Sequence[Row]) -> list[Outcome]:
        """Send one batch of a phase.

        Raises:
            RefusedError: it was refused whole.
            UnknownOutcomeError: a part was done, and the rest broke off.
        """
        how: dict[str, Callable[[Sequence[Row]], list[Outcome]]] = {
            "create": self._create,
            "update": self._update,
            "delete": self._archive,
        }
        return how[phase.operations[0]](rows)

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Read back what became of rows of one kind."""
        answers: dict[int, Outcome] = {}
        for some in hundreds(rows):
            created = [row for row in some if row.operation == "create"]
            others = [row for row in some if row.operation != "create"]
            by_key = self._read(created, KEY)
            by_id = self._read(others, None)
            found = {id(row): by_key.get(row.key) for row in created}
            found |= {id(row): by_id.get(str(row.vendor_id)) for row in others}
            named = {id(row): row.identified(row.vendor_id or id_of(found[id(row)])) for row in some}
            links = self._linked([row for row in named.values() if row.vendor_id and _is_linked_apart(row)])
            for row in some:
                held, known = found[id(row)], named[id(row)]
                if row.operation == "delete":
                    is_done = held is None
                else:
                    is_done = held is not None and holds(held, row, tuple(_properties(row)))
                    is_done = is_done and (not _is_linked_apart(row) or _is_linked(known, links))
                answers[id(row)] = Outcome(
                    row, "published" if is_done else "not_done", vendor_id=known.vendor_id or None
                )
        return [answers[id(row)] for row in rows]

    def _create(self, rows: Sequence[Row]) -> list[Outcome]:
        kind = KINDS[rows[0].object]
        inputs = [
            {
                "properties": {KEY: row.key, **{name: text for name, text in _properties(row).items() if text}},
                "associations": [
                    {
                        "to": {"id": name},
                        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TYPES[kind, other]}],
                    }
                    for field, other in ASSOCIATED.items()
                    for name in _ids(row.fields.get(field))[:AT_CREATION]
                ],
                "objectWriteTraceId": f"{number}-{row.payload_hash}",
            }
            for number, row in enumerate(rows)
        ]
        doing = f"the creation of {len(rows)} {kind}"
        path = self._client.path("objects", kind, "batch", "create")
        answer = self._client.post(path, doing=doing, json={"inputs": inputs}, repeatable=False, accept=(CONFLICT,))
        done, refused = by_trace(answer.data)
        whole = objects([answer.data]) if answer.status == CONFLICT else []
        problems = why([*whole, *errors(answer.data)], "HubSpot's answer does not name it")
        outcomes: dict[int, Outcome] = {}
        left: list[tuple[Row, str]] = []
        for number, row in enumerate(rows):
            trace = f"{number}-{row.payload_hash}"
            if name := done.get(trace):
                outcomes[id(row)] = Outcome(row, "published", vendor_id=name)
            else:
                left.append((row, refused.get(trace) or problems))
        there = [(row, outcomes[id(row)]) for row in rows if id(row) in outcomes and _is_linked_apart(row)]
        if there:
            known = [row.identified(str(made.vendor_id)) for row, made in there]
            refused_links = after_writing(lambda: self._associate(kind, known))
            for (row, made), one in zip(there, known, strict=True):
                if reason := refused_links.get(id(one)):
                    outcomes[id(row)] = Outcome(row, "rejected", vendor_id=made.vendor_id, reason=reason)
        if left:
            told = self._settled(left, is_whole=True) if whole else after_writing(lambda: self._settled(left))
            outcomes |= {id(outcome.row): outcome for outcome in told}
        return [outcomes[id(row)] for row in rows]

    def _settled(self, left: Sequence[tuple[Row, str]], *, is_whole: bool = False) -> list[Outcome]:
        """Tell of refused creations; one whose key HubSpot has is there already, and is made to say what it should.

        Args:
            is_whole: the batch was refused for one of them, and the others were not tried.
        """
        rows = [row for row, _ in left]
        found = self._read(rows, KEY)
        there = [row.identified(id_of(found[row.key])) for row in rows if row.key in found]
        outcomes = [outcome.of_row(row, row.fields) for row, outcome in self._renewed(rows, there)]
        missing = [(row, reason) for row, reason in left if row.key not in found]
        if is_whole and missing and not there and len(rows) > 1:
            raise RefusedError(missing[0][1], vendor="hubspot", status=CONFLICT)
        if is_whole and missing and there:
            return [*outcomes, *self._create([row for row, _ in missing])]
        return [*outcomes, *(Outcome(row, "rejected", reason=reason) for row, reason in missing)]

    def _renewed(self, rows: Sequence[Row], there: Sequence[Row]) -> list[tuple[Row, Outcome]]:
        if not there:
            return []
        planned = {row.key: row for row in rows}
        return [(planned[outcome.row.key], outcome) for outcome in self._update(there)]

    def _update(self, rows: Sequence[Row]) -> list[Outcome]:
        kind = KINDS[rows[0].object]
        refused: dict[int, str] = {}
        telling = [row for row in rows if _properties(row)]
        if telling:
            refused = not_updated(self._client, kind, telling, _texts)
        going = [row for row in rows if id(row) not in refused]
        refused |= after_writing(lambda: self._associate(kind, going)) if telling else self._associate(kind, going)
        return [
            Outcome(row, "rejected", reason=refused[id(row)])
            if id(row) in refused
            else Outcome(row, "published", vendor_id=row.vendor_id)
            for row in rows
        ]

    def _associate(self, kind: str, rows: Sequence[Row]) -> dict[int, str]:
        """Put records on whom they are on now, and take them off whom they were on; return why one could not be."""
        refused: dict[int, str] = {}
        for field, other in ASSOCIATED.items():
            moved = [row for row in rows if field in row.fields]
            added = [(row, name) for row in moved for name in _added(row, field)]
            gone = [(row, name) for row in moved for name in _removed(row, field)]
            for at in range(0, len(added), 1_000):
                refused |= self._add(kind, other, added[at : at + 1_000])
            for at in range(0, len(gone), 1_000):
                path = self._client.path("associations", kind, other, "batch", "archive")
                pairs = [{"from": {"id": row.vendor_id}, "to": [{"id": name}]} for row, name in gone[at : at + 1_000]]
                self._client.post(path, doing=f"{kind} that are of other {other} now", json={"inputs": pairs})
        return refused

    def _add(self, kind: str, other: str, pairs: Sequence[tuple[Row, str]]) -> dict[int, str]:
        inputs = [{"from": {"id": row.vendor_id}, "to": {"id": name}} for row, name in pairs]
        path = self._client.path("associations", kind, other, "batch", "associate", "default")
        answer = self._client.post(path, doing=f"the {other} that {kind} are of", json={"inputs": inputs})
        problems = errors(answer.data)
        if not problems:
            return {}
        made = {(str(within(one, "from", "id")), str(within(one, "to", "id"))) for one in results(answer.data)}
        reason = why(problems, "HubSpot did not associate it")
        return {id(row): reason for row, name in pairs if (str(row.vendor_id), name) not in made}

    def _archive(self, rows: Sequence[Row]) -> list[Outcome]:
        kind = KINDS[rows[0].object]
        inputs = [{"id": row.vendor_id} for row in rows]
        path = self._client.path("objects", kind, "batch", "archive")
        self._client.post(path, doing=f"the deletion of {len(rows)} {kind}", json={"inputs": inputs})
        return [Outcome(row, "published", vendor_id=row.vendor_id) for row in rows]

    def _read(self, rows: Sequence[Row], id_property: str | None) -> dict[str, dict[str, Any]]:
        """Return records by our key, or by HubSpot's id, of those that are there."""
        if not rows:
            return {}
        kind = KINDS[rows[0].object]
        names = [row.key if id_property else str(row.vendor_id) for row in rows]
        body: dict[str, Any] = {
            "inputs": [{"id": name} for name in names],
            "properties": sorted({KEY, *(name for row in rows for name in _properties(row))}),
        }
        if id_property:
            body["idProperty"] = id_property
        path = self._client.path("objects", kind, "batch", "read")
        answer = self._client.post(path, doing=f"{len(rows)} {kind} to read back", json=body, accept=(404,))
        found = results(answer.data) if answer.status != 404 else []
        return {
            str(within(one, "properties", KEY) if id_property else one.get("id")): one for one in found if id_of(one)
        }

    def _linked(self, rows: Sequence[Row]) -> dict[tuple[str, str], set[str]]:
        """Return (field, record) to the ids that it is associated with, of what rows tell."""
        found: dict[tuple[str, str], set[str]] = {}
        for field, other in ASSOCIATED.items():
            inputs = [{"id": str(row.vendor_id)} for row in rows if field in row.fields]
            path = self._client.path("associations", KINDS[rows[0].object], other, "batch", "read") if inputs else ""
            for _ in range(MOST_PAGES):
                if not inputs:
                    break
                answer = self._client.post(path, doing=f"{other} to read back", json={"inputs": inputs}, accept=(404,))
                inputs = []
                for one in results(answer.data):
                    near = str(within(one, "from", "id"))
                    ids = {str(far.get("toObjectId")) for far in objects(one.get("to"))}
                    found.setdefault((field, near), set()).update(ids)
                    if after := within(one, "paging", "next", "after"):
                        inputs.append({"id": near, "after": str(after)})
        return found


def _properties(row: Row) -> dict[str, str | None]:
    return {name: text for name, text in row.fields.items() if name not in ASSOCIATED}


def _texts(row: Row) -> dict[str, str]:
    return {name: text or "" for name, text in _properties(row).items()}


def _ids(text: str | None) -> list[str]:
    return [name for name in (text or "").split(";") if name]


def _is_linked_apart(row: Row) -> bool:
    """Whether whom a record is on is told by calls of their own: always, but for a new one with few."""
    many = any(len(_ids(row.fields.get(field))) > AT_CREATION for field in ASSOCIATED)
    return row.operation == "update" or (row.operation == "create" and many)


def _added(row: Row, field: str) -> list[str]:
    return [name for name in _ids(row.fields.get(field)) if name not in _ids(row.old.get(field))]


def _removed(row: Row, field: str) -> list[str]:
    return [name for name in _ids(row.old.get(field)) if name not in _ids(row.fields.get(field))]


def _is_linked(row: Row, links: Mapping[tuple[str, str], set[str]]) -> bool:
    """Whether a record is on whom a row puts it, and on nobody whom the row takes it off."""
    return all(
        set(_added(row, field)) <= links.get((field, str(row.vendor_id)), set())
        and not set(_removed(row, field)) & links.get((field, str(row.vendor_id)), set())
        for field in ASSOCIATED
        if field in row.fields
    )
