"""One way to speak HTTP to a vendor: limits kept, answers classified once, tries repeated where that helps.

A vendor module gives an `Api` its documented limits, its credentials and its reading of a refusal; the loop here does
the rest. What is retried: no answer, 408, 425, 5xx, a body that is not the JSON it should be, and 429/423/477 after
the wait they ask for. A write that may have been done (no answer, or 5xx, after it was sent) is never sent a second
time unless the caller says that repeating it is harmless.
"""

from __future__ import annotations

import random
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import orjson
import requests

from pipelines.errors import (
    AuthError,
    CredentialsError,
    QuotaError,
    RefusedError,
    TransientError,
    UnknownOutcomeError,
    UnreachableError,
    VendorError,
)
from pipelines.rates import Limiter, Rate

TRANSIENT_STATUSES = frozenset({408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524})
TRIES = 7
CLOCK_YEARS = range(2000, 2200)
"""A `Date` of another year is no clock's."""
CHUNK = 65_536
"""Bytes read at a time where there is a limit to them."""
NEVER_SENT = ("Failed to establish", "Failed to resolve")
"""How the libraries below say that there was no connection, or no such host."""
LONGEST_WAIT_SECONDS = 150.0
"""A quota that opens later than this is not waited for: the caller is told, and what waits is tried next run."""


class Credentials(Protocol):
    """What proves to a vendor who we are."""

    def header(self) -> str:
        """Return the value of `Authorization`; "" sends none."""

    def renew(self) -> bool:
        """Drop what is cached, since the vendor refused it. False: there is nothing newer to be had."""

    def secrets(self) -> Collection[str]:
        """Return the strings that must never be shown."""


class ClientSecret:
    """An app's own id and secret, which a token endpoint asks for; without a secret nothing is sent."""

    def __init__(self, client_id: str, secret: str) -> None:
        self._secret = secret
        self._basic = b64encode(f"{client_id}:{secret}".encode()).decode()

    def header(self) -> str:
        """Return the value of `Authorization`."""
        return f"Basic {self._basic}" if self._secret else ""

    def renew(self) -> bool:
        """Tell that there is nothing newer."""
        return False

    def secrets(self) -> Collection[str]:
        """Return the secret, plain and as it is sent."""
        return (self._secret, self._basic) if self._secret else ()


@dataclass(frozen=True)
class Answer:
    """What came back. `data` is the decoded body (None for an empty one), `at` the vendor's clock."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    data: Any
    at: datetime


Classify = Callable[[Answer, str], VendorError]
"""The vendor's reading of an answer that is no success: the error it deserves, to be raised by the caller."""


def retry_after(value: str | None, now: datetime) -> datetime | None:
    """Read `Retry-After` in each form met: seconds, an HTTP date, or Zoom's ISO 8601 instant; None if unreadable."""
    if not value:
        return None
    text = value.strip()
    try:
        return now + timedelta(seconds=float(text))
    except OverflowError:
        return None
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError, TypeError, IndexError):
            return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def plain_classify(vendor: str) -> Classify:
    """Return a classification by status alone, for vendors that need no better."""

    def classify(answer: Answer, doing: str) -> VendorError:
        if answer.status in (401, 403):
            kind = CredentialsError if answer.status == 401 else AuthError
            return kind(doing, vendor=vendor, status=answer.status)
        if answer.status == 429:
            at = retry_after(answer.headers.get("Retry-After"), answer.at)
            return QuotaError(doing, vendor=vendor, status=429, retry_at=at)
        if answer.status in TRANSIENT_STATUSES:
            return TransientError(doing, vendor=vendor, status=answer.status)
        return RefusedError(doing, vendor=vendor, status=answer.status)

    return classify


def _advice(content_type: str) -> str:
    """Return what a person should do about a body that is no JSON."""
    if "html" in content_type:
        return "A page came where the API should be: look for a proxy on the way, and at the vendor's status page."
    return "It is asked for again next run."


