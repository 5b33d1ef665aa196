"""What is read of Marketo: channels, programs, activities, and of the people those who are members of events.

Facts, from https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/ (read 2026-11):

- A list of programs tells neither tags nor dates: a program that is new or was changed is read by its id.
- Members are asked for by status, or by when they changed, seven days at most and without fractions of a second. `seq`
  is a place in the answer and no part of the record, so it is left out.
- Rows of the log can be committed after the date that they bear, behind the token that went past it. So the chain of
  tokens goes on from reading to reading, and once in `reconcile_hours` two days are read again.
- There is no list of all leads. Who was deleted is told for 14 days; later only an id that no longer answers tells it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import orjson

from pipelines.errors import RefusedError
from pipelines.events import Batch, Record, iso, utc
from pipelines.log import Log
from pipelines.settings import Ingest
from pipelines.vendors.marketo.client import PAGE, MarketoClient
from pipelines.vendors.reading import BATCH, Notes, RecordReader, Whole, batches, instant, payload

KINDS = (
    "Change Status in Progression",
    "Change Program Member Data",
    "Merge Leads",
    "New Lead",
    "Fill Out Form",
    "Unsubscribe Email",
    "Open Email",
    "Click Email",
    "Interesting Moment",
    "Push Lead to Marketo",
)
"""Which activities are read, by the names of their types; a call takes ten types."""
OF_MEMBERS = KINDS[:2]
EVENTS = frozenset({"event", "event with webinar", "webinar"})
"""The types of program whose members are read."""
LEAD_FIELDS = ("email", "firstName", "lastName", "company", "phone", "createdAt", "updatedAt")
MEMBER_FIELDS = ("statusName", "statusReason", "reachedSuccessDate", "webinarUrl", "registrationCode", "updatedAt")
WEEK = timedelta(days=7)
AGAIN = timedelta(days=2)
"""How much of the log is read once more."""
REMEMBERED = timedelta(days=13)
"""How long ago the last reading may be for deletions to be told; Marketo keeps them for 14 days."""


class Keys(msgspec.Struct, gc=False):
    """What we need of a record."""

    id: int | None = None
    name: str | None = None
    type: str | None = None
    channel: str | None = None
    updatedAt: str | None = None
    leadId: int | None = None
    marketoGUID: str | None = None
    activityDate: str | None = None


read_keys = RecordReader(Keys)


class Run:
    """One reading of an instance: the client, the settings, and what a person should know of it."""

    def __init__(self, client: MarketoClient, ingest: Ingest, notes: Notes) -> None:
        self.client = client
        self.ingest = ingest
        self.notes = notes
        self.account = client.account
        self._has_begun = False

    def now(self) -> datetime:
        """Return Marketo's clock, as its last answer told it; it is asked once a run."""
        if not self._has_begun:
            self.client.get("/rest/v1/stats/usage.json", doing="how often the instance was called today")
            self._has_begun = True
        return self.client.api.now()

    @property
    def overlap(self) -> timedelta:
        """How much of what was read before is read again."""
        return timedelta(minutes=self.ingest.overlap_minutes)

    def is_due(self, last: object) -> bool:
        """Whether what is compared once in `reconcile_hours` should be compared now."""
        return not last or self.now() - utc(str(last)) >= timedelta(hours=self.ingest.reconcile_hours)

    def beginning(self) -> str:
        """Return the token of the first reading."""
        return self.client.token_since(self.now() - timedelta(days=365 * self.ingest.years))


def stamp(text: str | None, otherwise: datetime) -> datetime:
    """Read an instant in either of Marketo's forms; assets have `Z+0000`, which is no ISO 8601."""
    return instant((text or "").removesuffix("+0000") if (text or "").endswith("Z+0000") else text) or otherwise


