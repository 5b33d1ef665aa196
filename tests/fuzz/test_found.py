"""What odd input found, each as an input of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
import pytest

from pipelines.errors import SettingsError
from pipelines.events import digest
from pipelines.publish.rows import Row
from pipelines.sandbox import WorldError, validate
from pipelines.settings import connections
from pipelines.vendors.hubspot.answers import by_trace, decoded, email_of, errors, holds, results
from pipelines.vendors.hubspot.client import Page, read_page
from pipelines.vendors.hubspot.contacts import ContactKeys
from pipelines.vendors.reading import Notes, RecordReader, document, instant, payload, reads
from pipelines.vendors.zoom.client import read_token
from pipelines.vendors.zoom.known import ended_at, has_registration, registers_by_occurrence, scheduled_end
from tests.worlds import world

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def first(body: bytes) -> bytes:
    page: Page = read_page(body)
    return payload(page.results[0])


def test_a_number_beyond_all_doubles_becomes_a_text_and_stays_in_the_log() -> None:
    content = first(b'{"results":[{"id":"1","n":-1e999,"text":"1e999 \\" 9"}]}')
    assert orjson.loads(content) == {"id": "1", "n": "-1e999", "text": '1e999 " 9'}
    assert digest(content)


def test_a_record_nested_deeply_is_kept_or_is_no_page_of_ours() -> None:
    nested = b"[" * 700 + b"]" * 700
    assert digest(first(b'{"results":[{"id":"1","x":' + nested + b"}]}"))
    with pytest.raises(ValueError, match="nested too deeply"):
        read_page(b'{"results":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}")
    with pytest.raises(ValueError, match="depth"):
        document(b"[" * 2_000 + b"]" * 2_000)


def test_one_key_of_another_kind_costs_itself_alone() -> None:
    keys = RecordReader(ContactKeys)(b'{"id":"7","archived":"false","updatedAt":["x"]}')
    assert (keys.id, keys.archived, keys.updatedAt) == ("7", False, None)
    assert RecordReader(ContactKeys)(b"[1]").id is None


@pytest.mark.parametrize("told", [True, None, [], {}, 1.5, 10**30, -(10**17), "0001-01-01T00:00:00+14:00", "²", "now"])
def test_what_is_no_instant_is_none(told: Any) -> None:
    assert instant(told) is None


def test_records_without_a_key_are_counted_in_one_note() -> None:
    notes = Notes()
    notes.once("first")
    for _ in range(1_200):
        notes.left_out("zoom: users", "an id")
    assert notes == ["first", "zoom: users without an id, which were left out until the vendor tells it: 1,200."]


@pytest.mark.parametrize("told", [1, "x", [1, None], {"a": 1}, True, None])
def test_a_webinar_of_odd_kinds_has_no_end_that_breaks_a_run(told: Any) -> None:
    webinar = {"occurrences": told, "settings": told, "duration": told, "start_time": told, "type": told}
    assert ended_at(webinar, [], NOW) is None or isinstance(ended_at(webinar, [], NOW), datetime)
    assert scheduled_end({"start_time": "2026-11-10T10:00:00Z", "duration": told}, webinar) is not None
    assert has_registration(webinar) is True
    assert registers_by_occurrence(webinar) is False


@pytest.mark.parametrize("told", [1, "x", [1, None], {"a": 1}, {"results": 5, "errors": "x"}, None])
def test_answers_to_writes_of_odd_kinds_say_nothing(told: Any) -> None:
    assert results(told) == errors(told) == []
    assert by_trace(told) == ({}, {})
    assert email_of({"properties": told}) == ""
    assert holds({"properties": told}, Row("contact", "update", "1", fields={"a": "1"}), ("a",)) is (told == {"a": 1})


def test_a_contact_without_an_id_was_not_made() -> None:
    told = {"results": [{"objectWriteTraceId": "0", "id": None}, {"objectWriteTraceId": "1", "id": 7}]}
    assert by_trace(told) == ({"1": "7"}, {})
    assert decoded(msgspec.Raw(b'{"a":"\xff"}')) == {"a": "\ufffd"}


@pytest.mark.parametrize("token", ["", "a b", "t\n", "pat–1"])
def test_a_token_that_no_header_can_bear_is_none(token: str) -> None:
    with pytest.raises(ValueError, match="access token"):
        read_token(orjson.dumps({"access_token": token, "expires_in": 1e300}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUBSPOT_BASE_URL", "https://"),
        ("HUBSPOT_BASE_URL", "http://user:pass@127.0.0.1"),
        ("HUBSPOT_BASE_URL", "http://127.0.0.1:99999999"),
        ("HUBSPOT_ACCESS_TOKEN", "pat–1"),
    ],
)
def test_a_connection_that_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        connections({"HUBSPOT_ACCESS_TOKEN": "pat-1", name: value})


def test_a_page_of_numbers_is_a_body_that_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="Expected"):
        reads(Page)(b"[1]")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"users": [{"type": "x"}]}, r"zoom\[0\].users\[0\].type: expected a number"),
        ({"webinars": [{"id": "9" * 30}]}, r"zoom\[0\].webinars\[0\].id: .* is no number"),
        ({"webinars": [{"id": 1, "duration": None}]}, r"zoom\[0\].webinars\[0\].duration: expected a number"),
        ({"\x1b[31m": 1}, r"zoom\[0\].'\\x1b\[31m': unknown key"),
    ],
)
def test_a_world_that_could_not_be_served_is_refused(change: dict[str, Any], message: str) -> None:
    told = world()
    told["zoom"][0] |= change
    with pytest.raises(WorldError, match=message):
        validate(told)
