"""How writes to HubSpot are cut, told, and what follows one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from pipelines.errors import UnknownOutcomeError, VendorError
from pipelines.publish.rows import Row
from pipelines.vendors.hubspot.answers import by_trace, errors, id_of, results, why
from pipelines.vendors.hubspot.client import HubSpotClient

Told = TypeVar("Told")


def after_writing(then: Callable[[], Told]) -> Told:
    """Do what follows a write; where the vendor then stops us, what was written is not what was never sent.

    Raises:
        UnknownOutcomeError: the vendor must be asked what was done.
    """
    try:
        return then()
    except VendorError as error:
        raise UnknownOutcomeError(str(error), vendor=error.vendor, status=error.status, code=error.code) from None


def told_properties(row: Row) -> dict[str, str]:
    """Return the properties to send; HubSpot clears what is empty, and a creation has nothing to clear."""
    is_new = row.operation == "create"
    return {name: value or "" for name, value in row.fields.items() if value or not is_new}


def not_updated(
    client: HubSpotClient, kind: str, rows: Sequence[Row], told: Callable[[Row], Mapping[str, str]]
) -> dict[int, str]:
    """Change records by their ids in one call; return why a row was refused, by the row's identity."""
    inputs = [
        {"id": row.vendor_id, "properties": told(row), "objectWriteTraceId": f"{number}-{row.payload_hash}"}
        for number, row in enumerate(rows)
    ]
    path = client.path("objects", kind, "batch", "update")
    answer = client.post(path, doing=f"the update of {len(rows)} {kind}", json={"inputs": inputs})
    done, reasons = by_trace(answer.data)
    ids = {id_of(found) for found in results(answer.data)}
    refused: dict[int, str] = {}
    for number, row in enumerate(rows):
        trace = f"{number}-{row.payload_hash}"
        if trace not in done and (trace in reasons or row.vendor_id not in ids):
            refused[id(row)] = reasons.get(trace) or why(errors(answer.data), "HubSpot's answer does not name it")
    return refused


def hundreds(rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
    """Yield rows a hundred at a time, as many as a batch holds."""
    return (rows[at : at + 100] for at in range(0, len(rows), 100))
