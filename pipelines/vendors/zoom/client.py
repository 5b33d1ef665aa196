"""Zoom's API as we speak it: tokens, limits, what a refusal means, lists page by page.

Facts, from https://developers.zoom.us/docs/api/ and https://developers.zoom.us/docs/internal-apps/s2s-oauth/ (read
2026-11):

- Server-to-Server OAuth: a token lives one hour and is asked for again, there is no refresh token. An expired one is
  refused with 401, or with 400 and code 124.
- A missing scope is HTTP 400 with code 4711; the message lists the scopes of which one is needed.
- Limits are per account, for all its apps together (https://developers.zoom.us/docs/api/rate-limits/). Ours are those
  of Business and above; on a smaller plan the 429s slow us down. `Retry-After` is an ISO 8601 instant, on daily limits.
- `next_page_token` is "" at the end of a list, and dies after 15 minutes: then 400/300, and the list starts anew.
- A UUID that begins with `/` or contains `//` is percent-encoded twice in a path, any other once.
- Codes are overloaded: 200 is "no permission" or "no webinar plan", 300 is a dead page token or a wrong parameter.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
import orjson

from pipelines.errors import AuthError, CredentialsError, QuotaError, RefusedError, TransientError, VendorError
from pipelines.http import TRANSIENT_STATUSES, Answer, Api, ClientSecret, retry_after
from pipelines.rates import Rate
from pipelines.settings import Connection
from pipelines.vendors.reading import reads

LIGHT, MEDIUM, HEAVY = "light", "medium", "heavy"
SECOND_MS = 1_020
"""A second, and a little more: its clock and ours do not run alike."""
LIMITS = {LIGHT: [Rate(80, SECOND_MS)], MEDIUM: [Rate(60, SECOND_MS)], HEAVY: [Rate(40, SECOND_MS)]}
PAGE_SIZE = 300
RESTARTS = 3
"""A list whose page token died is begun again this often."""
SAME_PAGE = 5
"""A page may lead to one place this often before we give up; an empty page in the middle does it once or twice."""
LONGEST_LIFE_SECONDS = 86_400.0
RENEW_AT = 0.8
"""Share of a token's life after which a new one is asked for."""


class Page(msgspec.Struct, gc=False):
    """A page of any list; which of its lists is there depends on the path."""

    next_page_token: str | None = None
    total_records: int | None = None
    users: list[msgspec.Raw] | None = None
    webinars: list[msgspec.Raw] | None = None
    registrants: list[msgspec.Raw] | None = None
    panelists: list[msgspec.Raw] | None = None
    participants: list[msgspec.Raw] | None = None
    history_meetings: list[msgspec.Raw] | None = None


class TokenAnswer(msgspec.Struct, gc=False):
    """What the token endpoint answers."""

    access_token: str
    expires_in: float = 3600


read_token_answer = reads(TokenAnswer)
read_page = reads(Page)


def read_token(body: bytes) -> TokenAnswer:
    """Read what the token endpoint answers.

    Raises:
        ValueError: it is none, or gives a token that no header can bear.
    """
    told = read_token_answer(body)
    if not told.access_token or not all("!" <= letter <= "~" for letter in told.access_token):
        raise ValueError("the access token has characters that none has")
    return told


@dataclass(frozen=True)
class Token:
    """An access token, and when (by Zoom's clock) it is to be replaced."""

    value: str
    renew_at: datetime


_tokens: dict[tuple[str, str, str], Token] = {}
_tokens_lock = threading.Lock()


