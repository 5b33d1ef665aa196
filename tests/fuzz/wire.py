"""Vendors' answers, written down once at the sandbox and then given without a network, any of them bent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import orjson
import pyarrow as pa
import requests
from requests.structures import CaseInsensitiveDict

from pipelines.events import EVENT_SCHEMA, Batch, Record, Stream, digest
from pipelines.http import Api
from pipelines.ingest import IngestReceipt, Source, ingest
from pipelines.log import AppendReceipt
from pipelines.sandbox import Sandbox
from pipelines.settings import Settings
from pipelines.vendors.hubspot.client import client_of
from pipelines.vendors.registry import sources
from pipelines.vendors.zoom import client as zoom_client
from tests.worlds import contact, email_event, form, joined, registrant, series, session, webinar, world

PEOPLE = [f"p{number}@x.example" for number in range(5)]
SETTINGS = Settings.model_validate({"ingest": {"years": 1, "at_once": 2}})
LISTS = (
    *("users", "webinars", "registrants", "panelists", "participants", "history_meetings"),
    *("results", "events"),
)
"""Under these names pages hold their records."""
Key = tuple[str, str, Any, Any]


@dataclass(frozen=True)
class Told:
    """One answer, and the stream that was read when it came."""

    stream: str
    key: Key
    status: int
    headers: Mapping[str, str]
    content: bytes

    def rows(self) -> tuple[str, list[Any]]:
        """The name of its list, and what the list has."""
        told = orjson.loads(self.content) if self.content else None
        names = [name for name in LISTS if isinstance(told, dict) and isinstance(told.get(name), list)]
        return (names[0], told[names[0]]) if names else ("", [])


@dataclass
class Script:
    """What a vendor answers: what is written down for exactly this question, or for its path, or that there is none."""

    told: list[Told] = field(default_factory=list)
    bent: Told | None = None

    def __post_init__(self) -> None:
        self.by_key = {one.key: one for one in self.told}
        self.by_path = {one.key[:2]: one for one in reversed(self.told)}

    def answer(self, key: Key) -> Told:
        if self.bent is not None and key == self.bent.key:
            return self.bent
        found = self.by_key.get(key) or self.by_path.get(key[:2])
        return found or Told(
            "", key, 404, {}, b'{"code":3001,"category":"OBJECT_NOT_FOUND","message":"It is not there."}'
        )


class Session:
    """Stands where `requests` does."""

    def __init__(self, script: Script) -> None:
        self.script = script

    def request(self, method: str, url: str, **how: Any) -> requests.Response:
        told = self.script.answer(key_of(method, url, how))
        response = requests.Response()
        response.status_code = told.status
        response.headers = CaseInsensitiveDict(told.headers)
        response._content = told.content
        return response


def key_of(method: str, url: str, how: Mapping[str, Any]) -> Key:
    """A question, whoever is asked and by whom."""
    params = how.get("params") or ()
    pairs = params.items() if isinstance(params, Mapping) else params
    return (method, "/" + url.split("/", 3)[3], tuple((str(name), str(one)) for name, one in pairs), how.get("data"))


class Pad:
    """Takes batches as the log does and looks at each record, without a table."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, bytes]] = {}
        self.scopes: dict[tuple[str, str, str], str] = {}
        self.cursors_: dict[tuple[str, str], dict[str, Any]] = {}
        self.versions: dict[tuple[str, str], int] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        yield

    def version(self, source: str, stream: str) -> int:
        return self.versions.get((source, stream), -1)

    def latest(self, source: str, stream: str, _account: str | None = None) -> dict[str, Any]:
        return {key: orjson.loads(content) for key, content in self.rows.get((source, stream), {}).items()}

    def cursor(self, source: str, stream: str, _account: str) -> dict[str, Any] | None:
        return self.cursors_.get((source, stream))

    def query(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def append(self, source: str, account: str, stream: Stream, batch: Batch, *, run: str) -> AppendReceipt:
        assert batch.at is not None
        pa.Table.from_pylist([_row(one, account, run, batch) for one in batch.records], schema=EVENT_SCHEMA)
        kept = self.rows.setdefault((source, stream.name), {})
        present = {one.key for one in batch.records} | set(batch.also_present)
        for key in [key for key in kept if key not in present]:
            if self.scopes.get((source, stream.name, key)) in set(batch.complete_scopes):
                del kept[key]
        for one in batch.records:
            self.scopes[source, stream.name, one.key] = one.scope
            if one.kind == "seen":
                kept[one.key] = one.payload
            else:
                kept.pop(one.key, None)
        if batch.cursor is not None:
            self.cursors_[source, stream.name] = orjson.loads(orjson.dumps(batch.cursor))
        self.versions[source, stream.name] = self.version(source, stream.name) + 1
        return AppendReceipt(len(batch.records), len(batch.records))


def _row(record: Record, account: str, run: str, batch: Batch) -> dict[str, Any]:
    content = digest(record.payload)
    told: dict[str, Any] = {"key": record.key, "scope": record.scope, "kind": record.kind, "account": account}
    told |= {"event_id": content, "digest": content, "batch": run, "observed_at": batch.at}
    return told | {"occurred_at": record.occurred_at, "payload": record.payload.decode() or None}


def company() -> dict[str, Any]:
    """A small world in which every endpoint that we read has something to say."""
    rows = [joined(email, "10:00", "10:40") for email in PEOPLE]
    first = webinar(
        84_000_000_001,
        registrants=[registrant(email) for email in PEOPLE],
        panelists=[{"id": "s1", "email": "pan@host.example", "name": "Pan"}, {"id": "s2", "email": "q@x.example"}],
        instances=[session("u1==", "10:00", "11:00", rows, recordings={"recording_files": [{"file_type": "MP4"}]})],
    )
    second = series(
        84_000_000_002,
        ["2026-11-10", "2026-11-25"],
        settings={"approval_type": 0, "registration_type": 2},
        registrants=[registrant(email) for email in PEOPLE[:3]],
        instances=[session("/u2//", "10:05", "10:50", rows[:3])],
    )
    return world(
        first,
        second,
        contacts=[
            *(contact(501 + number, email) for number, email in enumerate(PEOPLE)),
            contact(509, "o@x.example", archived=True),
        ],
        users=[{"id": f"host{number}", "email": f"h{number}@host.example", "type": 2} for number in (1, 2, 3)],
        owners=[{"id": "1", "email": "o@p.example"}, {"id": "2", "email": "q@p.example"}],
        forms=[form("f1", [(email, "2026-11-09T10:00:00Z") for email in PEOPLE]), form("f2", [])],
        email_events=[email_event("OPEN", email, 1, "2026-11-08T10:00:00Z") for email in PEOPLE],
    )


def connected(vendor: str, environment: Mapping[str, str]) -> Source:
    """A source that remembers nothing of those before, and never sleeps."""
    client_of.cache_clear()
    zoom_client._tokens.clear()
    mine = {name: value for name, value in environment.items() if name.startswith(vendor.upper())}
    (source,) = sources(SETTINGS, mine)
    apis = [source.client.api]  # type: ignore[attr-defined]
    if vendor == "zoom":
        apis.append(source.client.credentials._api)  # type: ignore[attr-defined]
    for api in apis:
        api.sleep = lambda _: None
        api.tries = 2
    return source


def written_down(vendor: str) -> tuple[Script, Pad, dict[str, str]]:
    """Read the small world once: what was answered, what came of it, and how the vendor is reached."""
    found: list[Told] = []
    stream = ""
    ask = requests.Session.request

    def note(self: requests.Session, method: str, url: str, **how: Any) -> requests.Response:
        response = ask(self, method, url, **how)
        headers = {name: value for name, value in response.headers.items() if name.lower() != "content-length"}
        found.append(Told(stream, key_of(method, url, how), response.status_code, headers, response.content))
        return response

    pad = Pad()
    with Sandbox(company()) as sandbox, patch.object(requests.Session, "request", note):
        environment = dict(sandbox.environment)
        source = connected(vendor, environment)
        for one in source.streams:
            stream = one.name
            receipt = ingest(source, pad, run="r", streams=[one.name])  # type: ignore[arg-type]
            assert receipt.failed == {}, receipt.failed
            assert receipt.notes == [], receipt.notes
    return Script(found), pad, environment


def read(vendor: str, script: Script, pad: Pad, environment: Mapping[str, str], streams: list[str]) -> IngestReceipt:
    """Read streams at a vendor that answers by a script."""
    with patch.object(Api, "_session", lambda _: Session(script)):
        return ingest(connected(vendor, environment), pad, run="r", streams=streams)  # type: ignore[arg-type]


def with_bent(script: Script, told: Told, **how: Any) -> Script:
    """The same script, in which one answer is another."""
    return replace(script, bent=replace(told, **how))
