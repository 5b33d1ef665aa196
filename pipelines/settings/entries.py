"""What single entries of the settings file may be: a moment, a webinar's id, an address, a domain, a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

BRAND = re.compile(r"[a-z][a-z0-9_]*")
LONGEST_WEBINAR_ID = 18
"""Digits; Zoom's own have 11 at most, and SQL keeps them as numbers."""


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("write the time zone too, for example 2026-01-31T00:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a moment of our calendar, for example 2026-01-31T00:00:00Z") from None


def webinar_id(text: str) -> str:
    """Return a webinar's id without the blanks and dashes that people write in it.

    Raises:
        ValueError: it is none.
    """
    digits = text.replace("-", "").replace(" ", "")
    if not digits or not set(digits) <= set("0123456789"):
        raise ValueError("a webinar id has digits only")
    if len(digits) > LONGEST_WEBINAR_ID:
        raise ValueError("a webinar id has 11 digits at most")
    return digits


def once(entries: Any) -> Any:
    """See that no webinar is named in two spellings, of which one would be lost without a word."""
    if isinstance(entries, dict):
        seen: dict[str, str] = {}
        for name in entries:
            plain = str(name).replace("-", "").replace(" ", "")
            if plain in seen:
                raise ValueError(f"webinar {plain} stands twice, as {seen[plain]!r} and {name!r}: keep one of them")
            seen[plain] = str(name)
    return entries


def _address_or_domain(text: str) -> str:
    entry = text.strip().lower()
    domain = entry.rpartition("@")[2].removeprefix("*.")
    if not entry or " " in entry or "." not in domain or domain.startswith(".") or domain.endswith("."):
        raise ValueError("write an address (a@acme.com), a domain (acme.com) or its subdomains (*.acme.com)")
    return entry


def _domain(text: str) -> str:
    entry = _address_or_domain(text)
    if "@" in entry:
        raise ValueError("write a domain (acme.com) or its subdomains (*.acme.com), no address")
    return entry


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be the name of a time zone, for example Europe/Paris") from None
    return text


def _brand(text: str) -> str:
    if not BRAND.fullmatch(text):
        raise ValueError("write a name of small letters and digits, for example second_brand")
    return text


def brands_once(names: list[str]) -> list[str]:
    """See that no brand is named twice."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)} stands twice: keep one")
    return names


WebinarId = Annotated[str, AfterValidator(webinar_id)]
Moment = Annotated[datetime, AfterValidator(_aware)]
AddressOrDomain = Annotated[str, AfterValidator(_address_or_domain)]
Domain = Annotated[str, AfterValidator(_domain)]
Zone = Annotated[str, AfterValidator(_zone)]
Brand = Annotated[str, AfterValidator(_brand)]
