"""World files that nobody would write: taken, or refused with the path of what is wrong; the sandbox never breaks."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given, note

from pipelines.sandbox import WorldError, load
from pipelines.sandbox.hubspot import HubSpot
from pipelines.sandbox.marketo import Marketo
from pipelines.sandbox.marketo.gate import sealed
from pipelines.sandbox.marketo.identity import Token
from pipelines.sandbox.state import State
from pipelines.sandbox.web import Call, Query, segments_of
from pipelines.sandbox.zoom import Zoom
from pipelines.sandbox.zoom.gate import Token as ZoomToken
from tests.fuzz.odd import Dice, bent, dice, often, raw, torn, value
from tests.fuzz.wire import Told, company, written_down
from tests.worlds import NOW

WORLD = company()
LISTS = ("lists", "calls", "notes", "email_campaigns", "property_groups", "blocked_addresses", "companies", "deals")
WORLD["hubspot"][0] |= {
    "marketing_events": [
        {
            "externalEventId": "1",
            "eventName": "One",
            "startDateTime": NOW,
            "participants": [{"contactId": "501", "interactions": [{"state": "ATTENDED", "interactionDateTime": 1}]}],
        }
    ],
    "properties": [{"name": "color", "type": "enumeration", "options": [{"label": "Red", "value": "red"}]}],
    **{name: [{"id": "1"}] for name in LISTS[1:3]},
    "lists": [{"listId": "1", "members": ["501"]}],
    "blocked_addresses": ["gone@x.example"],
}
WORLD["marketo"] = [
    {
        "munchkin_id": "1-a",
        "leads": [{"id": 1, "email": "ann@x.example", "color": "red"}],
        "channels": [{"name": "Own", "progressionStatuses": [{"name": "In", "step": 1, "success": True}]}],
        "programs": [{"id": 1, "channel": "Own", "startDate": NOW, "tags": [{"tagType": "a", "tagValue": "b"}]}],
        "members": [{"programId": 1, "leadId": 1, "status": "In"}],
        "activities": [{"leadId": 1, "activityTypeId": 13, "attributes": [{"name": "New Value", "value": 1}]}],
        "static_lists": [{"name": "L", "members": [1]}],
    }
]
ASKED = {
    "rest/v1/leads": {"filterType": "email", "filterValues": "ann@x.example", "fields": "email"},
    "rest/v1/leads/describe2": {},
    "rest/v1/lists": {},
    "rest/v1/activities/types": {},
    "rest/v1/activities": {"activityTypeIds": "12,13", "nextPageToken": sealed("log", "2000-01-01T00:00:00Z", -1)},
    "rest/v1/activities/leadchanges": {"fields": "email", "nextPageToken": sealed("log", "2000-01-01T00:00:00Z", -1)},
    "rest/v1/leads/programs/1": {},
    "rest/v1/programs/1/members": {"filterType": "statusName", "filterValues": "In"},
    "rest/asset/v1/programs": {},
    "rest/asset/v1/program/1": {},
    "rest/asset/v1/channels": {},
    "rest/asset/v1/tagTypes": {},
    "rest/asset/v1/staticLists": {},
}
"""What each instance is asked, with the query."""
WORLD["salesforce"] = [{"org_id": "00D", "Contact": [{"Id": "003"}], "task_types": ["Call"]}]


class Questions(dict[str, list[Told]]):
    """What a reading asks each vendor."""

    def __repr__(self) -> str:
        return "questions"


@pytest.fixture(scope="module")
def questions() -> Questions:
    return Questions({vendor: written_down(vendor)[0].told for vendor in ("zoom", "hubspot")})


def world_file(dice: Dice) -> bytes:
    """A world file: bent, torn, or with a text that is no JSON somewhere in it."""
    kind = dice.randrange(8)
    if kind < 5:
        return orjson.dumps(bent(dice, WORLD))
    if kind == 5:
        return raw(dice, WORLD)
    return torn(dice, orjson.dumps(WORLD)) if kind == 6 else orjson.dumps(value(dice))


@given(dice)
@often("world files")
def test_a_world_is_taken_and_served_or_refused_with_the_path_of_what_is_wrong(
    tmp_path_factory: Any, questions: Questions, dice: Dice
) -> None:
    path = tmp_path_factory.getbasetemp() / "world.json"
    content = world_file(dice)
    note(repr(content[:3_000]))
    path.write_bytes(content)
    refused = ""
    try:
        world = load(path)
    except WorldError as error:
        refused = str(error)
    if refused:
        assert_helps(refused, path)
        return
    state = State(world)
    told = state.dump()
    state.put(orjson.loads(told))
    assert state.dump() == told, "what the sandbox gives back is another world"
    state.faults.put({"switches": {"zoom.rate_limits": False, "hubspot.rate_limits": False}})
    ask(state, Zoom(), questions["zoom"])
    ask(state, HubSpot(), questions["hubspot"])
    ask_instances(state)


def ask_instances(state: State) -> None:
    """Ask each Marketo instance; whatever stands in the world, each question has an answer that is JSON."""
    marketo = Marketo()
    for number, name in enumerate(state.marketo):
        marketo.tokens.known[str(number)] = Token(name, state.clock.now, time.monotonic(), str(number))
        for path, params in ASKED.items():
            query = urlencode(params)
            call = Call(
                state=state,
                method="GET",
                path=f"/{path}.json?{query}",
                segments=segments_of(f"/{path}.json"),
                query=Query(query),
                headers={"authorization": f"Bearer {number}"},
                content=b"",
            )
            assert "success" in orjson.loads(marketo.answer(call).content()), path


def ask(state: State, vendor: Zoom | HubSpot, questions: list[Told]) -> None:
    """Ask all that a reading asks; whatever stands in the world, each question has an answer that is JSON."""
    accounts = list(state.zoom if vendor.name == "zoom" else state.hubspot)
    if not accounts:
        return
    token = accounts[0]
    if isinstance(vendor, Zoom):
        vendor.tokens.live[token] = ZoomToken(token, "app", state.clock.now + timedelta(hours=1))
    for method, path, params, content in (told.key for told in questions if told.key[1] != "/oauth/token"):
        query = urlencode(params)
        call = Call(
            state=state,
            method=method,
            path=f"{path}?{query}",
            segments=segments_of(path),
            query=Query(query),
            headers={"authorization": f"Bearer {token}"},
            content=content or b"",
        )
        assert vendor.answer(call).content(), (method, path)


def assert_helps(said: str, path: Path) -> None:
    """A message of one line that begins with a path into the world, or the file."""
    where, colon, reason = said.partition(": ")
    assert colon
    assert reason
    roots = ("now", "zoom", "hubspot", "marketo", "salesforce", "world", str(path))
    assert where.startswith(roots) or "unknown key" in reason, said
    assert len(said) < 1_000
    assert said.isprintable()
