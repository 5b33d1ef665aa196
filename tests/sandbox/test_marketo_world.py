"""The instance in the world: filled in, kept, refused by its path; and whatever is sent, it never breaks."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.sandbox.marketo.gate import routes
from pipelines.sandbox.world import WorldError, filled
from tests.sandbox.instance import ANN, PROGRAM, InstanceDesk, activity
from tests.sandbox.test_odd_requests import requests_of

Enter = Callable[..., InstanceDesk]
PARAMETERS = ("filterType", "filterValues", "fields", "batchSize", "nextPageToken", "activityTypeIds", "sinceDatetime")


def test_a_short_world_is_filled_in_and_comes_back_unchanged(instance: Enter) -> None:
    desk = instance(
        activities=[activity(5, "2026-11-10"), {"leadId": ANN, "activityTypeId": 1}], static_lists=[{"members": [ANN]}]
    )
    world = desk.desk.sandbox.world()
    one = world["marketo"][0]
    assert (one["munchkin_id"], one["client_id"]) == ("100-TRN-001", "sandbox-service")
    assert [row["id"] for row in one["activities"]] == [5, 6]
    assert one["activities"][0] | {"activityDate": "2026-11-10T00:00:00Z", "marketoGUID": "5"} == one["activities"][0]
    assert filled(world) == world
    desk.sync({"email": "new@x.example"}, {"email": "ann@x.example", "phone": "1"})
    desk.status("Attended", ANN)
    desk.rows("POST", "/rest/v1/lists/1001/leads.json", {"input": [{"id": 14}]})
    written = desk.desk.sandbox.world()
    assert filled(written) == written
    assert written != world
    desk.desk.sandbox.put_world(world)
    assert desk.members(ANN)[0]["statusName"] == "Registered"
    assert desk.told("GET", "/rest/v1/stats/usage.json")["result"][0]["total"] == 4, "calls outlive a new world"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"leads": [{"id": "one"}]}, "marketo[0].leads[0].id: 'one'"),
        ({"leads": [{"id": 1}, {"id": "1"}]}, "marketo[0].leads[1].id: 1 comes twice"),
        ({"leads": [{"email": ["a@b.example"]}]}, "marketo[0].leads[0].email: expected"),
        ({"leads": [{"leadScore": "much"}]}, "marketo[0].leads[0].leadScore: "),
        ({"leads": [{"createdAt": "soon"}]}, "marketo[0].leads[0].createdAt: "),
        ({"channels": [{"name": "A"}, {"name": "A"}]}, "marketo[0].channels[1].name: A comes twice"),
        (
            {"channels": [{"progressionStatuses": [{"step": "up"}]}]},
            "marketo[0].channels[0].progressionStatuses[0].step",
        ),
        ({"programs": [{"channel": "Radio"}]}, "marketo[0].programs[0].channel: 'Radio' is none of the channels"),
        ({"programs": [{"startDate": "soon"}]}, "marketo[0].programs[0].startDate: "),
        ({"programs": [{"folder": 5}]}, "marketo[0].programs[0].folder: "),
        ({"members": [{"programId": 5, "leadId": 1}]}, "marketo[0].members[0].programId: there is no program 5"),
        ({"programs": [{"id": 5}], "members": [{"programId": 5, "leadId": 1}]}, "marketo[0].members[0].leadId: "),
        ({"activities": [{"activityTypeId": 1}]}, "marketo[0].activities[0].leadId: "),
        ({"activities": [{"attributes": "x"}]}, "marketo[0].activities[0].attributes: expected a list"),
        ({"static_lists": [{"members": [5]}]}, "marketo[0].static_lists[0].members[0]: there is no lead 5"),
        ({"lead": []}, "marketo[0].lead: unknown key"),
    ],
)
def test_an_instance_that_cannot_be_is_named_by_its_path(given: dict[str, Any], words: str) -> None:
    with pytest.raises(WorldError) as caught:
        filled({"marketo": [given]})
    assert str(caught.value).startswith(words)


def test_members_stand_once_in_a_program_with_a_status_of_its_channel() -> None:
    member = {"programId": 5, "leadId": 1}
    world = {"leads": [{"id": 1}], "programs": [{"id": 5}]}
    with pytest.raises(WorldError, match=r"members\[1\]: the lead 1 is in the program 5 twice"):
        filled({"marketo": [{**world, "members": [member, dict(member)]}]})
    with pytest.raises(WorldError, match=r"members\[0\].status: 'Won' is no status"):
        filled({"marketo": [{**world, "members": [{**member, "statusName": "Won"}]}]})
    with pytest.raises(WorldError, match="client_id"):
        filled({"marketo": [{"client_id": "a"}, {"client_id": "a"}]})


def test_no_request_breaks_the_sandbox(instance: Enter) -> None:
    desk = instance(activities=[activity(1, "2026-11-10T00:00:00Z")], static_lists=[{"id": 77, "members": [ANN]}])
    desk.faults(marketo__rate_limits=False)
    dice = random.Random(8)
    fields = ("leadId", "id", "email", "filter", "createdAt", "programId", "statusName", "programName", "lookupField")
    values = (None, 1, "x", True, -1, ANN, PROGRAM, "2026-01-01", 10**18, 0.5, "", [1], {"startAt": "2026-01-01"})
    seen = set()
    for method, path, params, body in requests_of(dice, routes, {"program": str(PROGRAM), "id": "77"}):
        params = {name: str(dice.choice(values)) for name in dice.sample(PARAMETERS, 3)}
        if isinstance(body, dict):
            body = {**body, "input": [{name: dice.choice(values) for name in dice.sample(fields, 3)}]}
            body |= {name: dice.choice(values) for name in dice.sample(fields, 4)}
        answer = desk.ask(method, f"{path}.json", body, params=params)
        assert answer.status_code == 200, (method, path, params, body)
        seen.add(answer.json()["success"])
    assert seen == {True, False}
    world = desk.desk.sandbox.world()
    assert filled(world) == world