class ServerToServer:
    """Tokens of one app in one account, shared by all clients of this process.

    `clock` gives the time as Zoom told it, None before it did: a token is then sent as it is, and a refusal renews it.
    """

    def __init__(self, connection: Connection, clock: Callable[[], datetime | None]) -> None:
        host = connection.base_url if connection.is_sandboxed else "https://zoom.us"
        self._application = ClientSecret(connection.client_id, connection.client_secret)
        self._api = Api("zoom", host, self._application, classify_token)
        self._account = connection.account
        self._key = (connection.base_url, connection.account, connection.client_id)
        self._sent = threading.local()
        self._clock = clock

    def header(self) -> str:
        """Return a token that has some life left, and remember what this thread has sent."""
        with _tokens_lock:
            token, now = _tokens.get(self._key), self._clock()
            if token is None or (now is not None and now >= token.renew_at):
                token = _tokens[self._key] = self._ask()
        self._sent.value = token.value
        return f"Bearer {token.value}"

    def renew(self) -> bool:
        """Drop the token that this thread sent, unless another thread has replaced it already."""
        with _tokens_lock:
            token = _tokens.get(self._key)
            if token is not None and token.value == getattr(self._sent, "value", token.value):
                del _tokens[self._key]
        return True

    def secrets(self) -> Collection[str]:
        """Return the app's secret and the token in use."""
        token = _tokens.get(self._key)
        sent = getattr(self._sent, "value", "")
        return (*self._application.secrets(), sent, token.value if token else "")

    def _ask(self) -> Token:
        answer = self._api.call(
            "POST",
            "/oauth/token",
            doing="an access token",
            params={"grant_type": "account_credentials", "account_id": self._account},
            decode=read_token,
        )
        told: TokenAnswer = answer.data
        lives = min(max(told.expires_in, 0.0), LONGEST_LIFE_SECONDS)
        return Token(told.access_token, answer.at + timedelta(seconds=lives * RENEW_AT))


class ZoomClient:
    """Zoom at one account. `now()` is Zoom's clock."""

    def __init__(self, connection: Connection) -> None:
        self.credentials = ServerToServer(connection, lambda: self.api.now() if self.api.called else None)
        self.api = Api("zoom", connection.base_url, self.credentials, classify, limits=LIMITS)

    def now(self) -> datetime:
        """Return Zoom's clock, as its last answer told it; it is asked where it has told nothing yet."""
        if not self.api.called:
            self.call(
                "GET", "/users", doing="the time", limit=MEDIUM, params={"page_size": 1}, accept=(400, 401, 403, 404)
            )
        return self.api.now()

    def call(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        limit: str = LIGHT,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        accept: Collection[int] = (),
        repeatable: bool = True,
        decode: Callable[[bytes], Any] = orjson.loads,
    ) -> Answer:
        """Send one request below `/v2`; see `Api.call`."""
        return self.api.call(
            method,
            f"/v2{path}",
            doing=doing,
            limit=limit,
            params=params,
            json=json,
            accept=accept,
            repeatable=repeatable,
            decode=decode,
        )

    def get(self, path: str, **how: Any) -> Answer:
        """Read what stands at a path."""
        return self.call("GET", path, **how)

    def post(self, path: str, **how: Any) -> Answer:
        """Create something; not repeated when nobody knows whether it was done, unless told `repeatable=True`."""
        return self.call("POST", path, **{"repeatable": False, **how})

    def put(self, path: str, **how: Any) -> Answer:
        """Set something."""
        return self.call("PUT", path, **how)

    def patch(self, path: str, **how: Any) -> Answer:
        """Change something."""
        return self.call("PATCH", path, **how)

    def delete(self, path: str, **how: Any) -> Answer:
        """Remove something."""
        return self.call("DELETE", path, **how)

    def listing(
        self, path: str, rows: str, *, doing: str, limit: str, params: Mapping[str, Any] | None = None
    ) -> list[msgspec.Raw]:
        """Return a list to its end. A list whose page token dies on the way is read again from the start.

        Raises:
            VendorError: it cannot be read whole.
        """
        for _ in range(RESTARTS):
            try:
                return self._listing(path, rows, doing, limit, params or {})
            except RefusedError as error:
                if not is_dead_page_token(error):
                    raise
        return self._listing(path, rows, doing, limit, params or {})

    def _listing(self, path: str, rows: str, doing: str, limit: str, params: Mapping[str, Any]) -> list[msgspec.Raw]:
        def decode(body: bytes) -> Page:
            page = read_page(body)
            if getattr(page, rows) is None and page.total_records != 0:
                raise ValueError(f"{rows} is missing")
            return page

        found: list[msgspec.Raw] = []
        asked = {"page_size": PAGE_SIZE, **params}
        seen: dict[str, int] = {}
        while True:
            page: Page = self.call("GET", path, doing=doing, limit=limit, params=asked, decode=decode).data
            found += getattr(page, rows) or []
            token = page.next_page_token
            if not token:
                return found
            seen[token] = seen.get(token, 0) + 1
            if seen[token] > SAME_PAGE:
                raise TransientError(
                    f"zoom gave {doing} with a page that leads back to itself. It is read again next run.",
                    vendor="zoom",
                )
            asked = {**asked, "next_page_token": token}


