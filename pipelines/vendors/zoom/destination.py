"""Zoom as a destination: people are registered for webinars (HZ-32), each in the account that has the webinar.

Facts, from https://developers.zoom.us/docs/api/meetings/#tag/webinars/POST/webinars/{webinarId}/registrants (read
2026-11):

- The same address again gives the same registrant and link, without an error; but each call counts (`budget.py`).
- A registrant has no key of ours. Whether a call without an answer arrived, the list of registrants tells.
- Where the host approves by hand, the link comes with the approval.
- Codes are overloaded: 3000 is "no registration", "full", "paid" or "a panelist"; the words tell them apart.
- Several writes to one webinar at once are refused with 429, so they go one after another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import duckdb
import msgspec
import orjson

from pipelines.errors import AuthError, QuotaError, RefusedError
from pipelines.events import iso
from pipelines.log import Log
from pipelines.publish.rows import Notebook, Outcome, Phase, Row
from pipelines.settings import Connection
from pipelines.vendors.reading import RecordReader
from pipelines.vendors.zoom.budget import CALLS_A_DAY, LATELY, Budget
from pipelines.vendors.zoom.client import LIGHT, MEDIUM, ZoomClient

STANDING = ("pending", "approved")
TOMORROW = f"Zoom takes {CALLS_A_DAY} registrations a day for one address; this one goes out after 00:00 UTC"
REFUSALS = (
    ("3027", "", "is the host of the webinar, and a host cannot register"),
    ("3000", "panelist", "is a panelist of the webinar, and has access without registering"),
    ("3000", "registration as required", "the webinar does not require registration; turn it on in Zoom"),
    ("3000", "paid", "the webinar's registration is paid, which Zoom's API does not take"),
    ("3000", "denied", "the host has denied this registration"),
    ("3034", "", "the webinar takes work addresses alone"),
    ("3038", "", "the webinar is over"),
    ("3001", "", "the webinar was deleted in Zoom"),
)
"""Code, a word of the message, and what it means: refusals that another try cannot mend."""
FULL = (("3000", "limit"), ("3043", ""), ("3035", ""))
PLACES = "the webinar is full; it is tried again each run"


class RegistrantKeys(msgspec.Struct, gc=False):
    """What we need of a registrant."""

    id: str | int | None = None
    email: str | None = None
    join_url: str | None = None


read_registrant = RecordReader(RegistrantKeys)


class ZoomDestination:
    """The connected Zoom accounts, to write to; the context of a row names its account."""

    name = "zoom"
    phases: tuple[Phase, ...] = (Phase("registration", ("create",), batch_size=1, at_once=1),)
    storage: Mapping[str, int] = {}
    reads: tuple[str, ...] = ()
    lasting: Mapping[str, str] = {"registration": "Zoom has told the person; cancel it in Zoom"}
    parts: Mapping[str, tuple[str, ...]] = {}
    returning: frozenset[str] = frozenset()

    def __init__(self, connections: Sequence[Connection]) -> None:
        self.clients = {connection.account: ZoomClient(connection) for connection in connections}
        self._budget = Budget()
        self._tried: set[str] = set()

    def begin(self, notebook: Notebook) -> None:
        """See in the book of what was sent before what is left of the day."""
        self._budget, self._tried = Budget(notebook.calls(LATELY)), set()

    def quota_left(self) -> int | None:
        """Return None: Zoom does not say."""
        return None

    def prepare(self, db: duckdb.DuckDBPyConnection) -> list[Row]:
        """Return nothing: registrants need nothing to be made before them."""
        return []

    def unknown(self, log: Log) -> list[str]:
        """Return what must have been read before it is known who is registered already."""
        return [
            f"zoom/{name} was never read, so nobody knows who may register"
            for name in ("users", "webinars", "registrants")
            if log.version("zoom", name) < 0
        ]

    def changed(self, rows: Sequence[Row]) -> list[dict[str, str | None] | None]:
        """Return what holds something else by now: nobody asks, since nothing that is sent here is taken back."""
        return [{} for _ in rows]

    def send(self, phase: Phase, rows: Sequence[Row]) -> list[Outcome]:
        """Register one person."""
        return [self._register(row) for row in rows]

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Look in the lists of registrants who is there, however they came."""
        found: dict[tuple[str, str], dict[str, RegistrantKeys]] = {}
        outcomes: list[Outcome] = []
        for row in rows:
            place = str(row.context["account"]), str(row.context["webinar_id"])
            if place not in found:
                found[place] = self._registered(*place)
            there = found[place].get(str(row.fields["email"]).strip().lower())
            if there is None:
                outcomes.append(Outcome(row, "not_done", reason="Zoom does not list this registrant"))
            else:
                outcomes.append(Outcome(row, "published", vendor_id=str(there.id), answered=_links(there.join_url)))
        return outcomes

    def _register(self, row: Row) -> Outcome:
        account, email = str(row.context["account"]), str(row.fields["email"])
        client = self.clients.get(account)
        if client is None:
            asked = ", ".join(self.clients)
            reason = f"Zoom account {account}, which has the webinar, is not connected; connected: {asked}"
            return Outcome(row, "waiting", reason=reason)
        if row.key in self._tried:
            return Outcome(row, "not_done", reason="no answer came; it is sent again by the next run")
        now, budget = client.now(), self._budget
        if not budget.take((account, email), now):
            return Outcome(row, "waiting", reason=TOMORROW)
        self._tried.add(row.key)
        chosen = row.context.get("occurrence_id")
        try:
            answer = client.post(
                f"/webinars/{quote(str(row.context['webinar_id']), safe='')}/registrants",
                doing="a registration",
                limit=LIGHT,
                params={"occurrence_ids": chosen} if chosen else None,
                json=_form(row),
            )
        except (RefusedError, QuotaError) as error:
            called = {"called_at": iso(client.now())}
            budget.was_called((account, email), now, client.now())
            if isinstance(error, QuotaError):
                if "registrant" not in str(error).partition("It said:")[2]:
                    raise
                budget.exhaust((account, email), client.now())
                return Outcome(row, "waiting", reason=TOMORROW, answered=called)
            if _is(error, FULL):
                return Outcome(row, "not_done", reason=PLACES, answered=called)
            return Outcome(row, "rejected", reason=_why(error, row), answered=called)
        budget.was_called((account, email), now, answer.at)
        told = answer.data if isinstance(answer.data, dict) else {}
        return Outcome(
            row,
            "published",
            vendor_id=str(told.get("registrant_id") or "") or None,
            answered={"called_at": iso(answer.at), **_links(told.get("join_url"))},
        )

    def _registered(self, account: str, webinar: str) -> dict[str, RegistrantKeys]:
        """Return the registrants of a webinar by address; nobody where there is no such webinar.

        Raises:
            VendorError: it cannot be asked.
        """
        found: dict[str, RegistrantKeys] = {}
        if account not in self.clients:
            raise AuthError(f"Zoom account {account} is not connected, so it cannot be asked.", vendor="zoom")
        client = self.clients[account]
        for status in STANDING:
            try:
                rows = client.listing(
                    f"/webinars/{quote(webinar, safe='')}/registrants",
                    "registrants",
                    doing=f"the {status} registrants of webinar {webinar}",
                    limit=MEDIUM,
                    params={"status": status},
                )
            except RefusedError as error:
                if error.status != 404 and (error.status, error.code) != (400, "3000"):
                    raise
                rows = []
            for raw in rows:
                keys = read_registrant(bytes(raw))
                found[str(keys.email or "").strip().lower()] = keys
        return found


def _form(row: Row) -> dict[str, Any]:
    """Return a row as Zoom's form takes it."""
    told = dict(row.fields)
    standard = orjson.loads(told.pop("questions", None) or b"{}")
    custom = orjson.loads(told.pop("custom_questions", None) or b"{}")
    form: dict[str, Any] = {name: value for name, value in {**told, **standard}.items() if value}
    if custom:
        form["custom_questions"] = [{"title": title, "value": value} for title, value in custom.items()]
    return form


def _links(join_url: Any) -> dict[str, str]:
    """Return the registrant's own link, which is a secret; nothing before the host has approved."""
    return {"join_url": join_url} if isinstance(join_url, str) and join_url else {}


def _is(error: RefusedError, signs: Sequence[tuple[str, str]]) -> bool:
    return any(error.code == code and word in str(error).lower() for code, word in signs)


def _why(error: RefusedError, row: Row) -> str:
    """Return what a refusal means, in our words where we know it, else in Zoom's."""
    for code, word, meaning in REFUSALS:
        if _is(error, ((code, word),)):
            return f"{row.fields['email']}: {meaning}" if meaning.startswith("is ") else meaning
    return str(error)
