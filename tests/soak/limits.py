"""Every limit that the vendors document, held against the calls that really came.

Zoom: https://developers.zoom.us/docs/api/rate-limits/ (Business and above; an endpoint's label stands in its
reference). HubSpot: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines (Enterprise).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]
LABELS = (
    ("zoom", r"/oauth/token", ""),
    ("zoom", r"/v2/report/", "heavy"),
    ("zoom", r"/v2/users(/[^/?]+/webinars)?([?]|$)", "medium"),
    ("zoom", r"/v2/webinars/[0-9]+/(registrants|panelists)([?]|$)", "medium"),
    ("zoom", r"/v2/past_webinars/[^/?]+/participants", "medium"),
    ("zoom", r"", "light"),
    ("hubspot", r"/crm/.*/search([?]|$)", "search"),
    ("hubspot", r"/crm/(v4/)?associations/", "associations"),
    ("hubspot", r"", "burst"),
)
SHORT = {
    ("zoom", "light"): (80, 1.0),
    ("zoom", "medium"): (60, 1.0),
    ("zoom", "heavy"): (40, 1.0),
    ("hubspot", "search"): (5, 1.0),
    ("hubspot", "burst"): (190, 10.0),
    ("hubspot", "associations"): (150, 10.0),
}
"""So many calls in so many seconds, wherever these seconds begin."""
DAILY = {("zoom", "heavy"): 60_000, ("hubspot", "burst"): 1_000_000}
"""So many calls a day."""


def label(call: Record) -> tuple[str, str]:
    """The vendor, and the limit that a call counts for."""
    found = (name for vendor, path, name in LABELS if vendor == call["vendor"] and re.match(path, call["path"]))
    return call["vendor"], next(found, "")


class Watch:
    """Counts calls from the sandbox's record; what an injected fault refused with 429 does not count."""

    def __init__(self) -> None:
        self.days: Counter[tuple[tuple[str, str], str]] = Counter()
        self.calls = 0
        self.fullest: dict[tuple[str, str], int] = {}

    def exceeded(self, calls: Iterable[Record]) -> list[str]:
        """Return each window of these calls in which a documented limit was passed."""
        moments: dict[tuple[str, str], list[float]] = defaultdict(list)
        for call in calls:
            name = label(call)
            self.calls += 1
            if call["status"] != 429 and name in SHORT:
                moments[name].append(call["seconds"])
                self.days[name, call["at"][:10]] += 1
        problems = []
        for name, times in moments.items():
            limit, seconds = SHORT[name]
            times.sort()
            most = _most(times, seconds)
            self.fullest[name] = max(most, self.fullest.get(name, 0))
            if most > limit:
                problems.append(f"{name}: {most} calls in {seconds:g} s, and {limit} are allowed")
        problems += [
            f"{name}: {count} calls on {day}, and {DAILY[name]} are allowed"
            for (name, day), count in self.days.items()
            if count > DAILY.get(name, count)
        ]
        return problems


def _most(times: list[float], seconds: float) -> int:
    """The most calls that any window of this length holds."""
    most = first = 0
    for last, moment in enumerate(times):
        while times[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
