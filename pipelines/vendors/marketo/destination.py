"""Marketo as a destination: the status of each member of a linked program, their join links, and leads for attendees.

Facts, from https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/ (program-members,
leads; read 2026-11):

- A call that succeeds can have skipped every record of it: what became of each stands in `result`, in the order of the
  request (ZM-14).
- A status with a lower step than the present one is skipped with 1037, and so is the present one itself.
- Only members can be given a `webinarUrl`.
- Two calls that create one address at the same time make two leads of it; each later call with that address is then
  skipped with 1007. So leads are created by one call at a time, and after a look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import duckdb
import msgspec

from pipelines.errors import AuthError, CredentialsError, RefusedError, UnknownOutcomeError
from pipelines.log import Log
from pipelines.publish.rows import Notebook, Outcome, Phase, Row
from pipelines.settings import Connection
from pipelines.vendors.marketo import lists
from pipelines.vendors.marketo.client import PAGE, Envelope, Reason, client_of, first_code, words_of
from pipelines.vendors.reading import RecordReader, payload

EITHER = ("create", "update")
AT_ONCE = 4
PHASES: tuple[Phase, ...] = (
    Phase("webinar_url", EITHER, batch_size=PAGE, grouped_by=("program_id",), at_once=AT_ONCE),
    Phase("lead", ("create",), batch_size=PAGE, learns=True, at_once=1),
    Phase("member", EITHER, batch_size=PAGE, grouped_by=("program_id", "status"), at_once=AT_ONCE),
    *lists.PHASES,
    Phase("program", EITHER, batch_size=1, at_once=AT_ONCE),
)
"""The join link comes before whatever may set a campaign off (ZM-03), and leads before what they are members of."""
MUST_KNOW = {
    "channels": "the statuses of a program are not known",
    "programs": "the programs are not known",
    "members": "people could be given a status that they have left behind",
    "leads": "people who are leads could be made leads again",
}
DONE = frozenset({"created", "updated"})
EXISTS, SEVERAL, NO_STEP = "1005", "1007", "1037"
LINK = "webinarUrl"
MOST_NOTES = 8


class Result(msgspec.Struct, gc=False):
    """What became of one record of a call."""

    id: int | None = None
    leadId: int | None = None
    status: str = ""
    reasons: list[Reason] = []


class Found(msgspec.Struct, gc=False):
    """A lead, a member or a program, as it is read back."""

    id: int | None = None
    leadId: int | None = None
    email: str | None = None
    statusName: str | None = None
    webinarUrl: str | None = None
    description: str | None = None
    startDate: str | None = None
    endDate: str | None = None


read_result = RecordReader(Result)
read_found = RecordReader(Found)


LASTING = {
    "lead": "Marketo's campaigns may have acted on the lead; delete it in Marketo",
    "member": "a status of Marketo goes forward alone; remove the member in Marketo",
    "webinar_url": "the member may have been sent the link",
    **lists.LASTING,
    "program": "what the program said before is not known; change it in Marketo",
}
"""Why nothing can be taken back, but who is in a list."""


class MarketoDestination:
    """One Marketo instance, to write to. `notes` says which programs are linked in a way that cannot be used."""

    name = "marketo"
    phases = PHASES
    storage: Mapping[str, int] = {}
    reads: tuple[str, ...] = ("int_marketo_links",)
    lasting: Mapping[str, str] = LASTING
    parts: Mapping[str, tuple[str, ...]] = {}
    returning: frozenset[str] = frozenset({lists.MEMBER})

    def __init__(self, connection: Connection, list_folder: int = 0) -> None:
        self.client = client_of(connection)
        self._lists = lists.Lists(self.client, self._of_addresses, list_folder)
        self.notes: list[str] = []

    def begin(self, notebook: Notebook) -> None:
        """Do nothing: Marketo answers at once."""

    def quota_left(self) -> int | None:
        """Return None: no answer tells of the day's calls, and those of others are among them."""
        return None

    def prepare(self, db: duckdb.DuckDBPyConnection) -> list[Row]:
        """Return nothing, since the fields that are written are Marketo's own; note what stands against links."""
        wrong = db.execute("select distinct reason from int_marketo_links where reason is not null order by reason")
        found = [reason.partition(": ")[2] for (reason,) in wrong.fetchall()]
        more = len(found) - MOST_NOTES
        self.notes = [*found[:MOST_NOTES], *([f"{more} more programs: see sync_marketo_programs"] if more > 0 else [])]
        return []

    def unknown(self, log: Log) -> list[str]:
        """Return which streams were never read whole, without which nothing can be told of anybody."""
        return [
            f"marketo/{name} was never read whole, so {why}"
            for name, why in MUST_KNOW.items()
            if log.version("marketo", name) < 0
        ]

    def changed(self, rows: Sequence[Row]) -> list[dict[str, str | None] | None]:
        """Return what holds something else by now: who is no more in a list. Nothing else is taken back here."""
        members = [row for row in rows if row.object == lists.MEMBER]
        inside = dict(zip(map(id, members), self._lists.inside(members), strict=True))
        return [{} if inside.get(id(row), True) else None for row in rows]

    def send(self, phase: Phase, rows: Sequence[Row]) -> list[Outcome]:
        """Send one batch; what is refused whole is refused of each record, and stops no other batch."""
        if phase.object in lists.KINDS:
            return self._lists.send(phase, rows)
        strange = [row for row in rows if row.context.get("instance") != self.client.account]
        mine = [row for row in rows if row.context.get("instance") == self.client.account]
        send: dict[str, Callable[[Sequence[Row]], list[Outcome]]] = {
            "lead": self._create_leads,
            "member": self._set_statuses,
            "webinar_url": self._set_links,
            "program": self._set_program,
        }
        outcomes = [
            Outcome(row, "rejected", reason=f"the instance {row.context.get('instance')} is not connected")
            for row in strange
        ]
        try:
            outcomes += send[phase.object](mine) if mine else []
        except (RefusedError, AuthError) as error:
            if isinstance(error, CredentialsError):
                raise
            outcomes += [Outcome(row, "rejected", reason=_bare(str(error), mine)) for row in mine]
        by_row = {id(outcome.row): outcome for outcome in outcomes}
        return [by_row[id(row)] for row in rows]

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Read back what became of rows whose sending was broken off."""
        listed = [row for row in rows if row.object in lists.KINDS]
        outcomes = {id(outcome.row): outcome for outcome in self._lists.ask(listed)}
        leads = [row for row in rows if row.object == "lead"]
        for at in range(0, len(leads), PAGE):
            some = leads[at : at + PAGE]
            found = self._leads(some)
            for row in some:
                there = found.get(_email(row), [])
                outcomes[id(row)] = _known(row, there[0]) if len(there) == 1 else Outcome(row, "not_done")
        others: dict[str, list[Row]] = {}
        for row in rows:
            if row.object == "program":
                outcomes[id(row)] = Outcome(row, "published" if _holds(self._program(row), row) else "not_done")
            elif row.object != "lead" and row.object not in lists.KINDS:
                others.setdefault(str(row.context["program_id"]), []).append(row)
        for some in others.values():
            members = self._members(some)
            for row in some:
                is_there = _holds(members.get(str(row.vendor_id)), row)
                outcomes[id(row)] = _arrived(row) if is_there else Outcome(row, "not_done", vendor_id=row.vendor_id)
        return [outcomes[id(row)] for row in rows]

    def _set_statuses(self, rows: Sequence[Row]) -> list[Outcome]:
        """Give members of one program one status; who has it already has been given it."""
        status = str(rows[0].fields["statusName"])
        body = {"statusName": status, "input": [{"leadId": int(str(row.vendor_id))} for row in rows]}
        path = f"/rest/v1/programs/{rows[0].context['program_id']}/members/status.json"
        doing = f"the status {status} of {len(rows)} members of program {rows[0].context['program_id']}"
        results = _results(self.client.post(path, doing=doing, json=body), rows)
        stopped = [row for row, result in zip(rows, results, strict=True) if first_code(result.reasons) == NO_STEP]
        there = self._members(stopped) if stopped else {}
        outcomes = []
        for row, result in zip(rows, results, strict=True):
            found = there.get(str(row.vendor_id))
            if result.status in DONE or _holds(found, row):
                outcomes.append(_arrived(row))
            else:
                has = f" The status is {found.statusName}." if found is not None and found.statusName else ""
                outcomes.append(Outcome(row, "rejected", reason=f"{_why(result)}{has}"))
        return outcomes

    def _set_links(self, rows: Sequence[Row]) -> list[Outcome]:
        """Give members of one program their own join links."""
        program = rows[0].context["program_id"]
        body = {"input": [{"leadId": int(str(row.vendor_id)), LINK: row.fields[LINK]} for row in rows]}
        doing = f"the join links of {len(rows)} members of program {program}"
        results = _results(self.client.post(f"/rest/v1/programs/{program}/members.json", doing=doing, json=body), rows)
        return [
            _arrived(row) if result.status in DONE else Outcome(row, "rejected", reason=_bare(_why(result), [row]))
            for row, result in zip(rows, results, strict=True)
        ]

    def _set_program(self, rows: Sequence[Row]) -> list[Outcome]:
        """Give a program what its webinar says."""
        (row,) = rows
        form = {name: value for name, value in row.fields.items() if value is not None}
        answer = self.client.post(_program_path(row), doing=f"what program {row.key} says of its webinar", form=form)
        return [
            Outcome(row, "published")
            if answer.result
            else Outcome(row, "rejected", reason=f"Marketo has no program {row.key}")
        ]

    def _program(self, row: Row) -> Found | None:
        """Return a program as it stands, None where there is none."""
        for raw in self.client.get(_program_path(row), doing=f"program {row.key} to read back").result:
            found = read_found(payload(raw))
            for name in ("startDate", "endDate"):
                setattr(found, name, (getattr(found, name) or "").removesuffix("+0000"))
            return found
        return None

    def _create_leads(self, rows: Sequence[Row]) -> list[Outcome]:
        """Create leads of whom Marketo has none; who is there already is found, and stays as they are."""
        outcomes: dict[int, Outcome] = {}
        odd = [row for row in rows if not _email(row).isascii() or "," in _email(row)]
        outcomes |= {id(row): Outcome(row, "rejected", reason="no address that Marketo can hold") for row in odd}
        sound = [row for row in rows if id(row) not in outcomes]
        found = self._leads(sound)
        outcomes |= {id(row): _matched(row, found[_email(row)]) for row in sound if found.get(_email(row))}
        new = [row for row in sound if id(row) not in outcomes]
        if new:
            results = self._created(new)
            late = [row for row, result in zip(new, results, strict=True) if first_code(result.reasons) == EXISTS]
            found = self._leads(late)
            for row, result in zip(new, results, strict=True):
                if result.status in DONE and result.id is not None:
                    outcomes[id(row)] = Outcome(row, "published", vendor_id=str(result.id))
                elif found.get(_email(row)):
                    outcomes[id(row)] = _matched(row, found[_email(row)])
                else:
                    outcomes[id(row)] = Outcome(row, "rejected", reason=_why(result))
        return [outcomes[id(row)] for row in rows]

    def _created(self, rows: Sequence[Row]) -> list[Result]:
        told = [{name: value for name, value in row.fields.items() if value is not None} for row in rows]
        body = {"action": "createOnly", "lookupField": "email", "input": told}
        doing = f"the creation of {len(rows)} leads"
        return _results(self.client.post("/rest/v1/leads.json", doing=doing, json=body, repeatable=False), rows)

    def _leads(self, rows: Sequence[Row]) -> dict[str, list[int]]:
        """Return address to the ids of all leads that have it."""
        return self._of_addresses([_email(row) for row in rows])

    def _of_addresses(self, addresses: Sequence[str]) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        values = ",".join(address for address in addresses if address.isascii() and "," not in address)
        if not values:
            return found
        params = {"filterType": "email", "filterValues": values, "fields": "id,email"}
        for raw in self.client.rows("/rest/v1/leads.json", params, doing=f"the leads of {len(addresses)} addresses"):
            lead = read_found(payload(raw))
            if lead.id is not None and lead.email:
                found.setdefault(lead.email.strip().lower(), []).append(lead.id)
        return found

    def _members(self, rows: Sequence[Row]) -> dict[str, Found]:
        """Return lead id to member, of one program."""
        program, found = rows[0].context["program_id"], {}
        fields = f"leadId,statusName,{LINK}"
        for at in range(0, len(rows), PAGE):
            values = ",".join(str(row.vendor_id) for row in rows[at : at + PAGE])
            params = {"filterType": "leadId", "filterValues": values, "fields": fields}
            doing = f"members of program {program} to read back"
            for raw in self.client.rows(f"/rest/v1/programs/{program}/members.json", params, doing=doing):
                member = read_found(payload(raw))
                found[str(member.leadId)] = member
        return found


def _results(answer: Envelope, rows: Sequence[Row]) -> list[Result]:
    """Return what became of each row.

    Raises:
        UnknownOutcomeError: the answer does not tell of each, or of others.
    """
    results = [read_result(payload(raw)) for raw in answer.result]
    named = [result.leadId for result in results if result.leadId is not None]
    if len(results) != len(rows) or (named and named != [int(str(row.vendor_id)) for row in rows]):
        raise UnknownOutcomeError(
            f"marketo answered {len(rows)} records with {len(results)} results, or with those of others.",
            vendor="marketo",
        )
    return results


def _program_path(row: Row) -> str:
    return f"/rest/asset/v1/program/{row.key}.json"


def _email(row: Row) -> str:
    return str(row.fields["email"])


def _why(result: Result) -> str:
    """Return Marketo's words against a record."""
    return words_of(result.reasons) or f"Marketo answered {result.status or 'nothing'} and no reason"


def _bare(text: str, rows: Iterable[Row]) -> str:
    """Return words about rows without the join links in them, which are secret."""
    for row in rows:
        if link := row.fields.get(LINK):
            text = text.replace(link, "[join link]")
    return text


def _matched(row: Row, leads: Sequence[int]) -> Outcome:
    """Return the outcome of an address that is there already; several leads that have it are a matter for a person."""
    if len(leads) == 1:
        return _known(row, leads[0])
    told = ", ".join(map(str, sorted(leads)))
    return Outcome(row, "rejected", reason=f"{SEVERAL}: the leads {told} have the address. Merge them in Marketo")


def _known(row: Row, lead: int) -> Outcome:
    return Outcome(row, "published", vendor_id=str(lead))


def _holds(found: Found | None, row: Row) -> bool:
    """Whether a member has what a row gives."""
    return found is not None and all((getattr(found, name) or None) == value for name, value in row.fields.items())


def _arrived(row: Row) -> Outcome:
    """Return the outcome of what arrived, under the key that its lead's id gives it."""
    return Outcome(row, "published", key=f"{row.context['program_id']}|{row.vendor_id}", vendor_id=row.vendor_id)
