"""The audit: is each webinar synced, what of it is not, why, and how that is mended (HZ-30).

What came in and what the settings say is in the models `webinar_audit` and `webinar_audit_reasons`. What the CRM
refused, or what still waits, is known only once something was sent: it is joined here, from the table `verdicts`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb

from pipelines.errors import ModelError, UsageError
from pipelines.warehouse import Warehouse

STATUSES = ("not synced", "partly synced", "waiting", "synced")
"""The worst first."""
EVERY = 1_000_000_000
NEEDED = ("audit_reasons", "webinar_audit", "webinar_audit_reasons")
READ = frozenset({*NEEDED, "verdicts", "sync_hubspot_attendances", "int_people", "int_participations"})
"""All that the audit reads."""

DATES = """
    select
        webinar_id, occurrence_id, external_event_id, account, topic, host_email, start_at, progress, status,
        registered_count, attended_count, matched_count, anonymous_connection_count, turned_away_count
    from webinar_audit
    where webinar_id = coalesce($webinar_id, webinar_id)
    order by start_at desc nulls first, webinar_id, occurrence_id
"""

UNFINISHED = "from verdicts where destination = 'hubspot' and verdict in ('rejected', 'waiting', 'planned')"

ANSWERED = f"""
    unfinished as (
        select object, object_key, verdict, coalesce(reason, 'it waits for the next run') as said
        {UNFINISHED}
    ),

    of_people as (
        select
            steps.external_event_id, 'timeline_failed' as reason, unfinished.verdict, unfinished.said, steps.email,
            case steps.step when 'attend' then 'attendance' else 'registration' end as thing
        from unfinished
        inner join sync_hubspot_attendances as steps using (object_key)
        where unfinished.object = 'attendance'
        union all
        select
            parts.external_event_id, 'properties_failed', unfinished.verdict, unfinished.said, int_people.email,
            'contact'
        from unfinished
        inner join int_people
            on unfinished.object_key = coalesce(cast(int_people.contact_id as varchar), int_people.email)
        inner join int_participations as parts using (person_key)
        where unfinished.object = 'contact' and parts.out_of_scope_reason is null
        union all
        select object_key, 'timeline_failed', verdict, said, null, 'event'
        from unfinished
        where object in ('marketing_event', 'completion')
    ),

    answered as (
        select
            dates.webinar_id, dates.occurrence_id, of_people.reason, of_people.thing, of_people.email, 1 as thing_count,
            case of_people.verdict when 'rejected' then 'part' when 'waiting' then 'later' else 'planned' end as effect,
            of_people.said
        from of_people
        inner join webinar_audit as dates using (external_event_id)
        where dates.status <> 'not synced'
    )
"""

NOTHING_ANSWERED = "answered as (select *, '' as said from webinar_audit_reasons where false)"

GAPS = """
    with

    {answered},

    missing as (
        select webinar_id, occurrence_id, reason, effect, thing, email, thing_count, null as said
        from webinar_audit_reasons
        union all by name
        select * from answered
    ),

    by_thing as (
        select webinar_id, occurrence_id, reason, effect, thing, sum(thing_count) as thing_count
        from missing
        where webinar_id = coalesce($webinar_id, webinar_id)
        group by all
    ),

    counted as (
        select
            webinar_id, occurrence_id, reason, effect,
            map_from_entries(list((thing, cast(thing_count as bigint)) order by thing)) as things
        from by_thing
        group by all
    ),

    addressed as (
        select
            webinar_id, occurrence_id, reason, effect,
            count(distinct email) as email_count,
            coalesce(list_sort(list(distinct email) filter (where email is not null)), [])[:$most] as emails,
            coalesce(list_sort(list(distinct said) filter (where said is not null)), []) as said
        from missing
        where webinar_id = coalesce($webinar_id, webinar_id)
        group by webinar_id, occurrence_id, reason, effect
    )

    select
        webinar_id, occurrence_id, reason, effect, coalesce(what, ''), coalesce(mend, ''),
        things, email_count, emails, said
    from counted
    inner join addressed using (webinar_id, occurrence_id, reason, effect)
    left join (select reason, what, mend from audit_reasons) using (reason)
    order by webinar_id, occurrence_id, reason, effect
