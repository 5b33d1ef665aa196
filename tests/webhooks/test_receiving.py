"""The server says yes to what a vendor signed just now, once it is on the disk, and no to everything else."""

from __future__ import annotations

import asyncio
import hmac
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette

from pipelines import inbox as inboxes
from pipelines import webhooks
from pipelines.inbox import Delivery, Inbox
from pipelines.log import Log
from pipelines.settings import webhook_secrets
from pipelines.vendors.registry import RECEIVERS
from pipelines.vendors.zoom.webhooks import webinar_named_by
from pipelines.verify import verify
from tests.webhooks.sending import HUBSPOT, URL, ZOOM, Answer, by_hubspot, by_zoom, event, send, sent

CHANGE = {
    "eventId": 1,
    "subscriptionId": 7,
    "portalId": 4242,
    "occurredAt": 1_795_000_000_000,
    "subscriptionType": "contact.propertyChange",
    "objectId": 1,
    "propertyName": "email",
    "attemptNumber": 0,
}


def app_of(home: Path, public_url: str = URL) -> Starlette:
    """A server over a home."""
    return webhooks.make_app(
        {"zoom": RECEIVERS["zoom"](ZOOM), "hubspot": RECEIVERS["hubspot"](HUBSPOT)}, Inbox(home), public_url
    )


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    """A server over a home of its own."""
    return app_of(tmp_path)


def kept(home: Path) -> list[dict[str, Any]]:
    """Return what is in the inbox."""
    return [orjson.loads(line) for path in Inbox(home).files() for line in path.read_bytes().splitlines()]


def in_log(home: Path, source: str = "zoom") -> list[tuple[Any, ...]]:
    """Return (account, key, payload) of the deliveries in the log."""
    return Log(home).query(source, "webhooks", "select account, key, payload from events order by all", {})


def test_what_a_vendor_signed_is_kept_as_it_came(app: Starlette, tmp_path: Path) -> None:
    body = b'{ "event" : "webinar.ended",\n "event_ts": 1795000000000, "payload": {"account_id": "zoom-account"} }'
    assert sent(app, "/zoom", body, by_zoom(body, "n1")).status == 200
    assert sent(app, "/zoom", body, by_zoom(body, "n2", in_ms=True)).status == 200
    assert sent(app, "/zoom", event(topic="Größe ✓"), piece=7).status == 200, "in pieces, and no ASCII"
    cut = b'{"event": "webinar.ended", "payload": {"object": {"topic": "cut \\ud83d"}}}'
    assert sent(app, "/zoom", cut, by_zoom(cut, "n3")).status == 200, "half an emoji"
    assert sent(app, "/hubspot", [CHANGE, {**CHANGE, "objectId": 2}]).status == 200
    found = kept(tmp_path)
    assert [one["payload"] for one in found[:2]] == [body.decode()] * 2
    assert [(one["source"], one["account"]) for one in found] == [("zoom", "zoom-account")] * 3 + [("zoom", "")] + [
        ("hubspot", "4242")
    ] * 2
    assert [one["key"] for one in found[:2]] == ["n1", "n2"]
    assert found[0]["occurred_at"] == "2026-11-18T11:06:40Z"
    assert [orjson.loads(one["payload"])["objectId"] for one in found[4:]] == [1, 2]


@pytest.mark.rule("HZ-13")
def test_each_brand_has_an_address_and_a_secret_of_its_own(tmp_path: Path) -> None:
    addresses = {"zoom": ZOOM, "zoom/beta": "beta-hook-secret"}
    named = {"ZOOM_WEBHOOK_SECRET": ZOOM, "ZOOM_BETA_WEBHOOK_SECRET": "beta-hook-secret"}
    assert webhook_secrets(named) == {"zoom": ZOOM}
    assert webhook_secrets(named, ["beta", "gamma"]) == addresses
    app = webhooks.make_app({name: RECEIVERS["zoom"](secret) for name, secret in addresses.items()}, Inbox(tmp_path))
    body = orjson.dumps({**event(), "payload": {"account_id": "beta-account", "object": {"id": 7}}})
    assert sent(app, "/zoom", body, by_zoom(body, "n1", secret="beta-hook-secret")).status == 401
    assert sent(app, "/zoom/beta", body, by_zoom(body, "n2", secret="beta-hook-secret")).status == 200
    assert [one["account"] for one in kept(tmp_path)] == ["beta-account"]


