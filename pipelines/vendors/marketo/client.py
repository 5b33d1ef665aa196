"""Marketo's API as we speak it: tokens, limits, what a refusal at HTTP 200 means, pages of three kinds.

Facts, from https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/ (authentication, error-codes,
marketo-integration-best-practices; read 2026-11):

- Whoever asks for a token again before its end gets the same one, with the seconds that are left of it.
- Most refusals come at HTTP 200 with `success: false` and a code (ZM-14); no header tells of a limit.
- 100 calls in 20 seconds, ten at once, a number of calls each day until midnight in the time zone America/Chicago;
  all programs that use the instance share them. A call that is refused for the first two can come again soon.
- The lead database pages by tokens, assets by offsets of at most 200, the log of activities along a chain of tokens:
  there a page may be short or empty, and `moreResult` alone says whether it goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from pipelines.errors import AuthError, CredentialsError, QuotaError, RefusedError, TransientError, VendorError
from pipelines.http import TRANSIENT_STATUSES, Answer, Api
from pipelines.rates import Rate
from pipelines.settings import Connection
from pipelines.vendors.reading import reads

WINDOW_SECONDS = 20
LIMITS = {"": [Rate(50, WINDOW_SECONDS * 1000)]}
"""Half of what is allowed: other programs use the instance too."""
AT_ONCE = 5
SPARE_SECONDS = 10
"""A token with less than this left is waited out, and no call is begun with it."""
TOKENS_ASKED = 3
PAGE = 300
ASSET_PAGE = 200
MOST_STILL = 5
"""How often a page of the log may lead to its own beginning before the reading is given up."""
CENTRAL = ZoneInfo("America/Chicago")
TOKEN_CODES = frozenset({"601", "602"})
PASSING = frozenset({"502", "604", "608", "611", "713", "719"})
MUNCHKIN = ".mktorest.com"


class TokenAnswer(msgspec.Struct, gc=False):
    """What identity answers."""

    access_token: str
    expires_in: float


class Reason(msgspec.Struct, gc=False):
    """Why a call was refused."""

    code: str | int = ""
    message: str = ""


def first_code(reasons: Sequence[Reason]) -> str:
    """Return the code of the first reason, "" where there is none."""
    return str(reasons[0].code) if reasons else ""


def words_of(reasons: Sequence[Reason]) -> str:
    """Return Marketo's words, "" where it gave none."""
    return "; ".join(f"{reason.code}: {reason.message}" for reason in reasons)


class Envelope(msgspec.Struct, gc=False):
    """What stands around every answer but identity's."""

    success: bool
    errors: list[Reason] = []
    result: list[msgspec.Raw] = []
    nextPageToken: str | None = None
    moreResult: bool = False


read_token = reads(TokenAnswer)
read_envelope = reads(Envelope)


@dataclass
class Service:
    """The custom service's own secret, which identity asks for in a form."""

    connection: Connection

    def header(self) -> str:
        """Return nothing: identity takes no `Authorization`."""
        return ""

    def renew(self) -> bool:
        """Tell that there is nothing newer."""
        return False

    def secrets(self) -> Collection[str]:
        """Return the secret."""
        return (self.connection.client_secret,)


