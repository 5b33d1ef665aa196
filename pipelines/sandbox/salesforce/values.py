"""How values are written and read: datetimes with `+0000`, whole seconds, dates without a zone.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_valid_date_formats.htm
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from pipelines.sandbox.salesforce.fields import NUMBERS, Field
from pipelines.sandbox.salesforce.ids import normal

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})")
LARGEST_INT = 2**31 - 1
ADDRESS = re.compile(r"[^@\s,;<>()\[\]]+@[^@\s,;<>()\[\].]+(\.[^@\s,;<>()\[\].]+)+")


class Misfit(ValueError):
    """A value that its field's type does not take."""


def told(moment: datetime) -> str:
    """`2013-05-07T22:07:19.000+0000`: whole seconds."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + ".000+0000"


def within(day: date) -> bool:
    """Whether Salesforce has that day: from 1700 to 4000."""
    return 1700 <= day.year <= 4000


def moment_of(text: str) -> datetime:
    """Read an instant with an offset. Raises ValueError."""
    if not DATETIME.fullmatch(text):
        raise ValueError(f"{text!r} is no instant")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is beyond the calendar") from error


def day_of(text: str) -> date:
    """Read a date, or the date of an instant as it stands there. Raises ValueError."""
    if not DATE.match(text):
        raise ValueError(f"{text!r} is no date")
    return date.fromisoformat(text[:10])


def taken(field: Field, value: Any) -> Any:
    """A value as its field keeps it. Misfit where the type cannot be."""
    if value is None or value == "":
        return False if field.type == "boolean" else None
    if field.type == "boolean":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise Misfit("boolean")
    if field.type in NUMBERS:
        return _number(field, value)
    if isinstance(value, dict | list):
        raise Misfit(field.type)
    if field.type in ("date", "datetime"):
        if not isinstance(value, str):
            raise Misfit(field.type)
        try:
            moment = moment_of(value) if "T" in value else datetime.combine(day_of(value), datetime.min.time(), UTC)
            if not within(moment.date()) or not (DATE.fullmatch(value) or "T" in value):
                raise Misfit(field.type)
            return moment.date().isoformat() if field.type == "date" else told(moment)
        except Misfit:
            raise
        except (ValueError, OverflowError) as error:
            raise Misfit(field.type) from error
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    if field.type in ("id", "reference"):
        return normal(text) or text
    return text.strip() or None if field.type in ("string", "picklist", "combobox", "email", "phone") else text


def _number(field: Field, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Misfit(field.type)
    try:
        number = float(value)
    except ValueError as error:
        raise Misfit(field.type) from error
    if number != number or number in (float("inf"), float("-inf")):
        raise Misfit(field.type)
    if field.type == "int":
        if number != int(number) or abs(number) > LARGEST_INT:
            raise Misfit("int")
        return int(number)
    return number