"""


@dataclass(frozen=True)
class Gap:
    """What is not synced for one reason.

    Attributes:
        effect: what it does to the status: all, part or none of the date is missing, or it comes later.
        things: how many registrations, attendances (connections), contacts, events, reports or recordings.
        email_count: how many addresses it concerns. `emails`: these, in order, or the first of them.
        said: what the CRM said, where it refused or stopped us.
    """

    reason: str
    effect: str
    what: str
    mend: str
    things: dict[str, int]
    email_count: int
    emails: list[str]
    said: list[str]


@dataclass(frozen=True)
class Audited:
    """One date of a webinar: its status, its counts, and what of it is not synced.

    Attributes:
        progress: scheduled, running, ended, cancelled or never_started.
        anonymous: connections of guests whose address is not known. `excluded`: addresses that are not synced.
        pending: records that are planned and not yet sent.
    """

    webinar_id: int
    occurrence_id: str
    event_id: str
    account: str
    topic: str
    host: str
    start_at: datetime | None
    progress: str
    status: str
    registered: int
    attended: int
    matched: int
    anonymous: int
    excluded: int
    pending: int = 0
    gaps: tuple[Gap, ...] = ()

    def told(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        names = [name for name in self.__dataclass_fields__ if name != "gaps"]
        reasons = [{name: getattr(gap, name) for name in gap.__dataclass_fields__} for gap in self.gaps]
        return {name: getattr(self, name) for name in names} | {"reasons": reasons}


def audit(warehouse: Warehouse, webinar_id: int | None = None, *, most: int | None = None) -> list[Audited]:
    """Return every date of every webinar, or of one, the latest first.

    Args:
        most: so many addresses of each reason at most; all of them where nothing is said.

    Raises:
        UsageError: there are no tables yet, or no such webinar in them.
        ModelError: the tables were made by another version.
    """
    entries = warehouse.catalog().entries
    if not set(NEEDED) <= entries.keys():
        raise UsageError(f"{warehouse.file} does not hold the audit yet. `turnout build` makes it.")
    with warehouse.connect(READ) as db:
        try:
            found = dates_of(db, webinar_id, most=most)
        except duckdb.Error as error:
            raise ModelError(f"the audit cannot be read: {str(error)[:400]}. Run `turnout build`.") from None
    if webinar_id is not None and not found:
        raise UsageError(f"no webinar {webinar_id} was read yet. `turnout sync {webinar_id}` reads it, if Zoom has it.")
    return found


def dates_of(db: duckdb.DuckDBPyConnection, webinar_id: int | None = None, *, most: int | None = None) -> list[Audited]:
    """Return what `audit` does, from a connection that shows `READ`; there are verdicts once there was a plan."""
    is_planned = bool(db.execute("select 1 from duckdb_views() where view_name = 'verdicts'").fetchall())
    is_finished = not is_planned or db.execute(f"select count(*) {UNFINISHED}").fetchall() == [(0,)]
    gaps = GAPS.replace("{answered}", NOTHING_ANSWERED if is_finished else ANSWERED)
    dates = [Audited(*row) for row in db.execute(DATES, {"webinar_id": webinar_id}).fetchall()]
    rows = db.execute(gaps, {"webinar_id": webinar_id, "most": EVERY if most is None else most}).fetchall()
    found: dict[tuple[int, str], list[Gap]] = {}
    for number, occurrence, reason, effect, what, mend, *rest in rows:
        gap = Gap(reason, effect, what, mend.replace("WEBINAR", str(number)), *rest)
        found.setdefault((number, occurrence), []).append(gap)
    return [_judged(date, found.get((date.webinar_id, date.occurrence_id), []), is_planned) for date in dates]


EFFECTS = ("all", "part", "later", "none")


def _judged(date: Audited, found: Iterable[Gap], is_planned: bool) -> Audited:
    """Return a date with its gaps, the gravest first, and the status that they and what is pending leave it.

    Args:
        is_planned: whether there was a plan; before the first one nothing can be there yet.
    """
    told = list(found)
    pending = sum(sum(gap.things.values()) for gap in told if gap.effect == "planned")
    gaps = sorted((gap for gap in told if gap.effect in EFFECTS), key=lambda gap: EFFECTS.index(gap.effect))
    status = date.status
    if status in ("synced", "waiting"):
        if any(gap.effect == "part" for gap in gaps):
            status = "partly synced"
        elif pending or not is_planned or any(gap.effect == "later" for gap in gaps):
            status = "waiting"
    return replace(date, status=status, pending=pending, gaps=tuple(gaps))