def uuid_in_path(uuid: str) -> str:
    """Percent-encode a session's UUID as Zoom wants it in a path."""
    once = quote(uuid, safe="")
    return quote(once, safe="") if uuid.startswith("/") or "//" in uuid else once


def code_of(answer: Answer) -> str:
    """Return Zoom's error code as text, "" where there is none."""
    code = answer.data.get("code") if isinstance(answer.data, dict) else None
    return "" if code is None else str(code)


def is_dead_page_token(error: VendorError) -> bool:
    """Tell whether a list was refused only because its page token has died."""
    return error.status == 400 and error.code == "300" and "page token" in str(error).lower()


def is_not_allowed(error: VendorError) -> bool:
    """Tell whether a refusal is for want of permission (code 200 alone also means: no webinar plan)."""
    return error.code in ("200", "12703") and "permission" in str(error).lower()


def has_no_plan(error: VendorError) -> bool:
    """Tell whether a user was refused for having no webinar plan."""
    return error.code == "200" and "plan" in str(error).lower()


def classify(answer: Answer, doing: str) -> VendorError:
    """Return the error that an answer of the API deserves."""
    status, code = answer.status, code_of(answer)
    said = str(answer.data.get("message", "")) if isinstance(answer.data, dict) else ""
    if code == "4711":
        listed = re.search(r"\[([^\]]*)\]", said)
        names = ", ".join(name.strip() for name in listed[1].split(",")) if listed else "those its message names"
        return AuthError(
            f"A scope is missing. Add one of these to the app in the Zoom App Marketplace, then run again: {names}.",
            vendor="zoom",
            status=status,
            code=code,
        )
    if status == 401 or code == "124":
        return CredentialsError(
            "The access token is refused. Check ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET.",
            vendor="zoom",
            status=status,
            code=code,
        )
    if status == 429:
        return QuotaError(
            "The limit is used up; it is tried again when it opens.",
            vendor="zoom",
            code=code,
            retry_at=_opens_at(answer, said),
        )
    if status in TRANSIENT_STATUSES:
        return TransientError(
            "Zoom has a fault of its own; another try may help.", vendor="zoom", status=status, code=code
        )
    return RefusedError("Asking again cannot help.", vendor="zoom", status=status, code=code)


def _opens_at(answer: Answer, said: str) -> datetime:
    told = retry_after(answer.headers.get("Retry-After"), answer.at)
    if told is not None:
        return told
    is_daily = "daily" in answer.headers.get("X-RateLimit-Type", "").lower() or "daily" in said.lower()
    if is_daily:
        return answer.at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return answer.at + timedelta(seconds=1)


def classify_token(answer: Answer, doing: str) -> VendorError:
    """Return the error that an answer of the token endpoint deserves."""
    if answer.status in (400, 401, 403):
        return CredentialsError(
            "Check ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET, and that the app is activated.",
            vendor="zoom",
            status=answer.status,
            code=code_of(answer),
        )
    return classify(answer, doing)
