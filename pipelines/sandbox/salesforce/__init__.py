"""Salesforce on loopback: tokens, queries, writing rows one by one, in collections and in bulk.

Versions: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/api_rest_eol.htm : a retired one is
410. The login answers with the host of the org, which is another name of this machine.
"""

from __future__ import annotations

import re
from collections import defaultdict

from pipelines.sandbox.salesforce import batches, composite, exports, ingests, limits, queries, rows
from pipelines.sandbox.salesforce.gate import (
    CONCURRENT,
    TOTAL,
    Book,
    Denied,
    SalesforceCall,
    dispatched,
    not_found,
    spend,
    usage,
)
from pipelines.sandbox.salesforce.oauth import EXPIRED, Sessions
from pipelines.sandbox.web import Answer, Call

__all__ = ["Salesforce", "batches", "composite", "exports", "ingests", "limits", "queries", "rows"]
OLDEST, NEWEST = 31, 67
LONGEST_ADDRESS = 16_384
CODES = {
    403: "INSUFFICIENT_ACCESS",
    404: "NOT_FOUND",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "UNKNOWN_EXCEPTION",
    503: "SERVER_UNAVAILABLE",
}


class Salesforce:
    """The origin that login.salesforce.com and the org's own host are elsewhere."""

    name = "salesforce"

    def __init__(self) -> None:
        self.sessions = Sessions()
        self.books: defaultdict[str, Book] = defaultdict(Book)

    def answer(self, call: Call) -> Answer:
        """Length, version, session, limits, then the route."""
        if len(call.path) > LONGEST_ADDRESS:
            return Answer(414, b"<html><body><h1>414 URI Too Long</h1></body></html>", media="text/html")
        try:
            return self._answer(call)
        except Denied as denied:
            return denied.answer()

    def _answer(self, call: Call) -> Answer:
        if call.segments == ["services", "oauth2", "token"]:
            return self.sessions.issue(call)
        if call.segments == ["services", "data"] and call.method == "GET":
            return Answer(200, [_version(number) for number in range(OLDEST, NEWEST + 1)])
        base = _base(call)
        session = self.sessions.session(call)
        org = call.state.salesforce[session.org_id]
        user = org.tables["User"].get(session.user_id)
        if user is None:
            raise Denied("INVALID_SESSION_ID", EXPIRED, status=401)
        asked = SalesforceCall(
            state=call.state,
            method=call.method,
            path=call.path,
            segments=call.segments,
            query=call.query,
            headers=call.headers,
            content=call.content,
            origin=call.origin,
            page_fault=call.page_fault,
            org=org,
            user=user,
            book=self.books[session.org_id],
            now=call.state.clock.now,
            base=base,
        )
        try:
            org.journal.clear()
            spend(asked)
            answer = dispatched(asked)
        except Denied as denied:
            answer = denied.answer()
        answer.headers = {**usage(asked), **answer.headers}
        return answer

    def limited(self, call: Call, policy: str, retry_after: float | None) -> Answer:
        """403: the day's requests are gone (daily), or too many run at once. It has no Retry-After unless told to."""
        answer = Denied("REQUEST_LIMIT_EXCEEDED", TOTAL if policy == "daily" else CONCURRENT, status=403).answer()
        if retry_after is not None:
            answer.headers["Retry-After"] = f"{retry_after:g}"
        return answer

    def expired(self, call: Call) -> Answer:
        """401, and the session stays dead."""
        self.sessions.kill(call)
        return Denied("INVALID_SESSION_ID", EXPIRED, status=401).answer()

    def error(self, call: Call, status: int) -> Answer:
        if call.segments[:2] == ["services", "oauth2"]:
            return Answer(status, {"error": "unknown_error", "error_description": "retry your request"})
        return Denied(CODES.get(status, "UNKNOWN_EXCEPTION"), "An unexpected error occurred", status=status).answer()


def _base(call: Call) -> str:
    """The path of the version, which 410 and 404 refuse before anything else is asked."""
    version = call.segments[2] if call.segments[:2] == ["services", "data"] and len(call.segments) > 2 else ""
    match = re.fullmatch(r"v(\d{1,3})\.0", version)
    if match is None or int(match[1]) > NEWEST:
        raise not_found()
    if int(match[1]) < OLDEST:
        message = f"API version {version} is retired; the oldest one is v{OLDEST}.0"
        raise Denied("UNSUPPORTED_API_VERSION", message, status=410)
    return f"/services/data/{version}"


def _version(number: int) -> dict[str, str]:
    season = ("Summer", "Winter", "Spring")[(number - 1) % 3]
    return {
        "label": f"{season} '{(number + 13) // 3:02d}",
        "url": f"/services/data/v{number}.0",
        "version": f"{number}.0",
    }
