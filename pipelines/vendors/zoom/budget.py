"""How often somebody may still be signed up today: Zoom takes three calls a day for each address.

Facts, from https://developers.zoom.us/docs/api/rate-limits/ (read 2026-11): adding a registrant is limited to three
calls a day for each registrant, counted anew from 00:00 UTC. Users met the limit with one address over different
webinars, so an address is counted whatever it is registered for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from pipelines.vendors.reading import instant

CALLS_A_DAY = 3
LATEST = timedelta(hours=12)
"""A call of which nobody knows when it was made was made at most so long after it was planned."""
LATELY = timedelta(days=1) + LATEST
"""What was planned before cannot have been called today."""
Person = tuple[str, str]
"""Account and address."""


class Budget:
    """The calls made for each person on each day, as the log and this process know them."""

    def __init__(self, calls: Iterable[Mapping[str, Any]] = ()) -> None:
        self._used: Counter[tuple[Person, date]] = Counter()
        for call in calls:
            person = str(call["context"].get("account")), str(call["fields"].get("email"))
            called = instant(call.get("called_at"))
            if called is None:  # nobody knows: it counts wherever it may belong
                for day in {call["planned_at"].date(), (call["planned_at"] + LATEST).date()}:
                    self._used[person, day] += 1
            elif call["status"] == "waiting":  # Zoom itself said that the day's calls are used up
                self.exhaust(person, called)
            else:
                self._used[person, called.date()] += 1

    def take(self, person: Person, now: datetime) -> bool:
        """Count a call that is about to be made; False, and nothing is counted: the day's calls are used up."""
        if self._used[person, now.date()] >= CALLS_A_DAY:
            return False
        self._used[person, now.date()] += 1
        return True

    def was_called(self, person: Person, taken: datetime, called: datetime) -> None:
        """Count a call for the next day, too, where it was answered after a midnight that we had not heard of."""
        if called.date() != taken.date():
            self._used[person, called.date()] += 1

    def exhaust(self, person: Person, now: datetime) -> None:
        """Let the day's calls be used up: others use Zoom, too."""
        self._used[person, now.date()] = max(self._used[person, now.date()], CALLS_A_DAY)
