"""Segments as campaigns: made once, and their members added and taken out (EV-10).

Facts, from https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_campaignmember.htm
(read 2026-11):

- A campaign has no external id of its own; it is found by its name, which need not be unique: the oldest one counts.
- A member is a Contact or a Lead. Who is in already is refused with DUPLICATE_VALUE.
- A member is taken out by the id of the membership, which is asked for before.
- To make campaigns, the user needs to be a marketing user; who is none is refused, and Tasks go out all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipelines.errors import AuthError, CredentialsError, RefusedError, UnknownOutcomeError
from pipelines.publish.rows import Outcome, Phase, Row
from pipelines.vendors.salesforce.client import SalesforceClient, first_error, is_locked

CAMPAIGN, MEMBER = "campaign", "campaign_member"
KINDS = (CAMPAIGN, MEMBER)
BATCH_ROWS = 200
LEAD = "00Q"
IN_ALREADY, GONE = "DUPLICATE_VALUE", frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})
PHASES = (
    Phase(CAMPAIGN, ("create", "update"), batch_size=1, at_once=1),
    Phase(MEMBER, ("delete",), batch_size=BATCH_ROWS, grouped_by=("list_name",), at_once=1),
    Phase(MEMBER, ("create", "update"), batch_size=BATCH_ROWS, grouped_by=("list_name",), at_once=1),
)
"""Who goes is told first: a Lead that was converted is the membership of the Contact that comes."""
LASTING: Mapping[str, str] = {
    CAMPAIGN: "the campaign stays, since it may have been there before; who it took in goes",
}


class Campaigns:
    """The campaigns of one org that segments are delivered to."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client

    def send(self, phase: Phase, rows: Sequence[Row]) -> list[Outcome]:
        """Make or rename one campaign, or change the members of one; what is not allowed stops nothing else."""
        try:
            if phase.object == CAMPAIGN:
                return [self._send_campaign(rows[0])]
            return self._taken_out(rows) if phase.operations == ("delete",) else self._added(rows)
        except CredentialsError:
            raise
        except (RefusedError, AuthError) as error:
            return [Outcome(row, "rejected", reason=str(error)) for row in rows]

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Read back which campaigns there are, and who is in them."""
        outcomes: dict[int, Outcome] = {}
        by_name: dict[str, list[Row]] = {}
        for row in rows:
            if row.object == CAMPAIGN:
                found = self._named(str(row.fields["Name"]))
                outcomes[id(row)] = Outcome(row, "published" if found else "not_done", vendor_id=found)
            else:
                by_name.setdefault(str(row.context["list_name"]), []).append(row)
        for title, mine in by_name.items():
            campaign = self._named(title)
            for at in range(0, len(mine), BATCH_ROWS):
                some = mine[at : at + BATCH_ROWS]
                inside = self._memberships(campaign, some) if campaign else {}
                for row in some:
                    is_there = campaign is not None and (row.vendor_id in inside) == (row.operation != "delete")
                    status = "published" if is_there else "not_done"
                    outcomes[id(row)] = Outcome(row, status, vendor_id=row.vendor_id)  # type: ignore[arg-type]
        return [outcomes[id(row)] for row in rows]

    def inside(self, rows: Sequence[Row]) -> list[bool]:
        """Tell of memberships which there are now."""
        found: set[tuple[str, str]] = set()
        for title in dict.fromkeys(str(row.context["list_name"]) for row in rows):
            mine = [row for row in rows if row.context["list_name"] == title]
            campaign = self._named(title)
            for at in range(0, len(mine) if campaign else 0, BATCH_ROWS):
                members = self._memberships(str(campaign), mine[at : at + BATCH_ROWS])
                found |= {(title, name) for name in members}
        return [(str(row.context["list_name"]), str(row.vendor_id)) in found for row in rows]

    def _send_campaign(self, row: Row) -> Outcome:
        title, before = str(row.fields["Name"]), row.old.get("Name")
        found = self._named(title)
        former = self._named(before) if found is None and before else None
        if found is None:
            record = {"Id": former} if former else {"IsActive": True}
            told = {"attributes": {"type": "Campaign"}, "Name": title, **record}
            (result,) = self._written("PATCH" if former else "POST", [told], doing=f"the campaign {title}")
            if not result.get("success"):
                return Outcome(row, "rejected", reason=_words(result))
            found = former or str(result.get("id"))
        return Outcome(row, "published", vendor_id=found)

    def _added(self, rows: Sequence[Row]) -> list[Outcome]:
        title = str(rows[0].context["list_name"])
        campaign = self._named(title)
        if campaign is None:
            return _lost(rows, title)
        records = [
            {
                "attributes": {"type": "CampaignMember"},
                "CampaignId": campaign,
                "LeadId" if str(row.vendor_id).startswith(LEAD) else "ContactId": row.vendor_id,
            }
            for row in rows
        ]
        results = self._written("POST", records, doing=f"{len(rows)} members of the campaign {title}")
        return [_outcome(row, result, {IN_ALREADY}) for row, result in zip(rows, results, strict=True)]

    def _taken_out(self, rows: Sequence[Row]) -> list[Outcome]:
        title = str(rows[0].context["list_name"])
        campaign = self._named(title)
        if campaign is None:
            return _lost(rows, title)
        inside = self._memberships(campaign, rows)
        ids = list(dict.fromkeys(inside.values()))
        if not ids:
            return [Outcome(row, "published", vendor_id=row.vendor_id) for row in rows]
        doing = f"{len(ids)} members of the campaign {title} to take out"
        params = {"ids": ",".join(ids), "allOrNone": "false"}
        results = self._results("DELETE", len(ids), doing=doing, params=params)
        by_id = dict(zip(ids, results, strict=True))
        done: Mapping[str, Any] = {"success": True}
        return [_outcome(row, by_id.get(inside.get(str(row.vendor_id), ""), done), GONE) for row in rows]

    def _named(self, title: str) -> str | None:
        """Return the id of the oldest campaign of a name, None where there is none."""
        text = title.replace("\\", "\\\\").replace("'", "\\'")
        soql = f"SELECT Id FROM Campaign WHERE Name = '{text}' ORDER BY CreatedDate, Id LIMIT 1"  # noqa: S608
        found = self._client.decoded(soql, doing=f"the campaign {title}")
        return str(found[0]["Id"]) if found else None

    def _memberships(self, campaign: str, rows: Sequence[Row]) -> dict[str, str]:
        """Return the id of each Contact or Lead that is in, to that of the membership."""
        found: dict[str, str] = {}
        for field in ("ContactId", "LeadId"):
            mine = [str(row.vendor_id) for row in rows if str(row.vendor_id).startswith(LEAD) == (field == "LeadId")]
            if mine:
                ids = ", ".join(f"'{name}'" for name in mine)
                soql = f"SELECT Id, {field} FROM CampaignMember WHERE CampaignId = '{campaign}' AND {field} IN ({ids})"  # noqa: S608
                told = self._client.decoded(soql, doing=f"{len(mine)} members of a campaign")
                found |= {str(one[field]): str(one["Id"]) for one in told}
        return found

    def _written(self, method: str, records: Sequence[Mapping[str, Any]], *, doing: str) -> list[dict[str, Any]]:
        return self._results(method, len(records), doing=doing, json={"allOrNone": False, "records": list(records)})

    def _results(self, method: str, count: int, *, doing: str, **how: Any) -> list[dict[str, Any]]:
        """Write one collection and return a result for each record.

        Raises:
            UnknownOutcomeError: nobody can tell what was done.
        """
        answer = self._client.call(method, "/composite/sobjects", doing=doing, repeatable=False, **how)
        told = answer.data if isinstance(answer.data, list) else []
        if len(told) != count or not all(isinstance(one, dict) for one in told):
            raise UnknownOutcomeError(f"salesforce answered {doing} with {len(told)} results.", vendor="salesforce")
        return told


def _outcome(row: Row, result: Mapping[str, Any], as_good: Collection[str]) -> Outcome:
    code, _ = first_error(result)
    if result.get("success") or code in as_good:
        return Outcome(row, "published", vendor_id=row.vendor_id)
    if is_locked(code, _words(result)):
        return Outcome(row, "waiting", reason="the campaign was locked by another writer")
    return Outcome(row, "rejected", reason=_words(result))


def _words(result: Mapping[str, Any]) -> str:
    code, said = first_error(result)
    return f"{code or 'refused'}: {said}"


def _lost(rows: Sequence[Row], title: str) -> list[Outcome]:
    reason = f"Salesforce has no campaign {title!r} any more: take it out of the recycle bin"
    return [Outcome(row, "rejected", reason=reason) for row in rows]
