"""Who remains of a record that was merged or converted away (HS-09)."""

from __future__ import annotations

from collections.abc import Collection

from pipelines.vendors.salesforce.client import SalesforceClient

LONGEST_CHAIN = 12


class Successors:
    """Follows Contacts and Leads to who stands for them now, as Salesforce tells it."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client

    def of(self, ids: Collection[str]) -> dict[str, str]:
        """Return id to the id of whoever remains; who was deleted and left nobody is not in it."""
        ends: dict[str, str] = {}
        heads = {name: name for name in ids}
        for _ in range(LONGEST_CHAIN):
            if not heads:
                break
            told = self._told(set(heads.values()))
            following: dict[str, str] = {}
            for first, here in heads.items():
                there, is_gone = told.get(here, ("", True))
                if there:
                    following[first] = there
                elif not is_gone:
                    ends[first] = here
            heads = following
        return ends

    def _told(self, ids: set[str]) -> dict[str, tuple[str, bool]]:
        """Return id to (the next of its chain, whether it is deleted)."""
        found: dict[str, tuple[str, bool]] = {}
        for kind, prefix, names in (
            ("Contact", "003", "IsDeleted, MasterRecordId"),
            ("Lead", "00Q", "IsDeleted, MasterRecordId, IsConverted, ConvertedContactId"),
        ):
            wanted = ", ".join(f"'{name}'" for name in sorted(ids) if name.startswith(prefix))
            if not wanted:
                continue
            soql = f"SELECT Id, {names} FROM {kind} WHERE Id IN ({wanted})"  # noqa: S608
            for row in self._client.decoded(soql, doing=f"what became of {kind} records", is_all=True):
                heir = row.get("MasterRecordId") or (row.get("ConvertedContactId") if row.get("IsConverted") else None)
                found[str(row["Id"])] = (str(heir or ""), bool(row.get("IsDeleted")))
        return found
