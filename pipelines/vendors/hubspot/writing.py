"""How writes to HubSpot are cut, told, and what follows one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pipelines.errors import UnknownOutcomeError, VendorError
from pipelines.publish.rows import Row

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


def hundreds(rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
    """Yield rows a hundred at a time, as many as a batch holds."""
    return (rows[at : at + 100] for at in range(0, len(rows), 100))
