"""Whatever is sent, the sandbox answers as a vendor does: it never breaks."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.sandbox import generate
from pipelines.sandbox.hubspot.gate import routes as hubspot_routes
from pipelines.sandbox.web import Routes
from pipelines.sandbox.zoom.gate import routes as zoom_routes
from tests.sandbox.desk import Desk

Serve = Callable[..., Desk]
FIELDS = [
    "inputs",
    "id",
    "idProperty",
    "properties",
    "email",
    "vid",
    "interactionDateTime",
    "from",
    "to",
    "types",
    "associations",
    "objectWriteTraceId",
    "name",
    "first_name",
    "externalEventId",
    "externalAccountId",
    "filterGroups",
    "filters",
    "propertyName",
    "operator",
    "value",
    "values",
    "sorts",
    "limit",
    "after",
    "registrants",
    "action",
    "custom_questions",
    "options",
    "listIds",
    "recordIdsToAdd",
    "recordIdsToRemove",
    "startDateTime",
    "query",
]
PARAMETERS = [
    "limit",
    "after",
    "offset",
    "page_size",
    "next_page_token",
    "from",
    "to",
    "properties",
    "externalAccountId",
    "archived",
    "type",
    "status",
]
VALUES = (None, 1, "x", True, -1, "2026-01-01", "a@b.example", "EQ", "email", 10**18, 0.5, "", "contacts")


def shape(dice: random.Random, depth: int = 0) -> Any:
    chance = dice.random()
    if depth < 4 and chance < 0.25:
        return [shape(dice, depth + 1) for _ in range(dice.randint(0, 2))]
    if depth < 4 and chance < 0.6:
        return {dice.choice(FIELDS): shape(dice, depth + 1) for _ in range(dice.randint(0, 5))}
    return dice.choice(VALUES)


def requests_of(dice: random.Random, routes: Routes[Any], known: dict[str, str]) -> list[tuple[str, str, Any, Any]]:
    found = []
    for some in routes._by_length.values():
        for route in some:
            for _ in range(6):
                parts = [known.get(part[1:-1], "77") if part[0] == "{" else part for part in route.template]
                body = dice.choice((None, shape(dice), {"inputs": [shape(dice, 2) for _ in range(2)]}))
                params = {name: str(dice.choice(VALUES)) for name in dice.sample(PARAMETERS, 2)}
                found.append((route.method, "/" + "/".join(parts), params, body))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_no_request_breaks_the_sandbox(serve: Serve, seed: int) -> None:
    world = generate(contacts=30)
    desk = serve(world)
    desk.faults(hubspot__rate_limits=False, zoom__rate_limits=False)
    dice = random.Random(seed)
    number = str(world["zoom"][0]["webinars"][-1]["id"])
    known = {
        "type": "contacts",
        "from": "contacts",
        "to": "calls",
        "state": "attend",
        "series": number,
        "webinar": number,
    }
    known |= {"user": "me", "session": number, "id": world["hubspot"][0]["contacts"][0]["id"], "list": "1"}
    for method, path, params, body in requests_of(dice, hubspot_routes, known):
        assert desk.hubspot(method, path, params=params, json=body).status_code < 500, (method, path, params, body)
    for method, path, params, body in requests_of(dice, zoom_routes, known):
        answer = desk.zoom(method, path.removeprefix("/v2"), params=params, json=body)
        assert answer.status_code < 500, (method, path, params, body)