@pytest.mark.rule("HZ-14")
def test_what_nobody_signed_just_now_is_refused_and_not_kept(app: Starlette, tmp_path: Path) -> None:
    body = orjson.dumps(event())
    good = by_zoom(body)
    minute, now = 60, time.time()
    bad = {
        "none": {},
        "no time": {"x-zm-signature": good["x-zm-signature"]},
        "no number": {**good, "x-zm-request-timestamp": "soon"},
        "odd number": {**good, "x-zm-request-timestamp": "²"},
        "another secret": by_zoom(body, secret="guess"),
        "another body": by_zoom(body + b" "),
        "no ASCII": {**good, "x-zm-signature": "v0=\xe9"},
        "cut": {**good, "x-zm-signature": good["x-zm-signature"][:-1]},
        "another time": {**good, "x-zm-request-timestamp": str(int(now) - 1)},
        "old": by_zoom(body, at=now - 6 * minute),
        "to come": by_zoom(body, at=now + 6 * minute),
    }
    assert {name: sent(app, "/zoom", body, headers).status for name, headers in bad.items()} == dict.fromkeys(bad, 401)
    body = orjson.dumps([CHANGE])
    bad = {
        "none": {},
        "old": by_hubspot(body, at=now - 6 * minute),
        "to come": by_hubspot(body, at=now + 6 * minute),
        "another secret": by_hubspot(body, secret="guess"),
        "another address": by_hubspot(body, uri="https://elsewhere.example/hubspot"),
        "zoom's": by_zoom(body),
    }
    assert {name: sent(app, "/hubspot", body, given).status for name, given in bad.items()} == dict.fromkeys(bad, 401)
    assert kept(tmp_path) == []
    assert sent(app, "/zoom", orjson.dumps(event()), by_zoom(orjson.dumps(event()), at=now - 4 * minute)).status == 200
    only = webhooks.make_app({"zoom": RECEIVERS["zoom"](ZOOM)}, Inbox(tmp_path))
    assert sent(only, "/hubspot", body, by_hubspot(body)).status == 404


def test_hubspot_signs_the_address_that_it_called(tmp_path: Path) -> None:
    body = orjson.dumps([CHANGE])
    for public, host, uri in [
        (URL + "/", "inside:8710", f"{URL}/hubspot?to=a:b/@(c)%20d&x=%E2"),
        ("", "hooks.example.com", "http://hooks.example.com/hubspot?to=a:b/@(c)%20d&x=%E2"),
    ]:
        headers = {**by_hubspot(body, uri=uri), "host": host}
        called = "/hubspot?to=a%3Ab%2f%40%28c%29%20d&x=%E2"
        assert sent(app_of(tmp_path, public), called, body, headers).status == 200


def test_a_request_that_came_is_not_good_twice_and_one_that_was_not_kept_is(
    app: Starlette, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = orjson.dumps(event())
    headers = by_zoom(body, "n1")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    answer = sent(app, "/zoom", body, headers)
    assert (answer.status, b"No space left" in answer.body) == (503, True)
    assert kept(tmp_path) == []
    monkeypatch.undo()
    assert sent(app, "/zoom", body, headers).status == 200
    again = sent(app, "/zoom", body, {**headers, "x-zm-request-id": "n2"})
    assert (again.status, again.body) == (409, b"this very request came before\n")
    assert len(kept(tmp_path)) == 1


@pytest.mark.rule("HZ-14")
def test_zoom_proves_the_address_and_nobody_else_can_have_anything_signed(app: Starlette, tmp_path: Path) -> None:
    challenge = {"event": "endpoint.url_validation", "payload": {"plainToken": "tök"}, "event_ts": 1}
    answer = sent(app, "/zoom", challenge)
    expected = hmac.new(ZOOM.encode(), "tök".encode(), "sha256").hexdigest()
    assert (answer.status, orjson.loads(answer.body)) == (200, {"plainToken": "tök", "encryptedToken": expected})
    forged = sent(app, "/zoom", challenge, by_zoom(orjson.dumps(challenge), secret="guess"))
    assert (forged.status, ZOOM.encode() in forged.body, expected.encode() in forged.body) == (401, False, False)
    assert sent(app, "/zoom", {**challenge, "payload": {}}).status == 400
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/zoom", b"{"),
        ("/zoom", b"[1]"),
        ("/zoom", b'{"event": 7}'),
        ("/zoom", b""),
        ("/zoom", b"[" * 5000),
        ("/hubspot", b"{}"),
        ("/hubspot", b"[1]"),
        ("/hubspot", b"nothing"),
    ],
)
def test_a_signed_body_that_cannot_be_read_is_refused(app: Starlette, tmp_path: Path, path: str, body: bytes) -> None:
    assert sent(app, path, body).status == 400
    assert kept(tmp_path) == []


def test_odd_values_are_taken_all_the_same(app: Starlette, tmp_path: Path) -> None:
    for told in (
        {"event": "x"},
        {"event": "webinar.ended", "event_ts": True, "payload": {"object": [], "account_id": 7}},
    ):
        assert sent(app, "/zoom", told).status == 200
    nested = (
        b'{"event": "webinar.ended", "event_ts": 1e300, "payload": {"object": ' + b'{"id":' * 400 + b"1" + b"}" * 402
    )
    assert sent(app, "/zoom", nested).status == 200
    assert sent(app, "/hubspot", [{}, {"objectId": [1], "occurredAt": -5, "portalId": None}]).status == 200
    assert Inbox(tmp_path).take(Log(tmp_path), run="r") == 5
    assert verify(Log(tmp_path)) == []


