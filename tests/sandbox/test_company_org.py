"""The made-up company's Salesforce org fits what its portal says of it."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

from pipelines.sandbox.company import generate
from pipelines.sandbox.salesforce.ids import normal
from pipelines.sandbox.world import filled

Record = dict[str, Any]


@cache
def world() -> Record:
    return filled(generate(7, 600))


def org() -> Record:
    found: Record = world()["salesforce"][0]
    return found


def people() -> dict[str, Record]:
    return {row["Id"]: row for kind in ("Contact", "Lead") for row in org()[kind]}


def named() -> list[tuple[Record, str]]:
    """Contacts of the portal with the Salesforce id that stands with them."""
    found = []
    for contact in world()["hubspot"][0]["contacts"]:
        values = contact["properties"]
        identifier = values.get("salesforcecontactid") or values.get("salesforceleadid")
        if identifier:
            found.append((contact, identifier))
    return found


def test_the_portals_ids_are_whole_and_mostly_there() -> None:
    found = people()
    dangling = [identifier for _, identifier in named() if identifier not in found]
    assert all(normal(identifier) == identifier for _, identifier in named())
    assert 0 < len(dangling) < len(named()) * 0.1
    for contact, identifier in named():
        if identifier in found and contact["properties"].get("email"):
            assert found[identifier]["Email"].lower() == contact["properties"]["email"].lower()


def test_six_in_ten_are_there_some_by_their_address_alone() -> None:
    contacts = world()["hubspot"][0]["contacts"]
    addresses = {row["Email"].lower() for row in people().values()}
    ids = {identifier for _, identifier in named()}
    there = [one for one in contacts if one["properties"].get("email", "").lower() in addresses]
    assert 0.5 < len(there) / len(contacts) < 0.7
    assert [one for one in there if not {"salesforcecontactid", "salesforceleadid"} & set(one["properties"])]
    assert {row["Id"] for row in people().values() if row["IsDeleted"] or row.get("IsConverted")} & ids


def test_some_are_converted_merged_or_there_twice() -> None:
    found = people()
    converted = [row for row in org()["Lead"] if row.get("IsConverted")]
    merged = [row for row in found.values() if row.get("MasterRecordId")]
    assert converted
    assert merged
    assert all(found[row["ConvertedContactId"]]["Email"].lower() == row["Email"].lower() for row in converted)
    assert all(row["IsDeleted"] and not found[row["MasterRecordId"]]["IsDeleted"] for row in merged)
    live = [row for row in org()["Contact"] if not row["IsDeleted"]]
    twice = [address for address, count in Counter(row["Email"].lower() for row in live).items() if count > 1]
    assert 0 < len(twice) < 20


def test_owners_are_users_and_activities_are_of_people_who_are_there() -> None:
    users = {row["Id"]: row for row in org()["User"]}
    owners = {owner["email"] for owner in world()["hubspot"][0]["owners"]}
    assert owners <= {row["Email"] for row in users.values()}
    assert [row["IsActive"] for row in users.values()].count(False) == 1
    found = people()
    activities = [*org()["Task"], *org()["Event"]]
    assert len(activities) == 30
    for row in activities:
        who = found[row["WhoId"]]
        assert not who["IsDeleted"]
        assert row["CreatedDate"] >= who["CreatedDate"]
        assert users[row["OwnerId"]]["IsActive"]
        assert not (row["WhoId"].startswith("00Q") and row.get("WhatId"))
