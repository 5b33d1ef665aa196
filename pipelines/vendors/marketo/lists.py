"""Segments as static lists: made once, and leads put in and taken out (EV-10).

Facts, from https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/static-lists and
…/rest/assets/static-lists (read 2026-11):

- A list is an asset: it is made in a folder, and its name is unique. Leads come and go through the lead database, 300
  in a call; who is in already is `added`, who is not in is skipped with 1015.
- Leads are found by their address; of several that have it nobody can tell which is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import orjson

from pipelines.errors import RefusedError, UnknownOutcomeError
from pipelines.publish.rows import Outcome, Phase, Row
from pipelines.vendors.marketo.client import PAGE, MarketoClient, Reason, first_code, words_of
from pipelines.vendors.reading import RecordReader, payload

LIST, MEMBER = "static_list", "static_list_member"
KINDS = (LIST, MEMBER)
LASTING = {LIST: "the list stays, since it may have been there before; who it took in goes"}
NOT_IN = "1015"
PHASES = (
    Phase(LIST, ("create", "update"), batch_size=1, at_once=1),
    Phase(MEMBER, ("delete",), batch_size=PAGE, grouped_by=("list_name",), at_once=1),
    Phase(MEMBER, ("create", "update"), batch_size=PAGE, grouped_by=("list_name",), at_once=1),
)
Leads = Callable[[Sequence[str]], dict[str, list[int]]]
"""Gives address to the ids of all leads that have it."""


class Folder(msgspec.Struct, gc=False):
    """Where an asset is."""

    id: int | None = None
    type: str = "Folder"


class Listed(msgspec.Struct, gc=False):
    """A static list, or what became of one lead of a call."""

    id: int | None = None
    name: str = ""
    folder: Folder | None = None
    status: str = ""
    reasons: list[Reason] = []


read_listed = RecordReader(Listed)


class Lists:
    """The static lists of one instance that segments are delivered to. `folder` is where they are made, 0 for any."""

    def __init__(self, client: MarketoClient, leads: Leads, folder: int) -> None:
        self._client, self._leads, self._folder = client, leads, folder

    def send(self, phase: Phase, rows: Sequence[Row]) -> list[Outcome]:
        """Make or rename one list, or change the members of one."""
        try:
            if phase.object == LIST:
                return [self._send_list(rows[0])]
            return self._send_members(rows, is_gone=phase.operations == ("delete",))
        except RefusedError as error:
            return [Outcome(row, "rejected", reason=str(error)) for row in rows]

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Read back which lists there are, and who is in them."""
        outcomes: dict[int, Outcome] = {}
        by_name: dict[str, list[Row]] = {}
        for row in rows:
            if row.object == LIST:
                found = self._named(str(row.fields["name"]))
                name = str(found.id) if found else None
                outcomes[id(row)] = Outcome(row, "published" if found else "not_done", vendor_id=name)
            else:
                by_name.setdefault(str(row.context["list_name"]), []).append(row)
        for title, mine in by_name.items():
            inside = self._inside(title, mine)
            for row in mine:
                is_in = inside is not None and inside.get(_address(row), False)
                is_done = inside is not None and is_in == (row.operation != "delete")
                outcomes[id(row)] = Outcome(row, "published" if is_done else "not_done", vendor_id=row.vendor_id)
        return [outcomes[id(row)] for row in rows]

    def inside(self, rows: Sequence[Row]) -> list[bool]:
        """Tell of memberships which there are now."""
        found: dict[int, bool] = {}
        for title in dict.fromkeys(str(row.context["list_name"]) for row in rows):
            mine = [row for row in rows if row.context["list_name"] == title]
            there = self._inside(title, mine) or {}
            found |= {id(row): there.get(_address(row), False) for row in mine}
        return [found[id(row)] for row in rows]

    def _send_list(self, row: Row) -> Outcome:
        title, before = str(row.fields["name"]), row.old.get("name")
        found = self._named(title)
        former = self._named(before) if found is None and before else None
        if former is not None:
            path = f"/rest/asset/v1/staticList/{former.id}.json"
            self._client.post(path, doing=f"the list {before}", form={"name": title})
            return Outcome(row, "published", vendor_id=str(former.id))
        if found is None:
            folder = self._chosen()
            if folder is None:
                reason = "no folder for lists is known: set `list_folder` under [marketo] to the id of one"
                return Outcome(row, "rejected", reason=reason)
            form = {"name": title, "folder": orjson.dumps(folder).decode()}
            doing = f"the list {title}"
            answer = self._client.post("/rest/asset/v1/staticLists.json", doing=doing, form=form, repeatable=False)
            found = read_listed(payload(answer.result[0])) if answer.result else None
        if found is None or found.id is None:
            raise UnknownOutcomeError(f"marketo answered for the list {title} without one.", vendor="marketo")
        return Outcome(row, "published", vendor_id=str(found.id))

    def _chosen(self) -> Mapping[str, object] | None:
        """Return the folder to make a list in: the one of the settings, or that of a list which is there."""
        if self._folder:
            return {"id": self._folder, "type": "Folder"}
        for raw in self._client.assets("/rest/asset/v1/staticLists.json", doing="the static lists"):
            folder = read_listed(payload(raw)).folder
            if folder is not None and folder.id is not None and folder.type == "Folder":
                return {"id": folder.id, "type": "Folder"}
        return None

    def _send_members(self, rows: Sequence[Row], *, is_gone: bool) -> list[Outcome]:
        title = str(rows[0].context["list_name"])
        found = self._named(title)
        if found is None:
            return [Outcome(row, "rejected", reason=f"Marketo has no static list {title!r} any more") for row in rows]
        leads = self._leads([_address(row) for row in rows])
        outcomes: dict[int, Outcome] = {}
        meant: dict[int, list[Row]] = {}
        for row in rows:
            there = leads.get(_address(row), [])
            if is_gone and not there:
                outcomes[id(row)] = Outcome(row, "published")
            elif is_gone or len(there) == 1:
                for lead in there:
                    meant.setdefault(lead, []).append(row)
            elif there:
                told = ", ".join(map(str, sorted(there)))
                reason = f"the leads {told} have the address. Merge them in Marketo"
                outcomes[id(row)] = Outcome(row, "rejected", reason=reason)
            else:
                reason = "Marketo has no lead with the address; `turnout retry` looks again"
                outcomes[id(row)] = Outcome(row, "rejected", reason=reason)
        ids = list(meant)
        for at in range(0, len(ids), PAGE):
            some = ids[at : at + PAGE]
            for lead, result in zip(some, self._written(found.id, title, some, is_gone), strict=True):
                words = words_of(result.reasons)
                is_out = is_gone and first_code(result.reasons) == NOT_IN
                is_done = result.status in ("added", "removed") or is_out
                for row in meant[lead]:
                    told_of = Outcome(row, "published", vendor_id=str(lead))
                    outcomes[id(row)] = told_of if is_done else Outcome(row, "rejected", reason=words or result.status)
        return [outcomes[id(row)] for row in rows]

    def _written(self, number: int | None, title: str, leads: Sequence[int], is_gone: bool) -> list[Listed]:
        path, body = f"/rest/v1/lists/{number}/leads.json", {"input": [{"id": lead} for lead in leads]}
        write = self._client.delete if is_gone else self._client.post
        answer = write(path, doing=f"{len(leads)} members of the list {title}", json=body)
        results = [read_listed(payload(raw)) for raw in answer.result]
        if [result.id for result in results] != list(leads):
            raise UnknownOutcomeError(f"marketo answered for others than {len(leads)} leads.", vendor="marketo")
        return results

    def _named(self, title: str) -> Listed | None:
        """Return the static list of a name, None where there is none."""
        answer = self._client.get("/rest/asset/v1/staticList/byName.json", {"name": title}, doing=f"the list {title}")
        found = [read_listed(payload(raw)) for raw in answer.result]
        return next((one for one in found if one.id is not None), None)

    def _inside(self, title: str, rows: Sequence[Row]) -> dict[str, bool] | None:
        """Return whether a lead with the address of each row is in a list, None where that is not there."""
        found = self._named(title)
        if found is None:
            return None
        leads = self._leads([_address(row) for row in rows])
        ids = sorted({lead for there in leads.values() for lead in there})
        inside: set[int] = set()
        for at in range(0, len(ids), PAGE):
            params = {"id": ",".join(map(str, ids[at : at + PAGE]))}
            path = f"/rest/v1/lists/{found.id}/leads/ismember.json"
            answer = self._client.get(path, params, doing=f"the members of the list {title}")
            told = [read_listed(payload(raw)) for raw in answer.result]
            inside |= {one.id for one in told if one.status == "memberof" and one.id is not None}
        return {address: not inside.isdisjoint(there) for address, there in leads.items()}


def _address(row: Row) -> str:
    return str(row.context["lead_address"]).strip().lower()
