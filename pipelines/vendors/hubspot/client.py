"""HubSpot's API as we speak it: limits, what a refusal means, lists page by page.

Facts, from https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines and
https://developers.hubspot.com/docs/api-reference/error-handling (read 2026-11):

- The burst limit is per app: 100 calls in ten seconds on small plans, 190 or 250 on larger ones. The answers' headers
  say which; searches have a limit of their own, per account, of 5 a second (4 in older texts), and no such headers.
- The daily limit is per account, shared with every other app, and opens at midnight in the account's time zone.
- A 429 tells its policy in `policyName`. `Retry-After` is not promised: without it we wait to the end of the window.
- 423 is a lock of 2 seconds; 477 says that the account is being moved, with `Retry-After` of up to a day.
- A query string of more than about 8 kB is refused with 414 (https://github.com/dlt-hub/verified-sources/issues/305).
- Lists go by `paging.next.after`; no `paging` is the end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import orjson

from pipelines.errors import AuthError, CredentialsError, QuotaError, RefusedError, TransientError, VendorError
from pipelines.http import TRANSIENT_STATUSES, Answer, Api, retry_after
from pipelines.rates import Rate
from pipelines.settings import Connection
from pipelines.vendors.hubspot import paths
from pipelines.vendors.hubspot.answers import errors
from pipelines.vendors.reading import reads

BURST, SEARCH, ASSOCIATIONS = "burst", "search", "associations"
BURST_WINDOW_MS = 10_000
LONGEST_WINDOW_MS = 60_000
"""A window that an answer tells and that is longer is none of HubSpot's."""
SPACED_MS = 20
"""Added to each window: its clock and ours do not run alike."""
LIMITS = {
    BURST: [Rate(100, BURST_WINDOW_MS + SPACED_MS)],
    SEARCH: [Rate(4, 1000 + SPACED_MS)],
    ASSOCIATIONS: [Rate(100, BURST_WINDOW_MS + SPACED_MS)],
}
"""What every account may do; answers tell what this one may. Associations have a limit, and headers, of their own."""
LOCK_SECONDS = 2
SAME_PAGE = 5
"""A page may lead to one place this often before we give up; an empty page in the middle does it once or twice."""

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]


class Next(msgspec.Struct, gc=False):
    """Where the next page is."""

    after: str | int | None = None


class Paging(msgspec.Struct, gc=False):
    """The links of a page."""

    next: Next | None = None


class Page(msgspec.Struct, gc=False):
    """A page of a list, of a search, or the answer to a batch."""

    results: list[msgspec.Raw]
    paging: Paging | None = None
    total: int | None = None

    @property
    def after(self) -> str:
        """Where the next page begins; "" after the last."""
        after = self.paging.next.after if self.paging and self.paging.next else None
        return "" if after is None else str(after)


read_page = reads(Page)


