"""What two plays left, and what one left against the oracle: held beside each other, difference by difference."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any, Protocol

from tests.soak.oracle import Oracle, excluded, norm
from tests.soak.scene import Scene, moment
from tests.soak.script import Record

SOURCE = "turnout_source"
"""Said once, at creation, of what was known then: two plays that created at other times may say other webinars."""


class Ended(Protocol):
    """What a play left."""

    held: Record
    oracle: Oracle
    skipped: set[tuple[str, ...]]


def against(scene: Scene, oracle: Oracle, expected: Record, before: Record) -> list[str]:
    """Compare what the CRM answers now with what the oracle expects; and see that the run left all else alone."""
    held = scene.held()
    portal = scene.sandbox.world()["hubspot"][0]
    problems: list[str] = []
    old = {one["id"]: one for one in before["hubspot"][0]["contacts"]}
    created = {}
    for one in portal["contacts"]:
        if one["id"] not in old:
            created[norm(one["properties"]["email"])] = one["id"]
        elif (was := _others(old[one["id"]])) != (now := _others(one)):
            problems.append(f"{one['properties'].get('email')}: the run changed {dict(now.items() ^ was.items())}")
    clear = {address for address, until in oracle.blurred.items() if until > oracle.at}
    for address in sorted(created.keys() ^ expected["new"].keys()):
        if address not in clear:
            verb = "was created" if address in created else "was not created"
            problems.append(f"contact {address} {verb}; reason {oracle.reason(address) or 'none'!r}")
    for address, told in expected["new"].items():
        if address in created and address not in clear:
            problems += _differences(f"new contact {address}", told, held["contacts"][created[address]])
    for name, told in expected["contacts"].items():
        one, was = held["contacts"][name], old[name]["properties"]
        if _mine(was) & clear:
            continue
        if told is None:
            told = {key: was.get(key) for key in {*was, *one} if key.startswith("turnout_")}
        problems += _differences(f"contact {name} ({one.get('email')})", told, one)
    for name, told in expected["events"].items():
        if name not in held["events"]:
            problems.append(f"marketing event {name} is not there")
        else:
            problems += _differences(f"marketing event {name}", told, held["events"][name])
    problems += [f"marketing event {name} is there" for name in held["events"].keys() - expected["events"].keys()]
    problems += _parts(oracle, expected, held, created, clear)
    oracle.settle(expected, created)
    return problems


def _parts(oracle: Oracle, expected: Record, held: Record, created: dict[str, str], clear: set[str]) -> list[str]:
    problems = []
    states = {(event, created.get(who, who)): state for (event, who), state in expected["states"].items()}
    for key in sorted(states.keys() | held["states"].keys()):
        event, name = key
        contact = held["contacts"].get(name)
        if contact is None or key in oracle.tainted | oracle.vague or norm(contact.get("email")) in clear:
            continue
        if states.get(key) != held["states"].get(key):
            problems.append(
                f"{contact.get('email')} ({name}) in {event}: {held['states'].get(key)}, expected {states.get(key)}"
            )
    return problems


def _others(contact: Record) -> dict[str, Any]:
    """What of a contact is none of our business."""
    ours = ("turnout_", "lastmodifieddate", "hs_")
    told = {name: value for name, value in contact["properties"].items() if not name.startswith(ours)}
    return {**told, "archived": contact["archived"]}


def _mine(properties: Record) -> set[str]:
    words = (properties.get("email"), *str(properties.get("hs_additional_emails") or "").split(";"))
    return {norm(word) for word in words if word}


def _differences(who: str, expected: Record, held: Record) -> list[str]:
    found = {name: (held.get(name), value) for name, value in expected.items() if not _same(held.get(name), value)}
    return [f"{who}: {name} is {had!r}, expected {_plain(value)!r}" for name, (had, value) in sorted(found.items())]


def _same(held: Any, expected: Any) -> bool:
    if isinstance(expected, Fraction):
        return bool(held) and Fraction(held) == expected
    if isinstance(expected, datetime):
        return bool(held) and moment(held) == expected.replace(microsecond=expected.microsecond // 1000 * 1000)
    return (held or None) == (expected or None) or held == expected


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else str(value) if isinstance(value, datetime) else value


def unlike(calm: Ended, stormy: Ended) -> list[str]:
    """Compare two CRMs that met the same history, without ids and stamps.

    Left out are people of whom a move was possible in one play alone, and what stands as it was told once since
    nothing more may be told of it: that depends on when it was last read. So it is with a person's participations as
    soon as one of their addresses is excluded.
    """
    apart = {norm(word) for move in calm.skipped ^ stormy.skipped for word in move}
    oracle = calm.oracle

    def is_out(address: str) -> bool:
        return bool(oracle.reason(address)) or excluded(address, oracle.settings.get("contacts", ()))

    people = calm.held["contacts"].values()
    frozen = {norm(one.get("email")) for one in people if is_out(norm(one.get("email")))}
    partly = {norm(one.get("email")) for one in people if any(map(is_out, _mine(one)))}
    once = {(event, _address(calm, name)) for event, name in oracle.tainted}  # an attendance is not taken back
    sides = [_by_address(ending.held, apart | frozen) for ending in (calm, stormy)]
    problems = []
    for what in ("contacts", "states"):
        left, right = (side[what] for side in sides)
        for key in sorted(left.keys() | right.keys()):
            if what == "states" and (_is_frozen(oracle, calm, key[0]) or key in once or key[1] in partly):
                continue
            if left.get(key) != right.get(key):
                problems.append(f"{what}: {key}: calm {left.get(key)}, stormy {right.get(key)}")
    for name in sorted(calm.held["events"].keys() | stormy.held["events"].keys()):
        left, right = (_event(ending.held["events"].get(name)) for ending in (calm, stormy))
        if left != right and not _is_frozen(oracle, calm, name):
            problems.append(f"marketing event {name}: calm {left}, stormy {right}")
    return problems


def _address(ending: Ended, name: str) -> str:
    return norm(ending.held["contacts"].get(name, {}).get("email"))


def _is_frozen(oracle: Oracle, calm: Ended, event: str) -> bool:
    webinar = oracle.webinars.get(int(event.partition("-")[0]))
    return webinar is not None and oracle.out_of_scope(webinar)


def _event(told: Record | None) -> Record:
    names = ("eventName", "startDateTime", "endDateTime", "eventUrl", "eventCancelled", "eventCompleted")
    return {name: (told or {}).get(name) for name in names}


def _by_address(held: Record, apart: set[str]) -> Record:
    people = {name: norm(one.get("email")) for name, one in held["contacts"].items()}
    return {
        "contacts": {
            people[name]: {key: value for key, value in one.items() if key.startswith("turnout_") and key != SOURCE}
            for name, one in held["contacts"].items()
            if people[name] not in apart
        },
        "states": {
            (event, people[name]): state
            for (event, name), state in held["states"].items()
            if name in people and people[name] not in apart
        },
    }