def channels(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the channels with their statuses and steps."""
    yield _states(run, run.client.assets("/rest/asset/v1/channels.json", doing="the channels"), "channels")


def activity_types(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read which number each type of activity has here."""
    rows = iter(run.client.get("/rest/v1/activities/types.json", doing="the types of activities").result)
    yield _states(run, rows, "types of activities")


def _states(run: Run, rows: Iterator[msgspec.Raw], what: str) -> Batch:
    now = run.now()
    records = []
    for raw in rows:
        content = payload(raw)
        keys = read_keys(content)
        if keys.id is None:
            run.notes.left_out(f"marketo: {what}", "an id")
        else:
            records.append(Record(str(keys.id), stamp(keys.updatedAt, now), content))
    return Batch(records, complete_scopes=("",), at=now)


def programs(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the list of programs, and each one that is new or changed; once in `reconcile_hours` each one there is."""
    state, now = dict(cursor or {}), run.now()
    is_whole = run.is_due(state.get("whole_at"))
    since = utc(str(state["read_to"])) - run.overlap if "read_to" in state else None
    sql = "select distinct key from events where account = $account"
    known = {key for (key,) in log.query("marketo", "programs", sql, {"account": run.account})}
    records: list[Record] = []
    present: list[str] = []
    for raw in run.client.assets("/rest/asset/v1/programs.json", doing="the list of programs"):
        keys = read_keys(payload(raw))
        if keys.id is None:
            run.notes.left_out("marketo: programs", "an id")
            continue
        key, changed = str(keys.id), stamp(keys.updatedAt, now)
        if is_whole or since is None or key not in known or changed >= since:
            found = run.client.get(f"/rest/asset/v1/program/{key}.json", doing=f"program {key}").result
            contents = map(payload, found)
            records += [Record(key, changed, content) for content in contents if read_keys(content).id == keys.id]
        present.append(key)
    done = {"read_to": iso(now), "whole_at": iso(now) if is_whole else state["whole_at"]}
    yield Batch(records, done, complete_scopes=("",), also_present=present, at=now)


def activities(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the log of activities from where the last reading ended, and now and then what was committed late."""
    state, now = dict(cursor or {}), run.now()
    numbers = kinds(log, run.account, KINDS)
    params = {"activityTypeIds": ",".join(map(str, numbers)), "batchSize": PAGE}
    is_due = run.is_due(state.get("again_at"))
    again_at = iso(now) if is_due else str(state["again_at"])
    token = str(state.get("token") or run.beginning())
    is_first = "token" not in state
    for batch, following in _log(run, token, params):
        token = following
        yield Batch(batch, {"token": token, "again_at": str(state.get("again_at", again_at))}, at=run.now())
    if is_due and not is_first:
        for batch, _ in _log(run, run.client.token_since(now - AGAIN), params):
            yield Batch(batch, at=run.now())
    yield Batch((), {"token": token, "again_at": again_at}, at=run.now())


def _log(run: Run, token: str, params: Mapping[str, Any]) -> Iterator[tuple[list[Record], str]]:
    """Yield batches of activities, each with the token behind it."""
    records: list[Record] = []
    pages = run.client.log("/rest/v1/activities.json", token, params, doing="the log of activities")
    for rows, following in pages:
        token = following
        for raw in rows:
            content = payload(raw)
            keys = read_keys(content)
            if not keys.marketoGUID:
                run.notes.left_out("marketo: activities", "a marketoGUID")
                continue
            records.append(Record(keys.marketoGUID, stamp(keys.activityDate, run.now()), content))
        if len(records) >= BATCH:
            yield records, token
            records = []
    yield records, token


def kinds(log: Log, account: str, names: tuple[str, ...]) -> list[int]:
    """Return the numbers that types of activities have here, by their names."""
    told = log.latest("marketo", "activity_types", account).values()
    return [int(one["id"]) for one in told if one.get("name") in names]


def members(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the members of events: all of those not read before, and then where the log says that something happened.

    Once in `reconcile_hours` all members are read, which alone tells who was taken out.
    """
    state, now = dict(cursor or {}), run.now()
    version = log.version("marketo", "activities")
    is_whole = run.is_due(state.get("whole_at"))
    moved = _moved(run, log, int(state.get("activities", -1)))
    since = utc(str(state["read_to"])) - run.overlap if "read_to" in state else None
    read: set[str] = set(map(str, state.get("programs", ())))
    statuses = _statuses(log, run.account)
    events = {
        key: program
        for key, program in log.latest("marketo", "programs", run.account).items()
        if str(program.get("type")).lower() in EVENTS
    }

    def wholes() -> Iterator[Whole]:
        for key, program in events.items():
            if is_whole or since is None or key not in read or now - since > WEEK:
                yield _everybody(run, key, statuses.get(str(program.get("channel")), ()))
            elif moved is None or key in moved:
                ends = {"startAt": _second(since), "endAt": _second(now)}
                yield Whole(key, _members(run, key, {"filterType": "updatedAt", **ends}), is_complete=False)

    yield from batches(wholes(), run.now)
    whole_at = iso(now) if is_whole else state["whole_at"]
    done = {"read_to": iso(now), "whole_at": whole_at, "activities": version, "programs": sorted(events)}
    yield Batch((), done, at=run.now())


def _moved(run: Run, log: Log, version: int) -> set[str] | None:
    """Return the programs of whose members the log has told something since its version; None where that is unknown."""
    files = log.files_since("marketo", "activities", version)
    numbers = kinds(log, run.account, OF_MEMBERS)
    if files is None or not numbers:
        return None
    sql = """
        select distinct json_extract_string(payload, '$.primaryAttributeValueId') from events
        where account = $account and list_contains($numbers, json_extract_string(payload, '$.activityTypeId'))
    """
    told = {"account": run.account, "numbers": [str(number) for number in numbers]}
    return {str(found) for (found,) in log.query("marketo", "activities", sql, told, files=files)} if files else set()


def _statuses(log: Log, account: str) -> dict[str, tuple[str, ...]]:
    """Return the names of the statuses of each channel."""
    return {
        str(channel.get("name")): tuple(
            str(one["name"])
            for one in channel.get("progressionStatuses") or ()
            if isinstance(one, dict) and one.get("name")
        )
        for channel in log.latest("marketo", "channels", account).values()
    }


def _everybody(run: Run, program: str, statuses: tuple[str, ...]) -> Whole:
    """Read all members of a program, by all the statuses that they can have."""
    names = [name for name in statuses if "," not in name]
    wanted = {"filterType": "statusName", "filterValues": ",".join(names)}
    if len(names) < len(statuses):
        run.notes.once(
            f"marketo: program {program} has statuses with a comma in their names, by which nobody can be asked for. "
            "Rename them in the channel; until then such members are read when they change."
        )
    try:
        records = _members(run, program, wanted) if names else []
    except RefusedError as error:
        run.notes.once(f"marketo: the members of program {program} were left out of this reading: {error}")
        return Whole(program, (), is_complete=False)
    return Whole(program, records, is_complete=len(names) == len(statuses))


def _members(run: Run, program: str, wanted: Mapping[str, str]) -> list[Record]:
    path, records = f"/rest/v1/programs/{program}/members.json", {}
    params = {**wanted, "fields": ",".join(MEMBER_FIELDS)}
    for raw in run.client.rows(path, params, doing=f"the members of program {program}"):
        content = payload(raw)
        keys = read_keys(content)
        if keys.leadId is None:
            run.notes.left_out("marketo: members", "a lead")
            continue
        told = orjson.loads(content)
        told.pop("seq", None)
        content = orjson.dumps(told)
        key = f"{program}-{keys.leadId}"
        records[key] = Record(key, stamp(keys.updatedAt, run.now()), content, scope=program)
    return list(records.values())


def _second(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def leads(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the leads that are members: those not read before, those that changed, and now and then all of them."""
    state, now = dict(cursor or {}), run.now()
    known = {int(key) for key in log.latest("marketo", "leads", run.account)}
    wanted = {int(row["leadId"]) for row in log.latest("marketo", "members", run.account).values()}
    is_whole = run.is_due(state.get("whole_at")) or now - utc(str(state["read_to"])) > REMEMBERED
    changed, tokens = _changed(run, state.get("tokens") or {})
    asked = sorted(wanted | known if is_whole else (wanted - known) | (changed & (wanted | known)))
    for at in range(0, len(asked), PAGE):
        numbers = asked[at : at + PAGE]
        params = {"filterType": "id", "filterValues": ",".join(map(str, numbers)), "fields": ",".join(LEAD_FIELDS)}
        records = []
        for raw in run.client.rows("/rest/v1/leads.json", params, doing=f"{len(numbers):,} leads"):
            content = payload(raw)
            keys = read_keys(content)
            if keys.id is not None:
                records.append(Record(str(keys.id), stamp(keys.updatedAt, now), content))
        gone = {number for number in numbers if number in known} - {int(record.key) for record in records}
        records += [Record(str(number), now, b"", kind="absent", follows=True) for number in sorted(gone)]
        yield Batch(records, at=run.now())
    whole_at = iso(now) if is_whole else state["whole_at"]
    yield Batch((), {"read_to": iso(now), "whole_at": whole_at, "tokens": tokens}, at=run.now())


def _changed(run: Run, tokens: Mapping[str, str]) -> tuple[set[int], dict[str, str]]:
    """Return whose fields changed and who was deleted since, and from where both are read next."""
    found: set[int] = set()
    ends: dict[str, str] = {}
    fields = {"fields": ",".join(LEAD_FIELDS[:5]), "batchSize": PAGE}
    for name, params, doing in (
        ("leadchanges", fields, "the changes of leads"),
        ("deletedleads", {"batchSize": PAGE}, "the deleted leads"),
    ):
        ends[name] = tokens.get(name) or run.client.token_since(run.now() - run.overlap)
        for rows, following in run.client.log(f"/rest/v1/activities/{name}.json", ends[name], params, doing=doing):
            ends[name] = following
            found |= {keys.leadId for keys in map(read_keys, map(payload, rows)) if keys.leadId is not None}
    return found, ends
