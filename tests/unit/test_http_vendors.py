"""What each vendor's refusals mean, where its paths are, and how its records are read."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import AuthError, CredentialsError, QuotaError, RefusedError, TransientError, VendorError
from pipelines.events import Record
from pipelines.http import Answer
from pipelines.rates import Limiter
from pipelines.settings import Connection
from pipelines.vendors.hubspot import HubSpotClient, paths
from pipelines.vendors.reading import RecordReader, Whole, batches, in_order, instant, mend, payload, reads
from pipelines.vendors.zoom import client as zoom
from pipelines.vendors.zoom.known import Session, ended_at
from tests import searches

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, orjson.dumps(body), body, NOW)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, 124, "Access token is expired.", CredentialsError),
        (401, 124, "Access token is expired.", CredentialsError),
        (400, 4711, "Invalid access token, does not contain scopes:[a:b, c:d].", AuthError),
        (400, 200, "Webinar plan is missing.", RefusedError),
        (400, 200, "No permission.", RefusedError),
        (400, 300, "The next page token is invalid or expired.", RefusedError),
        (400, 3000, "Registration has not been enabled for this webinar.", RefusedError),
        (404, 3001, "Webinar does not exist.", RefusedError),
        (429, 429, "Too many concurrent requests.", QuotaError),
        (500, 500, "Internal error", TransientError),
    ],
)
def test_zooms_codes_are_read_with_their_status_and_message(
    status: int, code: int, message: str, kind: type[VendorError]
) -> None:
    error = zoom.classify(answer(status, {"code": code, "message": message}), "a list")
    assert type(error) is kind
    assert error.code == str(code)


def test_a_missing_scope_of_zoom_is_named() -> None:
    body = {"code": 4711, "message": "Invalid access token, does not contain scopes:[a:b, c:d]."}
    assert "run again: a:b, c:d." in str(zoom.classify(answer(400, body), "a list"))


@pytest.mark.parametrize(
    ("headers", "message", "opens"),
    [
        ({"Retry_After": "2026-11-21T00:00:00Z"}, "", datetime(2026, 11, 21, tzinfo=UTC)),
        ({"X_RateLimit_Type": "Daily-limit"}, "", datetime(2026, 11, 21, tzinfo=UTC)),
        (
            {},
            "You have exceeded the daily rate limit of (3) for Add a webinar registrant",
            datetime(2026, 11, 21, tzinfo=UTC),
        ),
        ({"X_RateLimit_Type": "QPS"}, "", NOW + timedelta(seconds=1)),
        ({}, "Too many concurrent requests.", NOW + timedelta(seconds=1)),
    ],
)
def test_zooms_limits_open_when_their_headers_or_message_say(
    headers: dict[str, str], message: str, opens: datetime
) -> None:
    error = zoom.classify(answer(429, {"code": 429, "message": message}, **headers), "a list")
    assert isinstance(error, QuotaError)
    assert error.retry_at == opens


def test_an_answer_that_is_no_json_is_classified_all_the_same() -> None:
    assert isinstance(zoom.classify(answer(429), "a list"), QuotaError)
    assert isinstance(hubspot().classify(answer(403), "a list"), AuthError)


@pytest.mark.parametrize(
    ("uuid", "in_path"),
    [
        ("abc==", "abc%3D%3D"),
        ("a/b+c==", "a%2Fb%2Bc%3D%3D"),
        ("/abc==", "%252Fabc%253D%253D"),
        ("a//bc==", "a%252F%252Fbc%253D%253D"),
    ],
)
def test_a_uuid_is_encoded_twice_only_where_zoom_wants_it(uuid: str, in_path: str) -> None:
    assert zoom.uuid_in_path(uuid) == in_path


def hubspot(version: str = "2026-09") -> HubSpotClient:
    return HubSpotClient(Connection("hubspot", "http://127.0.0.1:9", access_token="s3cret"), version)


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        (429, {"policyName": "TEN_SECONDLY_ROLLING"}, 10),
        (429, {"policyName": "SECONDLY"}, 1),
        (429, {"policyName": "DAILY"}, 17 * 3600),  # midnight in New York
        (429, {}, 10),
        (423, {}, 2),
        (477, {}, 24 * 3600),
    ],
)
def test_hubspots_limits_open_when_their_policy_says(status: int, body: dict[str, Any], seconds: int) -> None:
    client = hubspot()
    client.time_zone = "America/New_York"
    error = client.classify(answer(status, body), "a list")
    assert isinstance(error, QuotaError)
    assert error.retry_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("version", ["2026-09", "v3"])
def test_what_an_answer_tells_of_associations_limits_nothing_else(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, asked = hubspot(version), list[str]()
    monkeypatch.setattr(client.api, "call", lambda *_, limit, **__: asked.append(limit))
    told = {"190": ("objects", "tasks"), "150": ("associations", "tasks", "contacts", "batch", "read")}
    for most, parts in told.items():
        client.get(client.path(*parts), doing="a list")
        window = {"X_HubSpot_RateLimit_Interval_Milliseconds": "10000"}
        client._observe(answer(200, X_HubSpot_RateLimit_Max=most, **window), asked[-1])
    assert {name: client.api.limits[name][0].limit for name in asked} == {"burst": 190, "associations": 150}


def test_a_time_zone_that_nobody_knows_is_utc() -> None:
    client = hubspot()
    client.time_zone = "US/Nowhere"
    error = client.classify(answer(429, {"policyName": "DAILY"}), "a list")
    assert isinstance(error, QuotaError)
    assert error.retry_at == datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        {"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": ["content"]}},
        {"category": "MISSING_SCOPES", "errors": [{"context": {"missingScopes": ["content"]}}]},
    ],
)
def test_a_missing_scope_of_hubspot_is_named(body: dict[str, Any]) -> None:
    error = hubspot().classify(answer(403, body), "a list")
    assert isinstance(error, AuthError)
    assert "run again: content." in str(error)


def test_both_versions_have_the_same_areas() -> None:
    assert paths.V3.keys() == paths.DATED.keys()
    assert hubspot("v3").path("objects", "contacts", "search") == "/crm/v3/objects/contacts/search"
    assert hubspot().path("objects", "contacts", "search") == "/crm/objects/2026-09/contacts/search"
    assert hubspot("v3").path("users") == "/settings/v3/users/"
    assert hubspot("v3").path("users", "7/8") == "/settings/v3/users/7%2F8"


class Page(msgspec.Struct):
    """A page of records."""

    rows: list[msgspec.Raw]


class Keys(msgspec.Struct):
    """The keys of a record."""

    id: str | None = None


def test_half_an_emoji_in_one_record_does_not_cost_the_page() -> None:
    body = b'{"rows":[{"id":"1","name":"Ad\\ud83d"},{"id":"2","name":"\\ud83d\\ude00 \\\\ud83d"}]}'
    rows = [payload(raw) for raw in reads(Page)(body).rows]
    assert orjson.loads(rows[0])["name"] == "Ad\ufffd"
    assert rows[1] == b'{"id":"2","name":"\\ud83d\\ude00 \\\\ud83d"}'


def test_bytes_that_are_no_utf8_do_not_cost_the_page() -> None:
    (row,) = (payload(raw) for raw in reads(Page)(b'{"rows":[{"name":"\xff"}]}').rows)
    assert orjson.loads(row) == {"name": "\ufffd"}


@given(st.recursive(st.none() | st.text() | st.integers(-(2**53), 2**53), lambda inner: st.lists(inner, max_size=3)))
def test_what_is_sound_is_kept_byte_for_byte(value: Any) -> None:
    body = orjson.dumps({"rows": [{"value": value}]})
    assert mend(body) == body
    assert payload(reads(Page)(body).rows[0]) == orjson.dumps({"value": value})


@pytest.mark.parametrize("content", [b'{"id": 7}', b"[]", b"null", b'{"other": 1}'])
def test_a_record_of_another_shape_has_no_keys_and_breaks_nothing(content: bytes) -> None:
    assert RecordReader(Keys)(content).id is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2026-11-20T12:00:00Z", NOW),
        ("2026-11-20T12:00:00.000Z", NOW),
        (1_795_176_000_000, NOW),
        ("1795176000000", NOW),
        ("11/20/2026 12:00", None),
        (10**30, None),
        ("", None),
        (None, None),
    ],
)
def test_an_instant_is_read_in_each_form_that_a_vendor_writes(
    told: str | int | None, expected: datetime | None
) -> None:
    assert instant(told) == expected


def test_results_come_in_the_order_of_the_questions() -> None:
    assert list(in_order(lambda number: number * 2, range(100), 8)) == [(number, number * 2) for number in range(100)]


def record(key: str, scope: str) -> Record:
    return Record(key, NOW, b"{}", scope)


@given(sizes=st.lists(st.integers(0, 9), max_size=8), size=st.integers(1, 6), broken=st.booleans())
def test_batches_hold_every_record_once_and_complete_a_scope_only_when_all_of_it_is_in(
    sizes: list[int], size: int, broken: bool
) -> None:
    def wholes() -> Any:
        for number, many in enumerate(sizes):
            yield Whole(str(number), [record(f"{number}|{at}", str(number)) for at in range(many)], mark=str(number))
        if broken:
            raise TransientError("no more")

    done: list[str] = []
    made = []
    try:
        for batch in batches(
            wholes(),
            lambda: NOW,
            follow=lambda one: done.append(one.mark),
            cursor=lambda: {"done": list(done)},
            size=size,
        ):
            made.append(batch)
    except TransientError:
        assert broken
    keys = [one.key for batch in made for one in batch.records]
    assert keys == [f"{number}|{at}" for number, many in enumerate(sizes) for at in range(many)]
    assert all(len(batch.records) <= size for batch in made)
    handed: set[str] = set()
    for batch in made:
        handed |= {one.key for one in batch.records}
        for scope in batch.complete_scopes:
            of_scope = {key for key in handed if key.partition("|")[0] == scope}
            assert len(of_scope) == sizes[int(scope)]
            assert of_scope <= {one.key for one in batch.records} | set(batch.also_present)
        assert batch.cursor is not None
        assert {name for name in batch.cursor["done"]} <= {
            name for name in done if {f"{name}|{at}" for at in range(sizes[int(name)])} <= handed
        }
    assert [scope for batch in made for scope in batch.complete_scopes] == [str(number) for number in range(len(sizes))]


def test_a_webinar_is_over_with_its_last_date_or_its_last_session() -> None:
    single = {"type": 5, "start_time": "2026-11-20T10:00:00Z", "duration": 60}
    assert ended_at(single, [], NOW) == datetime(2026, 11, 20, 11, tzinfo=UTC)
    late = Session("u", "1", NOW, NOW + timedelta(hours=1))
    assert ended_at(single, [late], NOW) == NOW + timedelta(hours=1)
    series = {
        "type": 9,
        "duration": 30,
        "occurrences": [
            {"start_time": "2026-11-20T10:00:00Z", "duration": 45},
            {"start_time": "2026-12-20T10:00:00Z", "duration": 45, "status": "deleted"},
        ],
    }
    assert ended_at(series, [], NOW) == datetime(2026, 11, 20, 10, 45, tzinfo=UTC)
    assert ended_at({"type": 6}, [late], NOW) is None
    assert ended_at({"type": 5}, [late], NOW) is None


def test_searches_are_no_more_a_second_than_hubspot_takes() -> None:
    waiting = Limiter(list(searches.DOCUMENTED))
    times = []
    for _ in range(9):
        with waiting.turn():
            times.append(time.monotonic())
    assert max(sum(at <= other < at + 1.0 for other in times) for at in times) <= 5
    assert times[-1] - times[0] < 4.0
