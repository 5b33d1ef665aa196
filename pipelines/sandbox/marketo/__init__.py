"""Marketo on loopback: identity, leads, programs and their members, activities, static lists, bulk extract.

One origin serves every instance of the world: the custom service whose token comes says which one is meant.
"""

from __future__ import annotations

import time
from collections import defaultdict

from pipelines.sandbox.marketo import activities, exports, leads, lists, members, memberships, programs, usage
from pipelines.sandbox.marketo.gate import Book, MarketoCall, Refused, dispatched, overridden
from pipelines.sandbox.marketo.identity import Tokens, user_of
from pipelines.sandbox.web import Answer, Call

__all__ = ["Marketo", "activities", "exports", "leads", "lists", "members", "memberships", "programs", "usage"]
LONGEST_ADDRESS = 8192
LARGEST_BODY = 1024 * 1024
LIMITS = {
    "daily": ("607", "Daily API Request Quota reached"),
    "burst": ("606", "Max rate limit '100' exceeded with in '20' secs"),
    "secondly": ("615", "Concurrent access limit reached"),
}
IN_BAND = 600
"""From here on a status is one of Marketo's own codes, which come at HTTP 200."""


class Marketo:
    """The origin that `<munchkin id>.mktorest.com` is elsewhere."""

    name = "marketo"

    def __init__(self) -> None:
        self.tokens = Tokens()
        self.books: defaultdict[str, Book] = defaultdict(Book)

    def answer(self, call: Call) -> Answer:
        """Length, token, limits, then the route. What is refused with a code comes at HTTP 200."""
        if len(call.path) > LONGEST_ADDRESS:
            return _page(414, "Request-URI Too Long")
        if len(call.content) > LARGEST_BODY:
            return _page(413, "Request Entity Too Large")
        if call.segments[0] == "identity":
            return self.tokens.issue(call)
        try:
            token = self.tokens.token(call)
        except Refused as refused:
            return refused.answer(call)
        book = self.books[token.munchkin_id]
        method, query = overridden(call)
        asked = MarketoCall(
            state=call.state,
            method=method,
            path=call.path,
            segments=call.segments,
            query=query,
            headers=call.headers,
            content=call.content,
            origin=call.origin,
            page_fault=call.page_fault,
            instance=call.state.marketo[token.munchkin_id],
            book=book,
            user=user_of(token.munchkin_id),
            now=call.state.clock.now,
        )
        seconds = float(asked.switch("answer_seconds"))
        try:
            book.let_in(asked)
            answer, code = dispatched(asked), ""
        except Refused as refused:
            answer, code, seconds = refused.answer(call), refused.code, 0.0
        book.note(asked, code)
        if seconds:
            book.running.append(time.monotonic() + seconds)
            answer.seconds = seconds
        return answer

    def limited(self, call: Call, policy: str, retry_after: float | None) -> Answer:
        """A limit's code at HTTP 200: the day's (daily), that of 20 seconds (burst), that of ten at once (secondly)."""
        answer = Refused(*LIMITS[policy]).answer(call)
        if retry_after is not None:
            answer.headers["Retry-After"] = f"{retry_after:g}"
        return answer

    def expired(self, call: Call) -> Answer:
        """602 at HTTP 200, and the token stays dead; identity itself answers 401."""
        if call.segments[0] == "identity":
            return Answer(401, {"error": "unauthorized", "error_description": "Bad client credentials"})
        self.tokens.kill(call)
        return Refused("602", "Access token expired").answer(call)

    def error(self, call: Call, status: int) -> Answer:
        """A page for an HTTP status; a number from 600 on is a code, at HTTP 200."""
        if status >= IN_BAND:
            return Refused(str(status), "An error that was asked for").answer(call)
        return _page(status, "Error")


def _page(status: int, words: str) -> Answer:
    body = f"<html><head><title>{status} {words}</title></head><body><h1>{status} {words}</h1></body></html>"
    return Answer(status, body.encode(), media="text/html")