def test_a_body_that_is_too_large_or_never_ends_is_refused(
    app: Starlette, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = b'{"event": "' + b"x" * webhooks.BODY_BYTES + b'"}'
    assert sent(app, "/zoom", large).status == 413
    monkeypatch.setattr(webhooks, "BODY_SECONDS", 0.05)
    assert sent(app, "/zoom", event(), is_stuck=True).status == 408
    assert kept(tmp_path) == []


@pytest.mark.rule("HZ-14")
def test_a_burst_is_taken_whole_and_shares_its_writes(app: Starlette, tmp_path: Path) -> None:
    count = 1_000
    bodies = [orjson.dumps(event(85_000_000_000 + at)) for at in range(count)]

    async def burst() -> list[Answer]:
        return await asyncio.gather(*(send(app, "/zoom", body, by_zoom(body)) for body in bodies))

    answers = asyncio.run(burst())
    assert {one.status for one in answers} == {200}
    assert len(Inbox(tmp_path).files()) <= count / 20
    assert sorted(one["payload"].encode() for one in kept(tmp_path)) == sorted(bodies)


def test_a_disk_that_is_slow_or_full_of_waiting_is_said(
    app: Starlette, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "DISK_SECONDS", 0.05)
    monkeypatch.setattr(webhooks, "HELD", 2)
    put = Inbox.put
    monkeypatch.setattr(Inbox, "put", lambda *given: (time.sleep(0.3), put(*given))[1])
    bodies = [orjson.dumps(event(number)) for number in range(1, 6)]

    async def some() -> list[Answer]:
        return await asyncio.gather(*(send(app, "/zoom", body, by_zoom(body)) for body in bodies))

    answers = asyncio.run(some())
    assert {one.status for one in answers} == {503}
    assert sum(b"too much comes at once" in one.body for one in answers) == 3


@pytest.mark.rule("HZ-14")
def test_the_log_takes_each_delivery_once_whatever_breaks_off(
    app: Starlette, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again = orjson.dumps(event()), orjson.dumps(event(download_token="another"))
    assert sent(app, "/zoom", first, by_zoom(first, "n1")).status == 200
    assert sent(app, "/zoom", again, by_zoom(again, "n1")).status == 200, "Zoom tries again, with another token"
    assert sent(app, "/hubspot", [CHANGE, CHANGE]).status == 200
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "inbox", copy)
    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            Inbox(tmp_path).take(Log(tmp_path), run="killed")
    assert len(Inbox(tmp_path).files()) == 3, "in the log, and still here"
    assert Inbox(tmp_path).take(Log(tmp_path), run="next") == 0
    assert Inbox(tmp_path).files() == []
    assert in_log(tmp_path) == [("zoom-account", "n1", first.decode())]
    assert len(in_log(tmp_path, "hubspot")) == 1
    late = {**CHANGE, "attemptNumber": 3}
    assert sent(app, "/hubspot", [late, {**CHANGE, "objectId": 9}]).status == 200
    assert Inbox(tmp_path).take(Log(tmp_path), run="late") == 1
    assert len(in_log(tmp_path, "hubspot")) == 2
    assert verify(Log(tmp_path)) == []
    assert Log(tmp_path).last_read_at() is None, "a delivery does not tell up to when the vendor was read"


def test_a_damaged_file_holds_up_no_other_and_parts_are_swept_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(tmp_path)
    inbox.open()
    monkeypatch.setattr(inboxes, "TAKEN_AT_ONCE", 2)
    when = datetime(2026, 11, 20, tzinfo=UTC)
    for number in range(5):
        inbox.put([Delivery("zoom", "a", f"k{number}", when, "{}")])
    broken = inbox.files()[2]
    broken.write_bytes(broken.read_bytes()[:20])
    part = inbox.folder / "00000000000000000001-x.jsonl.new"
    part.write_bytes(b"half")
    os.utime(part, (1, 1))
    assert inbox.take(Log(tmp_path), run="r") == 4
    assert [path.name for path in inbox.folder.iterdir()] == [broken.with_suffix(".damaged").name]
    assert [key for _, key, _ in in_log(tmp_path)] == ["k0", "k1", "k3", "k4"]


def test_a_delivery_names_its_webinar() -> None:
    assert webinar_named_by(event(84759841045)) == "84759841045"
    assert webinar_named_by(event(name="recording.completed", id="847 5984-1045")) == "84759841045"
    assert webinar_named_by(event(name="meeting.converted_to_webinar")) == "84759841045"
    assert webinar_named_by(event(name="meeting.started")) == ""
    assert webinar_named_by(event(id=None)) == webinar_named_by(event(id="x")) == webinar_named_by([]) == ""