class Session:
    """The token of one custom service, for all threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._api = Api("marketo", origin(connection), Service(connection), classify_token)
        self._lock = threading.Lock()
        self._sent = threading.local()
        self._token = ""
        self._ends = 0.0

    def header(self) -> str:
        """Return the value of `Authorization`, and remember what this thread has sent."""
        with self._lock:
            if not self._token or time.monotonic() > self._ends - SPARE_SECONDS:
                self._ask()
            self._sent.value = self._token
        return f"Bearer {self._sent.value}"

    def renew(self) -> bool:
        """Drop the token that this thread sent, unless another thread has replaced it already."""
        with self._lock:
            if self._token == getattr(self._sent, "value", ""):
                self._token = ""
        return True

    def secrets(self) -> Collection[str]:
        """Return the service's secret and the token in use."""
        return (self._connection.client_secret, getattr(self._sent, "value", ""), self._token)

    def _ask(self) -> None:
        """Ask for a token; one that is nearly over is waited out, since asking again gives the same."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._connection.client_id,
            "client_secret": self._connection.client_secret,
        }
        for asked in range(TOKENS_ASKED):
            path = "/identity/oauth/token"
            told: TokenAnswer = self._api.call("POST", path, doing="an access token", form=form, decode=read_token).data
            self._token, self._ends = told.access_token, time.monotonic() + told.expires_in
            if told.expires_in > SPARE_SECONDS or asked + 1 == TOKENS_ASKED:
                return
            self._api.sleep(max(told.expires_in, 0.0) + 1)


class MarketoClient:
    """Marketo at one instance."""

    def __init__(self, connection: Connection) -> None:
        self.session = Session(connection)
        self._running = threading.BoundedSemaphore(AT_ONCE)
        self.account = munchkin(connection)
        self.api = Api("marketo", origin(connection), self.session, classify, limits=LIMITS, refuses=_is_refused)

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, doing: str) -> Envelope:
        """Read what stands at a path.

        A long query goes as a form, which the method override makes a reading of: an address has 8 KB at most.

        Raises:
            VendorError: it was refused, by its status or by its code.
        """
        asked = {name: str(value) for name, value in (params or {}).items() if value is not None}
        with self._running:
            if sum(map(len, asked.values())) > 2_000:
                answer = self.api.call(
                    "POST", path, doing=doing, params={"_method": "GET"}, form=asked, decode=read_envelope
                )
            else:
                answer = self.api.call("GET", path, doing=doing, params=asked, decode=read_envelope)
        found: Envelope = answer.data
        return found

    def post(
        self, path: str, *, doing: str, json: Any = None, form: Mapping[str, str] | None = None, repeatable: bool = True
    ) -> Envelope:
        """Write what stands at a path; what the answer says of each record is for the caller to read (ZM-14).

        Raises:
            UnknownOutcomeError: it is not repeatable, was sent, and nobody knows whether it was done.
            VendorError: it was refused whole, by its status or by its code.
        """
        with self._running:
            answer = self.api.call(
                "POST", path, doing=doing, json=json, form=form, repeatable=repeatable, decode=read_envelope
            )
        found: Envelope = answer.data
        return found

    def delete(self, path: str, *, doing: str, json: Any) -> Envelope:
        """Take away what a body names behind a path; as `post`."""
        with self._running:
            answer = self.api.call("DELETE", path, doing=doing, json=json, decode=read_envelope)
        found: Envelope = answer.data
        return found

    def rows(self, path: str, params: Mapping[str, Any], *, doing: str) -> Iterator[msgspec.Raw]:
        """Yield the records of the lead database behind a path, page by page."""
        token: str | None = None
        while True:
            page = self.get(path, {**params, "batchSize": PAGE, "nextPageToken": token}, doing=doing)
            yield from page.result
            if not page.nextPageToken:
                return
            if page.nextPageToken == token and not page.result:
                raise _in_circles(doing)
            token = page.nextPageToken

    def assets(self, path: str, *, doing: str) -> Iterator[msgspec.Raw]:
        """Yield the assets behind a path; the page past the end has no `result`."""
        offset = 0
        while page := self.get(path, {"maxReturn": ASSET_PAGE, "offset": offset}, doing=doing).result:
            yield from page
            offset += ASSET_PAGE

    def token_since(self, since: datetime) -> str:
        """Return the token from which the log of activities is read."""
        params = {"sinceDatetime": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
        doing = f"a place in the log of activities at {params['sinceDatetime']}"
        return self.get("/rest/v1/activities/pagingtoken.json", params, doing=doing).nextPageToken or ""

    def log(
        self, path: str, token: str, params: Mapping[str, Any], *, doing: str
    ) -> Iterator[tuple[list[msgspec.Raw], str]]:
        """Yield the pages of the log from a token on, each with the token behind it, while there is more."""
        stood_still = 0
        while True:
            page = self.get(path, {**params, "nextPageToken": token}, doing=doing)
            following = page.nextPageToken or token
            yield page.result, following
            if not page.moreResult:
                return
            stood_still = stood_still + 1 if following == token else 0
            if stood_still == MOST_STILL:
                raise _in_circles(doing)
            token = following


@cache
def client_of(connection: Connection) -> MarketoClient:
    """Return the one client of a connection: whoever reads and whoever writes share a token and the limits."""
    return MarketoClient(connection)


def origin(connection: Connection) -> str:
    """Return where the instance is; Marketo's own pages show its address with a path behind it."""
    return connection.base_url.removesuffix("/rest").removesuffix("/identity")


