"""The world file: what is refused, what is filled in, what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.sandbox import WorldError, load, validate
from pipelines.sandbox.world import filled
from tests.sandbox.desk import contact, hubspot_world, webinar, zoom_world


@pytest.mark.parametrize(
    ("world", "path"),
    [
        ({"zoon": []}, "zoon: unknown key"),
        ({"zoom": [{"web_inars": []}]}, r"zoom\[0\].web_inars: unknown key"),
        (
            {"zoom": [{"webinars": [{}, {"id": 2, "instances": [{"particpants": []}]}]}]},
            r"zoom\[0\].webinars\[1\].instances\[0\].particpants: unknown key; did you mean participants",
        ),
        ({"zoom": [{"webinars": [{"registrant": []}]}]}, r"zoom\[0\].webinars\[0\].registrant: unknown key"),
        ({"hubspot": [{"contact": []}]}, r"hubspot\[0\].contact: unknown key"),
        ({"hubspot": [{"calls": [{"propertys": {}}]}]}, r"hubspot\[0\].calls\[0\].propertys: unknown key"),
        ({"marketo": [{"lead": []}]}, r"marketo\[0\].lead: unknown key"),
        ({"salesforce": [{"contact": []}]}, r"salesforce\[0\].contact: unknown key"),
    ],
)
def test_an_unknown_key_of_the_frame_is_named_with_its_path(world: Any, path: str) -> None:
    with pytest.raises(WorldError, match=path):
        validate(world)


@pytest.mark.parametrize(
    ("world", "path"),
    [
        ([], "world: expected an object"),
        ({"zoom": {}}, "zoom: expected a list"),
        ({"now": "yesterday"}, "now: 'yesterday' is no instant"),
        (
            {"zoom": [{"webinars": [{"instances": [{"start_time": "noon"}]}]}]},
            r"zoom\[0\].webinars\[0\].instances\[0\].start_time: 'noon' is no instant",
        ),
        ({"hubspot": [{"contacts": [{"createdAt": "x"}]}]}, r"hubspot\[0\].contacts\[0\].createdAt: 'x'"),
        ({"hubspot": [{"email_events": [{"type": "OPEN"}]}]}, r"email_events\[0\].created: missing"),
        ({"hubspot": [{"tier": "gold"}]}, r"hubspot\[0\].tier"),
        ({"zoom": [{"webinars": [{"id": 1}, {"id": 1}]}]}, "webinar id 1 comes twice"),
        ({"hubspot": [{"contacts": [{"id": 1}, {"id": "1"}]}]}, r"contacts\[1\].id: 1 comes twice"),
        ({"zoom": [{"webinars": [{"id": "twelve"}]}]}, "'twelve' is no number"),
    ],
)
def test_what_cannot_be_a_world_is_named_with_its_path(world: Any, path: str) -> None:
    with pytest.raises(WorldError, match=path):
        validate(world)


def test_a_vendor_s_record_may_hold_any_field() -> None:
    validate(zoom_world(webinar(contact_name="H", registrants=[{"email": "a@b.example", "city": "Ulm"}])))
    validate(hubspot_world(email_events=[{"created": 1, "whatever": 2}], owners=[{"x": 1}], forms=[{"y": 2}]))


def test_an_empty_world_is_a_world() -> None:
    assert filled({})["now"] == "2026-11-20T12:00:00Z"


def test_what_a_short_world_leaves_out_is_filled_in() -> None:
    account = filled({"zoom": [{"webinars": [{"registrants": [{"email": "a@b.example"}], "instances": [{}]}]}]})[
        "zoom"
    ][0]
    series = account["webinars"][0]
    assert series["host_id"] == account["users"][0]["id"]
    assert series["settings"]["approval_type"] == 0
    assert series["registrants"][0]["id"]
    assert series["registrants"][0]["status"] == "approved"
    assert series["join_url"]
    assert series["instances"][0]["uuid"]


def test_registration_is_off_where_nobody_registered() -> None:
    assert filled({"zoom": [{"webinars": [{}]}]})["zoom"][0]["webinars"][0]["settings"]["approval_type"] == 2


def test_the_newest_entry_of_a_history_is_the_current_value() -> None:
    history = [
        {"value": "2026-01-01T00:00:00Z", "timestamp": "2026-01-01T00:00:00Z"},
        {"value": "2026-03-01T00:00:00Z", "timestamp": "2026-03-01T00:00:00Z"},
    ]
    given = {**contact(1, "a@b.example"), "propertiesWithHistory": {"hs_sales_email_last_opened": history}}
    record = filled(hubspot_world(given))["hubspot"][0]["contacts"][0]
    assert record["properties"]["hs_sales_email_last_opened"] == "2026-03-01T00:00:00Z"
    assert record["properties"]["createdate"] == record["createdAt"] == "2026-01-01T00:00:00.000Z"


def test_filling_twice_gives_what_filling_once_gave() -> None:
    world = {**zoom_world(webinar(registrants=[{"email": "a@b.example"}])), **hubspot_world(contact(1, "a@b.example"))}
    first = filled(world)
    assert filled(first) == first


def test_a_world_file_is_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_bytes(orjson.dumps({"zoom": []}))
    assert load(path) == {"zoom": []}
    path.write_bytes(b"{")
    with pytest.raises(WorldError, match="no JSON"):
        load(path)
