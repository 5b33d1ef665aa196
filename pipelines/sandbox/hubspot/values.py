"""Which property values HubSpot takes, and in what form it keeps them.

Unknown and read-only properties, options that are not offered, numbers and dates that are none: 400 VALIDATION_ERROR.
Instants may come as ISO 8601 or epoch milliseconds; they are kept as ISO with milliseconds. A date is `YYYY-MM-DD` or
milliseconds of exactly midnight UTC. https://developers.hubspot.com/docs/guides/api/crm/properties
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any

from pipelines.sandbox.clock import from_ms, iso_ms, parse
from pipelines.sandbox.hubspot.gate import Denied, HubSpotCall, invalid
from pipelines.sandbox.hubspot.own import OPTIONS
from pipelines.sandbox.hubspot.portal import fold

Record = dict[str, Any]
EMAIL = re.compile(r"[^\s@<>(),;:\"\[\]\\]+@[^\s@.<>(),;:\"\[\]\\]+(\.[^\s@.<>(),;:\"\[\]\\]+)+")
LONGEST = 65_536


def checked(call: HubSpotCall, kind: str, given: Any, *, ignore_unknown: bool = False) -> dict[str, str | None]:
    """The values to write, or the refusal that names every property which cannot be written."""
    if not isinstance(given, dict):
        raise invalid("Invalid input JSON: properties must be an object")
    known, found, problems = call.portal.definitions[kind], dict[str, str | None](), list[Record]()
    for name, value in given.items():
        definition = known.get(name) or known.get(name.lower())
        if definition is None:
            if not ignore_unknown:
                problems.append(problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
        elif (definition.get("modificationMetadata") or {}).get("readOnlyValue"):
            message = f'"{name}" is a read only property; its value cannot be set.'
            problems.append(problem(name, "READ_ONLY_VALUE", message))
        else:
            try:
                found[definition["name"]] = kept(definition, value)
            except ValueError as error:
                code = {"number": "INVALID_NUMBER", "enumeration": "INVALID_OPTION", "bool": "INVALID_OPTION"}.get(
                    definition["type"], "INVALID_DATE"
                )
                code = "INVALID_EMAIL" if name == "email" else code
                problems.append(problem(name, code, str(error)))
    if problems:
        raise values_not_valid(problems)
    return found


def problem(name: str, code: str, message: str) -> Record:
    return {"message": message, "code": code, "context": {"propertyName": [name]}}


class NotValid(Denied):
    """Several properties of one input are wrong."""

    def __init__(self, problems: list[Record]) -> None:
        parts = ", ".join(
            f'{{"isValid":false,"message":"{p["message"]}","error":"{p["code"]}","name":"{p["context"]["propertyName"][0]}"}}'
            for p in problems
        )
        super().__init__(400, "VALIDATION_ERROR", f"Property values were not valid: [{parts}]", code="many")
        self.problems = problems

    def details(self) -> list[Record]:
        return self.problems


def values_not_valid(problems: list[Record]) -> NotValid:
    return NotValid(problems)


def kept(definition: Record, value: Any) -> str | None:
    """One value in the form in which it is kept. None clears. ValueError where the property cannot hold it."""
    if value is None or value == "":
        return None
    if isinstance(value, dict | list):
        raise ValueError(f"{value!r} is not a valid value for {definition['name']}")
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if definition["name"] == "email":
        text = fold(text)
        if not EMAIL.fullmatch(text):
            raise ValueError(f"Email address {text} is invalid")
        return text
    if len(text) > LONGEST:
        raise ValueError(f"the value of {definition['name']} is longer than {LONGEST} characters")
    return _of_type(definition, text)


def _of_type(definition: Record, text: str) -> str:
    name, type_ = definition["name"], definition["type"]
    if type_ == "number":
        return _number(name, text)
    if type_ == "datetime":
        try:
            return iso_ms(parse(text))
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{text} was not a valid date time for {name}") from error
    if type_ == "date":
        return _date(name, text)
    if type_ == "bool":
        if text.lower() not in {"true", "false"}:
            raise ValueError(f"{text} was not one of the allowed options of {name}: [true, false]")
        return text.lower()
    if type_ == "enumeration":
        _check_options(definition, text)
    return text


def _number(name: str, text: str) -> str:
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"{text} was not a valid number for {name}") from error
    if not math.isfinite(value):
        raise ValueError(f"{text} was not a valid number for {name}")
    return text.strip()


def _date(name: str, text: str) -> str:
    refusal = f"{text} was not a valid date for {name}: YYYY-MM-DD or milliseconds of midnight UTC"
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        try:
            parse(text)
        except ValueError as error:
            raise ValueError(refusal) from error
        return text
    if not re.fullmatch(r"-?\d+", text):
        raise ValueError(refusal)
    moment = from_ms(int(text))
    if moment - moment.replace(hour=0, minute=0, second=0, microsecond=0) != timedelta(0):
        raise ValueError(refusal)
    return moment.strftime("%Y-%m-%d")


def _check_options(definition: Record, text: str) -> None:
    offered = [str(option.get("value")) for option in definition.get("options") or ()]
    several = definition.get("fieldType") == "checkbox" or not definition.get("hubspotDefined")
    chosen = [part for part in text.split(";") if part] if several else [text]
    free = definition.get("hubspotDefined") and definition["name"] not in OPTIONS
    wrong = [] if free else [part for part in chosen if part not in offered]
    if wrong:
        raise ValueError(f"{wrong[0]} was not one of the allowed options of {definition['name']}: {offered}")


def appended(definition: Record, old: str | None, new: str | None) -> str | None:
    """A leading `;` adds to a multiple choice instead of replacing it."""
    if not new or not new.startswith(";") or definition["type"] != "enumeration":
        return new
    parts = [part for part in f"{old or ''};{new}".split(";") if part]
    return ";".join(dict.fromkeys(parts))
