"""Who takes part in a marketing event, and how: the state that follows from what was told of them.

A contact's state is that of the latest interaction; having attended wins over having registered at any time. NO_SHOW
cannot be written: it is what a registered contact becomes once the event is completed.
https://developers.hubspot.com/docs/api-reference/marketing-marketing-events-v3/guide
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.clock import parse

Record = dict[str, Any]
STATES = ("REGISTERED", "ATTENDED", "CANCELLED", "NO_SHOW")


def deciding(participant: Record) -> Record | None:
    """The interaction that says what state the contact is in."""
    interactions = participant["interactions"]
    if any(one["state"] == "ATTENDED" for one in interactions):
        interactions = [one for one in interactions if one["state"] != "REGISTERED"]
    ranks = {"REGISTERED": 0, "CANCELLED": 1, "ATTENDED": 2}
    return max(interactions, key=lambda one: (one["interactionDateTime"], ranks[one["state"]]), default=None)


def state_of(event: Record, participant: Record) -> str:
    last = deciding(participant)
    if last is None:
        return "EMPTY"
    if last["state"] == "REGISTERED" and event["eventCompleted"]:
        return "NO_SHOW"
    return str(last["state"])


def tally(event: Record) -> dict[str, int]:
    """Current states only; the pages of the product itself count every transition."""
    states = [state_of(event, participant) for participant in event["participants"]]
    return {
        "registered": states.count("REGISTERED"),
        "attended": states.count("ATTENDED"),
        "cancelled": states.count("CANCELLED"),
        "noShows": states.count("NO_SHOW"),
    }


def settle(event: Record, participant: Record) -> None:
    """Write what follows from the interactions beside them, for whoever reads the world."""
    last = deciding(participant)
    participant["attendanceState"] = state_of(event, participant)
    for name in ("joinedAt", "leftAt"):
        if last is not None and last.get(name):
            participant[name] = last[name]


def seconds_of(participant: Record) -> int | None:
    last = deciding(participant)
    if last is None or last["state"] != "ATTENDED" or not last.get("joinedAt") or not last.get("leftAt"):
        return None
    return int((parse(last["leftAt"]) - parse(last["joinedAt"])).total_seconds())


def percentage_of(event: Record, seconds: int | None) -> str | None:
    """Of the event's length, as text; which length HubSpot takes is unverified."""
    if seconds is None or not event.get("startDateTime") or not event.get("endDateTime"):
        return None
    whole = (parse(event["endDateTime"]) - parse(event["startDateTime"])).total_seconds()
    return f"{min(seconds / whole, 1.0):.2f}" if whole > 0 else None