class AccessToken:
    """The token of a private app or a service key: it does not expire, and nothing renews it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def header(self) -> str:
        """Return the value of `Authorization`."""
        return f"Bearer {self._token}"

    def renew(self) -> bool:
        """Tell that there is no newer token."""
        return False

    def secrets(self) -> Collection[str]:
        """Return the token."""
        return (self._token,)


class HubSpotClient:
    """HubSpot at one account, in one version of its API. `now()` is HubSpot's clock."""

    def __init__(self, connection: Connection, api_version: str) -> None:
        self.api_version = api_version
        self.time_zone = "UTC"
        self.daily_left: int | None = None
        self.api = Api(
            "hubspot",
            connection.base_url,
            AccessToken(connection.access_token),
            self.classify,
            limits=LIMITS,
            observe=self._observe,
        )
        self._account: dict[str, Any] | None = None
        self.account_payload = b""

    def path(self, area: str, *parts: str) -> str:
        """Return the path of something in an area of the API; see `paths.py`."""
        return paths.path(self.api_version, area, *parts)

    def account(self, *, anew: bool = False) -> dict[str, Any]:
        """Return the account's details: `portalId`, `timeZone` and more; asked for once, or anew."""
        if self._account is None or anew:
            answer = self.get(self.path("account"), doing="the account's details")
            told = answer.data if isinstance(answer.data, dict) else {}
            portal = told.get("portalId")
            if isinstance(portal, bool) or not isinstance(portal, int | str) or not portal:
                raise TransientError(
                    "hubspot gave the account's details without a portalId. They are asked for again next run.",
                    vendor="hubspot",
                )
            self.time_zone = str(told.get("timeZone") or "UTC")
            self._account, self.account_payload = told, answer.body
        return self._account

    def now(self) -> datetime:
        """Return HubSpot's clock, as its last answer told it; it is asked where it has told nothing yet."""
        if not self.api.called:
            self.account()
        return self.api.now()

    def call(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        limit: str = "",
        params: Params | None = None,
        json: Any = None,
        accept: Collection[int] = (),
        repeatable: bool = True,
        decode: Callable[[bytes], Any] = orjson.loads,
    ) -> Answer:
        """Send one request; see `Api.call`. Its path says which limit it counts for, where nothing else does."""
        return self.api.call(
            method,
            path,
            doing=doing,
            limit=limit or (ASSOCIATIONS if path.startswith(self.path("associations")) else BURST),
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
        """Send something; with `repeatable=False` it is not repeated when nobody knows whether it was done."""
        return self.call("POST", path, **how)

    def put(self, path: str, **how: Any) -> Answer:
        """Set something."""
        return self.call("PUT", path, **how)

    def patch(self, path: str, **how: Any) -> Answer:
        """Change something."""
        return self.call("PATCH", path, **how)

    def delete(self, path: str, **how: Any) -> Answer:
        """Remove something."""
        return self.call("DELETE", path, **how)

    def pages(
        self, path: str, *, doing: str, params: Params | None = None, after: str = "", limit: str = ""
    ) -> Iterator[Page]:
        """Yield the pages of a list, from `after` on.

        Raises:
            VendorError: the list cannot be read to its end; the pages before stand.
        """
        asked = list(params.items()) if isinstance(params, Mapping) else list(params or ())
        seen: dict[str, int] = {}
        while True:
            there = [*asked, ("after", after)] if after else asked
            page: Page = self.call("GET", path, doing=doing, limit=limit, params=there, decode=read_page).data
            yield page
            after = page.after
            if not after:
                return
            seen[after] = seen.get(after, 0) + 1
            if seen[after] > SAME_PAGE:
                raise TransientError(
                    f"hubspot gave {doing} with a page that leads back to itself. It is read again next run.",
                    vendor="hubspot",
                )

    def _observe(self, answer: Answer, limit: str) -> None:
        """Take over what the headers tell: the limit of ten seconds, and what is left of the day's calls."""
        left = answer.headers.get("X-HubSpot-RateLimit-Daily-Remaining", "")
        if left.isdecimal():
            self.daily_left = int(left)
        try:
            most = int(answer.headers["X-HubSpot-RateLimit-Max"])
            window = int(answer.headers["X-HubSpot-RateLimit-Interval-Milliseconds"])
        except (KeyError, ValueError):
            return
        if limit != SEARCH and most > 0 and 0 < window <= LONGEST_WINDOW_MS:
            self.api.set_limit(limit, [Rate(most, window + SPACED_MS)])

    def classify(self, answer: Answer, doing: str) -> VendorError:
        """Return the error that an answer deserves."""
        status = answer.status
        body = answer.data if isinstance(answer.data, dict) else {}
        code = str(body.get("category") or body.get("errorType") or "")
        if status == 401:
            return CredentialsError(
                "The token is refused. Check HUBSPOT_ACCESS_TOKEN.", vendor="hubspot", status=401, code=code
            )
        if status == 403:
            return AuthError(
                f"Not allowed. Add the missing scopes to the app, then run again: {_scopes(body)}.",
                vendor="hubspot",
                status=403,
                code=code,
            )
        if status in (423, 429, 477):
            return QuotaError(
                "It is tried again when it opens.",
                vendor="hubspot",
                status=status,
                code=str(body.get("policyName") or code),
                retry_at=self._opens_at(answer, str(body.get("policyName") or "")),
            )
        if status in TRANSIENT_STATUSES:
            return TransientError(
                "HubSpot has a fault of its own; another try may help.", vendor="hubspot", status=status, code=code
            )
        return RefusedError("Asking again cannot help.", vendor="hubspot", status=status, code=code)

    def _opens_at(self, answer: Answer, policy: str) -> datetime:
        told = retry_after(answer.headers.get("Retry-After"), answer.at)
        if told is not None:
            return told
        if answer.status == 423:
            return answer.at + timedelta(seconds=LOCK_SECONDS)
        if answer.status == 477:
            return answer.at + timedelta(days=1)
        if policy == "DAILY":
            return _midnight_after(answer.at, self.time_zone)
        seconds = 1.0 if policy == "SECONDLY" else BURST_WINDOW_MS / 1000
        return answer.at + timedelta(seconds=seconds)


@cache
def client_of(connection: Connection, api_version: str) -> HubSpotClient:
    """Return the one client of a connection: whoever reads and whoever writes keep one limit between them."""
    return HubSpotClient(connection, api_version)


def _midnight_after(moment: datetime, time_zone: str) -> datetime:
    """Return the next midnight in the account's time zone; of one that we do not know, in UTC."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    day = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return day.astimezone(moment.tzinfo)


def _scopes(body: Mapping[str, Any]) -> str:
    """Return the scopes that a refusal names, wherever it names them."""
    found: list[str] = []
    for place in (body, *errors(body)):
        context = place.get("context")
        for name in ("requiredGranularScopes", "missingScopes", "requiredScopes"):
            names = context.get(name) if isinstance(context, dict) else None
            found += [str(scope) for scope in names or () if str(scope) not in found] if isinstance(names, list) else []
    return ", ".join(found) or "those that its message names"
