"""Salesforce's API as we speak it: tokens, the org's own host, what a refusal means, queries page by page.

Facts, from https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/ and
https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm (read 2026-11):

- The answer to a token request names the org's `instance_url`; every call goes there, never to the login host. It
  tells no life time: a token is used until it is refused with 401, and asked for anew once.
- Not every 401 is an old token: an app that is not attached, or a session that is not for this API, is refused alike
  and for ever (deny-list of jsforce, src/http-api.ts).
- Errors of the API are a list of `{errorCode, message, fields}`, those of the token endpoint `{error,
  error_description}`.
- The limit is a number of calls in 24 hours for the whole org, told by `Sforce-Limit-Info` on every answer. Beyond it,
  or with more than 25 long calls under way, 403 REQUEST_LIMIT_EXCEEDED, without `Retry-After`.
- `nextRecordsUrl` is a path. A page can have fewer rows than asked for; `done` tells the end.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

import jwt
import msgspec
import orjson

from pipelines.errors import (
    AuthError,
    CredentialsError,
    QuotaError,
    RefusedError,
    SettingsError,
    TransientError,
    VendorError,
)
from pipelines.http import TRANSIENT_STATUSES, Answer, Api, ClientSecret
from pipelines.settings import Connection
from pipelines.vendors.reading import reads

VERSION = "v64.0"
"""Summer '25, supported until 2028 at least."""
ASSERTION_SECONDS = 180
FOR_EVER = ("not attached to agent", "not valid for use with the rest api")
"""How a 401 is worded that no new token mends."""
PASSING = frozenset({"SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "UNABLE_TO_LOCK_ROW", "REQUEST_RUNNING_TOO_LONG"})
USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
DEAD_PAGE = "INVALID_QUERY_LOCATOR"


class TokenAnswer(msgspec.Struct, gc=False):
    """What the token endpoint answers; `id` is a URL that ends with the ids of the org and of the user."""

    access_token: str
    instance_url: str
    id: str


class Page(msgspec.Struct, gc=False):
    """A page of a query's rows."""

    records: list[msgspec.Raw]
    done: bool
    nextRecordsUrl: str | None = None


read_token_answer = reads(TokenAnswer)
read_page = reads(Page)


def read_token(body: bytes) -> TokenAnswer:
    """Read what the token endpoint answers.

    Raises:
        ValueError: it is none, names no org, or gives a token that no header can bear.
    """
    told = read_token_answer(body)
    if not told.access_token or not all("!" <= letter <= "~" for letter in told.access_token):
        raise ValueError("the access token has characters that none has")
    if len(told.id.rstrip("/").split("/")) < 2:
        raise ValueError("it does not say whose token it is")
    return told


class Session:
    """The token of one app, for all threads; `moved` is told where the org is."""

    def __init__(self, connection: Connection, moved: Callable[[str], None]) -> None:
        self._connection = connection
        self._application = ClientSecret(connection.client_id, connection.client_secret)
        self._api = Api("salesforce", connection.base_url, self._application, classify_token)
        self._moved = moved
        self._lock = threading.Lock()
        self._sent = threading.local()
        self._told: TokenAnswer | None = None

    @property
    def told(self) -> TokenAnswer:
        """The token in use, asked for where there is none."""
        with self._lock:
            if self._told is None:
                self._told = self._ask()
                self._moved(self._told.instance_url.rstrip("/"))
            return self._told

    def header(self) -> str:
        """Return the value of `Authorization`, and remember what this thread has sent."""
        self._sent.value = self.told.access_token
        return f"Bearer {self._sent.value}"

    def renew(self) -> bool:
        """Drop the token that this thread sent, unless another thread has replaced it already."""
        with self._lock:
            if self._told is not None and self._told.access_token == getattr(self._sent, "value", ""):
                self._told = None
        return True

    def secrets(self) -> Collection[str]:
        """Return the app's secret and the token in use."""
        token = self._told.access_token if self._told else ""
        return (*self._application.secrets(), getattr(self._sent, "value", ""), token)

    def _ask(self) -> TokenAnswer:
        form = {"grant_type": "client_credentials"}
        if self._connection.private_key:
            form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": self._assertion()}
        answer = self._api.call("POST", "/services/oauth2/token", doing="an access token", form=form, decode=read_token)
        told: TokenAnswer = answer.data
        return told

    def _assertion(self) -> str:
        """Return who we are, signed. `exp` is in seconds, by the clock of this machine as Salesforce checks it."""
        claims = {
            "iss": self._connection.client_id,
            "sub": self._connection.username,
            "aud": self._connection.base_url,
            "exp": int(time.time()) + ASSERTION_SECONDS,
        }
        try:
            return jwt.encode(claims, self._connection.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise SettingsError(
                "SALESFORCE_PRIVATE_KEY_FILE: the key cannot sign. "
                "It must be an RSA key in PEM form without a password."
            ) from None


class SalesforceClient:
    """Salesforce at one org. `now()` is its clock, `calls_left` what is left of the org's calls in 24 hours."""

    def __init__(self, connection: Connection) -> None:
        self.calls_left: int | None = None
        self.session = Session(connection, self._moved)
        self.api = Api("salesforce", connection.base_url, self.session, classify, observe=self._observe)

    @property
    def org(self) -> str:
        """The org's id, 18 characters."""
        return id18(self.session.told.id.rstrip("/").split("/")[-2])

    def call(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        repeatable: bool = True,
        decode: Callable[[bytes], Any] = orjson.loads,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request below `/services/data/vNN`, or to a path that Salesforce gave; see `Api.call`."""
        return self.api.call(
            method,
            path if path.startswith("/services/") else f"/services/data/{VERSION}{path}",
            doing=doing,
            params=params,
            json=json,
            headers=headers,
            accept=accept,
            repeatable=repeatable,
            decode=decode,
            content=body,
        )

    def get(self, path: str, **how: Any) -> Answer:
        """Read what stands at a path."""
        return self.call("GET", path, **how)

    def rows(self, soql: str, *, doing: str, is_all: bool = False) -> Iterator[msgspec.Raw]:
        """Yield the rows of a query; with `is_all` those in the recycle bin and in the archive too.

        Raises:
            VendorError: it cannot be read to its end; a page that died on the way is a refusal with DEAD_PAGE.
        """
        answer = self.get("/queryAll" if is_all else "/query", doing=doing, params={"q": soql}, decode=read_page)
        seen: set[str] = set()
        while True:
            page: Page = answer.data
            yield from page.records
            there = page.nextRecordsUrl
            if page.done or not there:
                return
            if there in seen:
                raise TransientError(
                    f"salesforce gave {doing} with a page that leads back to itself. It is read again next run.",
                    vendor="salesforce",
                )
            seen.add(there)
            answer = self.get(there, doing=doing, decode=read_page)

    def decoded(self, soql: str, *, doing: str, is_all: bool = False) -> list[dict[str, Any]]:
        """Return the rows of a short query as objects."""
        return [orjson.loads(bytes(raw)) for raw in self.rows(soql, doing=doing, is_all=is_all)]

    def describe(self, kind: str) -> bytes:
        """Return the description of an object, as it came."""
        return self.get(f"/sobjects/{kind}/describe", doing=f"the description of {kind}").body

    def _moved(self, instance: str) -> None:
        self.api.base_url = instance

    def _observe(self, answer: Answer, _: str) -> None:
        if used := USAGE.search(answer.headers.get("Sforce-Limit-Info", "")):
            self.calls_left = max(0, int(used[2]) - int(used[1]))


@cache
def client_of(connection: Connection) -> SalesforceClient:
    """Return the one client of a connection: whoever reads and whoever writes share a token."""
    return SalesforceClient(connection)


def id18(text: str) -> str:
    """Return an id with its three letters of checksum, so that ids that differ in case alone stay apart."""
    if len(text) != 15:
        return text
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    fives = (text[at : at + 5] for at in (0, 5, 10))
    return text + "".join(
        letters[sum(1 << place for place, letter in enumerate(five) if "A" <= letter <= "Z")] for five in fives
    )


def said(answer: Answer) -> tuple[str, str]:
    """Return the code and the words of a refusal, in either of its forms."""
    told = answer.data[0] if isinstance(answer.data, list) and answer.data else answer.data
    if not isinstance(told, dict):
        return "", ""
    code = told.get("errorCode") or told.get("error") or ""
    return str(code), str(told.get("message") or told.get("error_description") or "")


def first_error(result: Mapping[str, Any]) -> tuple[str, str]:
    """Return the code and the words of a row's first error, "" where it has none."""
    errors = result.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    return str(first.get("statusCode") or ""), str(first.get("message") or "")


def is_locked(code: str, words: str) -> bool:
    """Whether a row was refused since another writer held it or its parents; the code can stand in the words alone."""
    return code == "UNABLE_TO_LOCK_ROW" or "UNABLE_TO_LOCK_ROW" in words


def classify(answer: Answer, doing: str) -> VendorError:
    """Return the error that an answer of the API deserves."""
    status = answer.status
    code, words = said(answer)
    if status == 401:
        if any(sign in words.lower() for sign in FOR_EVER):
            return AuthError("The app is not allowed here.", vendor="salesforce", status=403, code=code)
        return CredentialsError("The session is refused.", vendor="salesforce", status=401, code=code)
    if code == "REQUEST_LIMIT_EXCEEDED":
        is_concurrent = "concurrent" in words.lower()
        return QuotaError(
            "Too many calls are under way." if is_concurrent else "The org's calls of 24 hours are used up.",
            vendor="salesforce",
            status=status,
            code=code,
            retry_at=None if is_concurrent else answer.at + timedelta(days=1),
        )
    if status == 429:
        return QuotaError("Too many calls.", vendor="salesforce", status=status, code=code)
    if code in PASSING or is_locked(code, words) or status in TRANSIENT_STATUSES:
        return TransientError(
            "Salesforce is busy; another try may help.", vendor="salesforce", status=status, code=code
        )
    if status == 403:
        return AuthError(
            "Not allowed. Give the user the permission, then run again.", vendor="salesforce", status=status, code=code
        )
    return RefusedError("Asking again cannot help.", vendor="salesforce", status=status, code=code)


def classify_token(answer: Answer, doing: str) -> VendorError:
    """Return the error that an answer of the token endpoint deserves."""
    code, _ = said(answer)
    if answer.status in (400, 401, 403):
        return CredentialsError(
            "Check SALESFORCE_CLIENT_ID with its secret or key, and that the app is approved for its user.",
            vendor="salesforce",
            status=answer.status,
            code=code,
        )
    return classify(answer, doing)
