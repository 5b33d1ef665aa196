"""What people do in Salesforce's own pages and REST has no call for: a lead becomes a contact, two records become one.

- Conversion: https://help.salesforce.com/s/articleView?id=000387225 : all activities go to the contact, and each of
  them counts as modified.
- Merge: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_merge.htm : the loser is in the
  recycle bin, MasterRecordId names the winner, what belonged to the one belongs to the other.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.sandbox.clock import time_zone
from pipelines.sandbox.salesforce.fields import ACTIVITIES
from pipelines.sandbox.salesforce.ids import kind_of, padded
from pipelines.sandbox.salesforce.org import OBJECTS, Org
from pipelines.sandbox.salesforce.values import told

if TYPE_CHECKING:
    from pipelines.sandbox.state import State

Record = dict[str, Any]
MERGED = ("Account", "Contact", "Lead")
CARRIED = (
    "FirstName",
    "LastName",
    "Salutation",
    "Title",
    "Phone",
    "MobilePhone",
    "Fax",
    "Email",
    "LeadSource",
    "Description",
)


def convert(state: State, given: Any) -> Record:
    """Convert a lead to the contact and account named, or to new ones. ValueError where it cannot be."""
    wanted = _given(given, {"leadId"}, {"contactId", "accountId"})
    org, lead = _row(state, wanted["leadId"], ("Lead",))
    if lead.get("IsConverted"):
        raise ValueError(f"convert: {lead['Id']} is converted already")
    now = state.clock.now
    contact = _row(state, wanted["contactId"], ("Contact",))[1] if "contactId" in wanted else None
    account = _row(state, wanted["accountId"], ("Account",))[1] if "accountId" in wanted else None
    if account is None and contact is not None and contact.get("AccountId"):
        account = org.find(contact["AccountId"])
    if account is None:
        account = _new(org, "Account", {"Name": lead.get("Company") or lead["Name"]}, lead, now)
    if contact is None:
        values = {key: lead[key] for key in CARRIED if lead.get(key) is not None}
        values |= {"Name": lead["Name"], "AccountId": account["Id"]}
        contact = _new(org, "Contact", values, lead, now)
    day = now.astimezone(time_zone(str(org.record["time_zone"]))).date().isoformat()
    converted = {"IsConverted": True, "ConvertedDate": day, "Status": "Closed - Converted"}
    converted |= {"ConvertedAccountId": account["Id"], "ConvertedContactId": contact["Id"]}
    org.change("Lead", lead, {**converted, **_stamps(org, now)})
    _pass_on(org, lead["Id"], contact["Id"], now)
    return {"leadId": lead["Id"], "contactId": contact["Id"], "accountId": account["Id"]}


def merge(state: State, given: Any) -> Record:
    """Merge the loser into the winner. ValueError where it cannot be."""
    wanted = _given(given, {"winner", "loser"}, set())
    org, winner = _row(state, wanted["winner"], MERGED)
    other, loser = _row(state, wanted["loser"], (kind_of(winner["Id"]),))
    if winner is loser or org is not other:
        raise ValueError("merge: two records of one org are needed")
    now = state.clock.now
    name = kind_of(winner["Id"])
    org.change(name, loser, {"IsDeleted": True, "MasterRecordId": winner["Id"], **_stamps(org, now)})
    org.change(name, winner, _stamps(org, now))
    _pass_on(org, loser["Id"], winner["Id"], now)
    return {"winner": winner["Id"], "loser": loser["Id"]}


def _pass_on(org: Org, before: str, after: str, now: datetime) -> None:
    """Whatever names the one record names the other."""
    keep = ("Id", "MasterRecordId", "ConvertedContactId", "ConvertedAccountId", "CreatedById", "LastModifiedById")
    for name in OBJECTS:
        for row in list(org.tables[name].values()):
            values: Record = {key: after for key, value in row.items() if value == before and key not in keep}
            if not values or row.get("IsDeleted"):
                continue
            values |= _stamps(org, now)
            if name in ACTIVITIES:
                values["AccountId"] = org.account_of({**row, **values})
            org.change(name, row, values)
            if name in ACTIVITIES and row.get("IsClosed", True):
                org.touch_parents(row, now)


def _new(org: Org, name: str, values: Record, lead: Record, now: datetime) -> Record:
    stamps = _stamps(org, now)
    made = {**values, "OwnerId": lead["OwnerId"], "IsDeleted": False, **stamps}
    made |= {"CreatedDate": stamps["SystemModstamp"], "CreatedById": stamps["LastModifiedById"]}
    org.add(name, made)
    return made


def _stamps(org: Org, now: datetime) -> Record:
    users = org.tables["User"].values()
    me = next(row["Id"] for row in users if row["Username"] == org.record["integration_user"])
    return {"LastModifiedDate": told(now), "LastModifiedById": me, "SystemModstamp": told(now)}


def _given(given: Any, needed: set[str], allowed: set[str]) -> dict[str, str]:
    if not isinstance(given, dict) or not needed <= set(given) <= needed | allowed:
        raise ValueError(f"expected an object with {', '.join(sorted(needed))}")
    return {key: str(value) for key, value in given.items()}


def _row(state: State, given: str, kinds: tuple[str, ...]) -> tuple[Org, Record]:
    identifier = padded(given)
    for org in state.salesforce.values():
        row = org.find(identifier) if kind_of(identifier) in kinds else None
        if row is not None and not row.get("IsDeleted"):
            return org, row
    raise ValueError(f"{given}: no org has such a {' or '.join(kinds)}")
