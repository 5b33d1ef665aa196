"""Compares what the org holds and what the verdicts say with what an oracle expects; a difference names its group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tests.company import Company
from tests.tasks.oracle import Fate, Reading, held
from tests.tasks.worlds import Crowd

OUTCOMES = """
    select a.activity_type, a.source_id, a.occurred_at, p.task_key, v.verdict, v.reason
    from int_activities a
    full join int_activity_people p using (activity_key)
    full join (select * from verdicts where destination = 'salesforce') v on v.object_key = p.task_key
"""
Outcome = tuple[str, str, datetime, str]


def outcomes(company: Company) -> Counter[Outcome]:
    """The product's word on each activity: type, source id, instant, and `task` or the reason why there is none."""
    found: Counter[Outcome] = Counter()
    for type_, source, at, key, verdict, reason in company.rows(OUTCOMES):
        assert type_ is not None, f"the verdict on {key} is on no activity"
        assert verdict is not None, f"{type_} {source} has no verdict"
        is_there = verdict in ("published", "unchanged")
        found[type_, source, at.astimezone(UTC), "task" if is_there else reason] += 1
    return found


def expected(fates: Iterable[Fate]) -> Counter[Outcome]:
    """The oracle's word on each activity, in the same form."""
    return Counter((one.activity.type, one.activity.key[1], one.activity.at, one.reason or "task") for one in fates)


def differences(company: Company, reading: Reading, fates: list[Fate], crowd: Crowd) -> list[str]:
    """Say where the org's Tasks or the verdicts differ from what the oracle expects; empty where they do not."""
    world = company.sandbox.world()
    tasks = reading.tasks(fates)
    there = held(world)
    words, told = expected(fates), outcomes(company)
    found = [f"missing: {task}{_group(crowd, task.who)}" for task in (tasks - there).elements()]
    found += [f"not expected: {task}{_group(crowd, task.who)}" for task in (there - tasks).elements()]
    for one in (words - told).elements():
        instead = [other[3] for other in (told - words) if other[:3] == one[:3]]
        found.append(f"expected {one}, found {instead}{_group(crowd, one[1])}")
    if told.total() != words.total():
        found.append(f"{told.total()} activities have a verdict, {words.total()} were expected")
    return found + doubled(world)


def doubled(world: dict[str, Any]) -> list[str]:
    """The external ids that stand on two Tasks."""
    ids = Counter(row.get("Turnout_Id__c") for row in world["salesforce"][0]["Task"] if not row["IsDeleted"])
    return [f"{name} is there {count} times" for name, count in ids.items() if name and count > 1]


def _group(crowd: Crowd, name: str) -> str:
    group = crowd.group_of(name)
    return f"\n  group {group.number}:\n{group.told()}" if group else ""