@dataclass
class Api:
    """One vendor's API at one origin.

    Attributes:
        limits: label to rates; a call names its label and waits until the rates allow it.
        observe: told of each answer, and of the label of the limit that its call counted for.
        called: how many calls were sent, by label; tells a run's cost.
        refuses: whether an answer with a status of success is a refusal all the same; `classify` is then asked.
        longest_body: bytes of an answer beyond which it is not read any further; None is no limit.
    """

    vendor: str
    base_url: str
    credentials: Credentials
    classify: Classify
    limits: Mapping[str, Sequence[Rate]] = field(default_factory=dict)
    timeout_seconds: float = 60.0
    tries: int = TRIES
    backoff_seconds: float = 0.5
    sleep: Callable[[float], None] = time.sleep
    observe: Callable[[Answer, str], None] | None = None
    refuses: Callable[[Answer], bool] = lambda _: False
    longest_body: int | None = None

    def __post_init__(self) -> None:
        self.base_url = self.base_url.rstrip("/")
        self.called: dict[str, int] = {}
        self._counting = threading.Lock()
        self._limiters = {label: Limiter(rates) for label, rates in self.limits.items()}
        self._sessions = threading.local()
        self._told: datetime | None = None

    def now(self) -> datetime:
        """Return the vendor's clock as its last answer's `Date` told it; ours where it never answered.

        It stands still between answers: what was read is what the vendor had at that moment, and nothing later.
        """
        return self._told or datetime.now(UTC)

    def set_limit(self, label: str, rates: Sequence[Rate]) -> None:
        """Replace a label's rates, when the vendor's own headers say more than the documentation.

        The calls before count on, as the vendor counts them.
        """
        if list(self.limits.get(label, ())) != list(rates):
            self.limits = {**self.limits, label: rates}
            self._limiters[label].allow(rates)

    def call(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        limit: str = "",
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        repeatable: bool = True,
        decode: Callable[[bytes], Any] = orjson.loads,
        content: bytes | None = None,
    ) -> Answer:
        """Send one request until it is answered for good, and return the answer.

        Args:
            doing: what this is for, as an error message goes on after "Zoom refused": `the list of users`.
            accept: further statuses that are answers and no errors, for example 404.
            repeatable: False for a write that done twice would be wrong.
            decode: reads the body; where it raises ValueError the body is broken and the request is tried again.
            content: a body that is no JSON; `headers` name its type.

        Raises:
            UnknownOutcomeError: a write that is not repeatable was sent, and nobody knows whether it was done.
            VendorError: as `classify` says, once no further try can help.
        """
        renewed = False
        for attempt in range(1, self.tries + 1):
            proof = self.credentials.header()  # it has tries of its own; what they end with is the answer
            try:
                return self._once(
                    method,
                    path,
                    doing=doing,
                    limit=limit,
                    params=params,
                    json=json,
                    form=form,
                    headers={"Authorization": proof, **(headers or {})},
                    accept=accept,
                    repeatable=repeatable,
                    decode=decode,
                    content=content,
                )
            except UnknownOutcomeError:
                raise
            except AuthError as error:
                is_last = renewed or attempt == self.tries
                if is_last or error.status not in (400, 401) or not self.credentials.renew():
                    raise
                renewed = True
            except QuotaError as error:
                wait = self._pause(attempt) if error.retry_at is None else self._until(error.retry_at)
                if attempt == self.tries or wait > LONGEST_WAIT_SECONDS:
                    raise
                self.sleep(wait)
            except TransientError:
                if attempt == self.tries:
                    raise
                self.sleep(self._pause(attempt))
        raise AssertionError("the loop above returns or raises")

    def _pause(self, attempt: int) -> float:
        """Seconds before the next try: doubling, at most 30, with jitter so that clients do not move in step."""
        longest = min(30.0, self.backoff_seconds * float(2 ** (attempt - 1)))
        return longest * (0.5 + random.random() / 2)

    def _until(self, moment: datetime) -> float:
        return max(0.0, (moment - self.now()).total_seconds()) + 0.05

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = not self.base_url.startswith(("http://127.0.0.1", "http://localhost"))
            session.auth = lambda request: request  # or the password of a .netrc would go out in place of our token
            self._sessions.session = session
        return session

    @contextmanager
    def _turn(self, limit: str) -> Iterator[None]:
        """Wait until the limit allows a call, which is made inside."""
        with self._limiters[limit].turn() if limit in self._limiters else nullcontext():
            with self._counting:
                self.called[limit] = self.called.get(limit, 0) + 1
            yield

    def _once(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        limit: str,
        params: Any,
        json: Any,
        form: Mapping[str, str] | None,
        headers: Mapping[str, str],
        accept: Collection[int],
        repeatable: bool,
        decode: Callable[[bytes], Any],
        content: bytes | None,
    ) -> Answer:
        sent_headers = {"Accept": "application/json", **{name: value for name, value in headers.items() if value}}
        body: bytes | Mapping[str, str] | None = form if content is None else content
        if json is not None:
            body = orjson.dumps(json)
            sent_headers["Content-Type"] = "application/json"
        where = f"{method} {self.base_url}{path.partition('?')[0]}"  # what a link proves us by is a secret
        try:
            with self._turn(limit):
                response = self._session().request(
                    method,
                    self.base_url + path,
                    params=params,
                    data=body,
                    headers=sent_headers,
                    timeout=self.timeout_seconds,
                    allow_redirects=False,
                    stream=self.longest_body is not None,
                )
                came = response.content if self.longest_body is None else self._bounded(response, doing)
        except requests.RequestException as error:
            unsent = isinstance(error, requests.ConnectTimeout) or any(sign in str(error) for sign in NEVER_SENT)
            kind = UnreachableError if unsent else TransientError if repeatable else UnknownOutcomeError
            reason = "it cannot be reached" if unsent else f"no answer came ({type(error).__name__})"
            raise kind(
                f"{self.vendor} did not answer {doing}: {where}: {reason}. "
                "Check the network and the vendor's status page; what was not done is tried again next run.",
                vendor=self.vendor,
            ) from None
        self._read_clock(response.headers)
        broken = ""
        data = None
        is_success = 200 <= response.status_code < 300  # a redirect is none: we follow nobody elsewhere
        is_awaited = is_success and (method == "GET" or decode is not orjson.loads)
        if came or is_awaited:
            try:
                data = decode(came) if is_success else orjson.loads(came)
            except ValueError as error:
                kind_of = response.headers.get("Content-Type", "no content type")
                broken = f"the body is no JSON that we can read ({kind_of}; {str(error)[:80]}). {_advice(kind_of)}"
        answer = Answer(response.status_code, response.headers, came, data, self.now())
        if self.observe is not None:
            self.observe(answer, limit)
        if broken and (is_success or response.status_code in TRANSIENT_STATUSES):
            kind = TransientError if repeatable else UnknownOutcomeError
            raise kind(
                self.redact(f"{self.vendor} answered {doing} with HTTP {answer.status} from {where}: {broken}"),
                vendor=self.vendor,
                status=answer.status,
            )
        if (is_success and not self.refuses(answer)) or answer.status in accept:
            return answer
        refusal = self.classify(answer, doing)
        said = came[:300].decode("utf-8", "replace")
        message = f"{self.vendor} refused {doing}: HTTP {answer.status} from {where}. {refusal} It said: {said!r}"
        refusal.args = (self.redact(message),)
        if isinstance(refusal, TransientError) and not repeatable:
            raise UnknownOutcomeError(str(refusal), vendor=self.vendor, status=answer.status, code=refusal.code)
        raise refusal

    def _bounded(self, response: requests.Response, doing: str) -> bytes:
        came, longest = bytearray(), self.longest_body or 0
        with response:
            for part in response.iter_content(CHUNK):
                came += part
                if len(came) > longest:
                    raise RefusedError(
                        f"{self.vendor} gave {doing} with more than {longest:,} bytes, which is not read. "
                        "Look at it there.",
                        vendor=self.vendor,
                        status=response.status_code,
                    )
        return bytes(came)

    def _read_clock(self, headers: Mapping[str, str]) -> None:
        told = retry_after(headers.get("Date"), datetime.now(UTC))
        if told is not None and told.year in CLOCK_YEARS:
            self._told = told

    def redact(self, text: str) -> str:
        """Return the text with every secret of this connection blotted out."""
        for secret in self.credentials.secrets():
            if secret:
                text = text.replace(secret, "[secret]")
        return text
