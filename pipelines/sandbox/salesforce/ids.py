"""Record ids: 15 case-sensitive characters, and three more that make them safe where case is lost.

https://help.salesforce.com/s/articleView?id=000385585 : each of the three last characters stands for five of the
first fifteen, one bit for each that is a capital.
"""

from __future__ import annotations

import hashlib
import string
from functools import lru_cache

PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "User": "005",
    "Opportunity": "006",
    "Organization": "00D",
    "Lead": "00Q",
    "Task": "00T",
    "Event": "00U",
    "CampaignMember": "00v",
    "TaskStatus": "01K",
    "TaskPriority": "01L",
    "EmailMessage": "02s",
    "Campaign": "701",
}
OBJECTS = {prefix: name for name, prefix in PREFIXES.items()}
JOB, LOCATOR = "750", "0r8"
INSTANCE = "5g0"
CHECKS = string.ascii_uppercase + "012345"
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SHORT, LONG = 15, 18


@lru_cache(maxsize=1 << 16)
def checked(short: str) -> str:
    """The 18 characters of an id of 15."""
    groups = (short[at : at + 5] for at in (0, 5, 10))
    return short + "".join(
        CHECKS[sum(1 << bit for bit, letter in enumerate(group) if "A" <= letter <= "Z")] for group in groups
    )


def normal(given: object) -> str:
    """The id in 18 characters; blank where it cannot be one (its length, a sign in it or its checksum)."""
    if not isinstance(given, str) or not (given.isascii() and given.isalnum()):
        return ""
    if len(given) == SHORT:
        return checked(given)
    if len(given) == LONG and checked(given[:SHORT])[SHORT:] == given[SHORT:].upper():
        return checked(given[:SHORT])
    return ""


def padded(given: str) -> str:
    """An id as a hand-written world may have it: a short one is filled up with zeros behind its prefix."""
    if len(given) < SHORT and len(given) >= 3 and given.isascii() and given.isalnum():
        return checked(given[:3] + given[3:].rjust(SHORT - 3, "0"))
    if len(given) == LONG and given.isascii() and given.isalnum():
        return checked(given[:SHORT])
    return normal(given)


def made(prefix: str, number: int, instance: str = INSTANCE) -> str:
    """The id with that number, in base 62."""
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return checked(prefix + instance + digits.rjust(SHORT - len(prefix) - len(instance), "0"))


def number_of(*words: object) -> int:
    """A number of at most nine digits in base 62, made of words."""
    digest = hashlib.sha256("\x1f".join(str(word) for word in words).encode()).hexdigest()
    return int(digest[:15], 16) % int(62**8)


def kind_of(identifier: str) -> str:
    """The object that an id belongs to, by its prefix; blank where none does."""
    return OBJECTS.get(identifier[:3], "")
