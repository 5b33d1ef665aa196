"""What a call and an answer are, and how a call finds its route. Nothing here knows a vendor.

Paths are matched on their raw segments, each decoded once: a Zoom UUID that was encoded twice is still encoded when a
route sees it, and one that was not encoded at all has become several segments, as at the vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import parse_qsl, unquote

import orjson

if TYPE_CHECKING:
    from pipelines.sandbox.state import State

Record = dict[str, Any]
Row = TypeVar("Row")


class Query:
    """The parameters of a query string or form; a name may come several times."""

    def __init__(self, text: str) -> None:
        self.pairs = parse_qsl(text, keep_blank_values=True)

    def get(self, name: str, default: str = "") -> str:
        """The first value, or the default where the name is missing or blank."""
        return next((value for key, value in self.pairs if key == name and value), default)

    def all(self, name: str) -> list[str]:
        """Every value: `a=1&a=2` and `a=1,2` say the same."""
        return [part for key, value in self.pairs if key == name for part in value.split(",") if part]

    def flag(self, name: str) -> bool:
        return self.get(name).lower() in {"true", "1", "yes"}


@dataclass
class Answer:
    """What is sent back, after so many `seconds`. `records` were returned or written, which the request log tells."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    records: int = 0
    media: str = "application/json"
    seconds: float = 0.0

    def content(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return orjson.dumps(self.body, option=orjson.OPT_NON_STR_KEYS)


class Refusal(Exception):
    """Ends a handler with an answer that says no."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass
class Call:
    """One request, and what a handler may need to answer it."""

    state: State
    method: str
    path: str
    segments: list[str]
    query: Query
    headers: dict[str, str]
    content: bytes
    origin: str = ""
    page_fault: str = ""
    params: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body; blank is an empty object. Raises ValueError where it is no JSON."""
        return orjson.loads(self.content) if self.content.strip() else {}


def segments_of(raw_path: str) -> list[str]:
    """The path's parts, each decoded once; a trailing slash says nothing."""
    parts = raw_path.strip("/").split("/")
    return [unquote(part) for part in parts]


C = TypeVar("C", bound=Call)


@dataclass(frozen=True)
class Route(Generic[C]):
    """One method and path template; `label` and `scopes` are for the vendor's own gate."""

    method: str
    template: tuple[str, ...]
    handler: Callable[[C], Answer]
    label: str = ""
    scopes: tuple[str, ...] = ()

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        params: dict[str, str] = {}
        for wanted, given in zip(self.template, segments, strict=True):
            if wanted[0] == "{":
                params[wanted[1:-1]] = given
            elif wanted != given:
                return None
        return params

    @property
    def order(self) -> tuple[bool, ...]:
        """Literal parts are tried before parameters."""
        return tuple(part[0] == "{" for part in self.template)


class Routes(Generic[C]):
    """A vendor's table of routes, filled by decorators where the handlers stand."""

    def __init__(self) -> None:
        self._by_length: dict[int, list[Route[C]]] = {}

    def on(
        self, methods: str, *templates: str, label: str = "", scopes: tuple[str, ...] = ()
    ) -> Callable[[Callable[[C], Answer]], Callable[[C], Answer]]:
        """Register a handler for methods ("GET PUT") and path templates."""

        def register(handler: Callable[[C], Answer]) -> Callable[[C], Answer]:
            for template in templates:
                parts = tuple(template.strip("/").split("/"))
                routes = self._by_length.setdefault(len(parts), [])
                routes.extend(Route(method, parts, handler, label, scopes) for method in methods.split())
                routes.sort(key=lambda route: route.order)
            return handler

        return register

    def find(self, method: str, segments: Sequence[str]) -> tuple[Route[C] | None, dict[str, str], bool]:
        """The route and its parameters, and whether the path is known under another method."""
        known = False
        for route in self._by_length.get(len(segments), ()):
            params = route.match(segments)
            if params is None:
                continue
            if route.method == method:
                return route, params, True
            known = True
        return None, {}, known


def page(rows: Sequence[Row], start: int, size: int, fault: str = "") -> tuple[list[Row], int | None]:
    """Cut one page out of the rows: it, and where the next one starts (None after the last).

    A page fault bends it: `empty_page` gives nothing and points at the same place again, `duplicate_records` gives
    the page's last record twice and the one before the page again, `shuffle` turns the page's order round.
    """
    if fault == "empty_page" and start < len(rows):
        return [], start
    cut = list(rows[start : start + size])
    following = start + size if start + size < len(rows) else None
    if fault == "duplicate_records" and cut:
        before = list(rows[start - 1 : start]) if start else []
        cut = [*before, *cut, cut[-1]]
    elif fault == "shuffle":
        cut = cut[1::2] + cut[::2]
        cut.reverse()
    return cut, following