def munchkin(connection: Connection) -> str:
    """Return the instance's id, as its host has it; of another host, the id of the custom service."""
    host = urlsplit(connection.base_url).hostname or ""
    return host.removesuffix(MUNCHKIN).upper() if host.endswith(MUNCHKIN) else connection.client_id


def _is_refused(answer: Answer) -> bool:
    return isinstance(answer.data, Envelope) and not answer.data.success


def _in_circles(doing: str) -> TransientError:
    return TransientError(
        f"marketo gave {doing} with a page that leads back to itself. It is read again next run.", vendor="marketo"
    )


def classify(answer: Answer, doing: str) -> VendorError:
    """Return the error that an answer deserves: by its code where it came at HTTP 200, else by its status."""
    refused = answer.data.errors if isinstance(answer.data, Envelope) else []
    if refused:
        return _by_code(str(refused[0].code), refused[0].message, answer)
    status = answer.status
    if status in TRANSIENT_STATUSES or _is_refused(answer):
        return TransientError("Marketo is busy; another try may help.", vendor="marketo", status=status)
    if status == 429:
        return QuotaError("Too many calls.", vendor="marketo", status=status)
    if status in (401, 403):
        return CredentialsError("We are not let in.", vendor="marketo", status=status)
    return RefusedError("Asking again cannot help.", vendor="marketo", status=status)


def _by_code(code: str, words: str, answer: Answer) -> VendorError:
    how: dict[str, Any] = {"vendor": "marketo", "code": code}
    if code in TOKEN_CODES:
        return CredentialsError("The token is refused.", status=401, **how)
    if code in PASSING:
        return TransientError("Marketo is busy; another try may help.", status=200, **how)
    if code == "606":
        at = answer.at + timedelta(seconds=WINDOW_SECONDS)
        return QuotaError("The instance's calls of 20 seconds are used up.", status=200, retry_at=at, **how)
    if code == "615":
        return QuotaError("Too many calls are under way.", status=200, **how)
    if code == "607" or (code == "1029" and "quota" in words.lower()):
        at = next_midnight(answer.at)
        return QuotaError("What the instance may use in a day is used up.", status=200, retry_at=at, **how)
    if code == "1029":
        return QuotaError("Too many exports are queued.", status=200, **how)
    if code == "614":
        return CredentialsError("The subscription cannot be found. Check MARKETO_BASE_URL.", status=403, **how)
    if code == "603":
        message = "Not allowed. Give the role of the API user the permission, then run again."
        return AuthError(message, status=403, **how)
    return RefusedError("Asking again cannot help.", status=200, **how)


def next_midnight(moment: datetime) -> datetime:
    """Return when the quotas of a day begin anew, in UTC."""
    day = moment.astimezone(CENTRAL).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=CENTRAL).astimezone(moment.tzinfo)


def classify_token(answer: Answer, doing: str) -> VendorError:
    """Return the error that an answer of identity deserves."""
    if answer.status in (400, 401, 403):
        return CredentialsError(
            "Check MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET against the custom service in LaunchPoint.",
            vendor="marketo",
            status=answer.status,
        )
    return classify(answer, doing)
