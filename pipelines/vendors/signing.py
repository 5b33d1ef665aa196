"""What the signatures of all vendors' webhooks share: HMAC-SHA256 over raw bytes, constant time, a short life."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson

from pipelines.errors import DeliveryError
from pipelines.vendors.reading import instant, mend

LIVES_MS = 5 * 60 * 1000
"""Milliseconds that a signed request is good for, and that a clock may be ahead of ours."""
LONGEST_NUMBER = 16


def hmac_sha256(secret: str, content: bytes) -> bytes:
    """Return the digest that the vendor signs with."""
    return hmac.digest(secret.encode(), content, "sha256")


def check_signature(given: str, expected: str) -> None:
    """Compare in constant time.

    Raises:
        DeliveryError: they differ.
    """
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise DeliveryError("the signature is not that of this body; see that the secret is the app's", status=401)


def check_age(milliseconds: int, at: datetime) -> None:
    """See that a request was signed just now.

    Raises:
        DeliveryError: it is too old, or of a time to come.
    """
    age = at.timestamp() * 1000 - milliseconds
    if abs(age) > LIVES_MS:
        when = "more than five minutes old" if age > 0 else "from a time to come"
        raise DeliveryError(f"the request is {when}; see that the clock of this machine is right", status=401)


def document(body: bytes) -> tuple[Any, bytes]:
    """Return what a body says, and its text, mended where a name was cut in the middle of an emoji.

    Raises:
        DeliveryError: it is no JSON.
    """
    try:
        return orjson.loads(body), body
    except orjson.JSONDecodeError:
        text = mend(body)
    try:
        return orjson.loads(text), text
    except orjson.JSONDecodeError as error:
        raise DeliveryError(f"the body is no JSON: {error}", status=400) from None


def moment(milliseconds: Any, at: datetime) -> datetime:
    """Return when something happened, or when it came where the vendor does not say so in the calendar."""
    found = instant(milliseconds)
    return found if isinstance(milliseconds, int) and found is not None else at


def identity(parts: Iterable[Any]) -> str:
    """Return what something is known by, given its parts, of which those count that are words or numbers."""
    told = [part if isinstance(part, str | int) else None for part in parts]
    return blake2b(orjson.dumps(told), digest_size=16).hexdigest()


def number(text: str) -> int:
    """Read a header's time.

    Raises:
        DeliveryError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        raise DeliveryError("the request bears no time of its signature", status=401)
    return int(text)
