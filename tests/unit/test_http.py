"""The one way to speak HTTP: what is tried again, what is not, and what never shows in a message."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import (
    AuthError,
    CredentialsError,
    QuotaError,
    RefusedError,
    TransientError,
    UnknownOutcomeError,
)
from pipelines.http import Answer, Api, plain_classify, retry_after
from pipelines.rates import Rate

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DATE = "Fri, 20 Nov 2026 12:00:00 GMT"
Reply = tuple[int, dict[str, str], bytes]


class Badge:
    """Credentials that can be renewed, and count how often they were."""

    def __init__(self, *, is_renewable: bool = True) -> None:
        self.number = 1
        self.is_renewable = is_renewable

    def header(self) -> str:
        return f"Bearer s3cret-{self.number}"

    def renew(self) -> bool:
        self.number += 1
        return self.is_renewable

    def secrets(self) -> Collection[str]:
        return (f"s3cret-{self.number}", "")


class Script:
    """A server on loopback that gives the replies it was given, one a request; None ends the connection."""

    def __init__(self) -> None:
        self.replies: list[Reply | None] = []
        self.seen: list[tuple[str, str, str]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                script.seen.append((self.command, self.path, self.headers.get("Authorization") or ""))
                reply = script.replies.pop(0)
                if reply is None:
                    self.close_connection = True
                    return
                status, headers, body = reply
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(body)), "Date": DATE, **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = "Content-Length" in headers

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def script() -> Iterator[Script]:
    started = Script()
    yield started
    started.server.shutdown()
    started.server.server_close()


def api(script: Script, naps: list[float] | None = None, **more: object) -> Api:
    naps = naps if naps is not None else []
    return Api("vendor", script.url, Badge(), plain_classify("vendor"), sleep=naps.append, **more)  # type: ignore[arg-type]


OK: Reply = (200, {}, b'{"ok":true}')


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("30", NOW + timedelta(seconds=30)),
        ("0.5", NOW + timedelta(seconds=0.5)),
        ("2026-11-21T00:00:00Z", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T00:00:00", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T01:00:00+01:00", datetime(2026, 11, 21, tzinfo=UTC)),
        ("Sat, 21 Nov 2026 00:00:00 GMT", datetime(2026, 11, 21, tzinfo=UTC)),
        ("soon", None),
        ("inf", None),
        ("1e300", None),
        ("nan", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_as_an_http_date_and_as_an_iso_instant(
    told: str | None, expected: datetime | None
) -> None:
    assert retry_after(told, NOW) == expected


@given(st.text())
def test_no_retry_after_whatever_it_says_breaks_the_reading(told: str) -> None:
    moment = retry_after(told, NOW)
    assert moment is None or moment.tzinfo is not None


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        ((503, {}, b"{}"), "a fault of the vendor's own"),
        ((502, {"Content-Type": "text/html"}, b"<html>Bad gateway</html>"), "a proxy's page"),
        ((200, {"Content-Type": "text/html"}, b"<html>Please log in</html>"), "a page where JSON should be"),
        ((200, {}, b'{"ok":tr'), "half a body"),
        ((200, {}, b""), "no body at all"),
        ((200, {"Content-Length": "900"}, b'{"ok"'), "a body that ends before its length"),
        (None, "no answer"),
    ],
)
def test_a_reading_goes_on_after(script: Script, reply: Reply | None, name: str) -> None:
    script.replies = [reply, OK]
    assert api(script).call("GET", "/a", doing=name).data == {"ok": True}


def test_what_stays_broken_is_given_up_after_all_tries(script: Script) -> None:
    script.replies = [(503, {}, b"{}")] * 3
    with pytest.raises(TransientError, match="HTTP 503"):
        api(script, tries=3).call("GET", "/a", doing="a")
    assert len(script.seen) == 3


@pytest.mark.parametrize("reply", [None, (503, {}, b"{}"), (200, {}, b"{")])
def test_a_write_that_may_have_been_done_is_not_sent_again(script: Script, reply: Reply | None) -> None:
    script.replies = [reply, OK]
    with pytest.raises(UnknownOutcomeError):
        api(script).call("POST", "/a", doing="a", json={}, repeatable=False)
    assert len(script.seen) == 1


def test_a_write_that_was_never_sent_is_tried_again() -> None:
    nobody = Api("vendor", "http://127.0.0.1:9", Badge(), plain_classify("vendor"), sleep=lambda _: None, tries=2)
    with pytest.raises(TransientError) as caught:
        nobody.call("POST", "/a", doing="a", repeatable=False)
    assert not isinstance(caught.value, UnknownOutcomeError)


def test_a_refused_limit_is_waited_for_as_long_as_it_says(script: Script) -> None:
    script.replies = [(429, {"Retry-After": "7"}, b"{}"), OK]
    naps: list[float] = []
    api(script, naps).call("GET", "/a", doing="a")
    assert naps == [pytest.approx(7, abs=0.1)]


def test_a_limit_that_opens_tomorrow_is_not_waited_for(script: Script) -> None:
    script.replies = [(429, {"Retry-After": "2026-11-21T00:00:00Z"}, b"{}")]
    naps: list[float] = []
    with pytest.raises(QuotaError) as caught:
        api(script, naps).call("GET", "/a", doing="a")
    assert caught.value.retry_at == datetime(2026, 11, 21, tzinfo=UTC)
    assert naps == []


def test_a_refused_token_is_renewed_once_and_only_once(script: Script) -> None:
    script.replies = [(401, {}, b"{}"), OK, (401, {}, b"{}"), (401, {}, b"{}")]
    client = api(script)
    client.call("GET", "/a", doing="a")
    assert [sent for _, _, sent in script.seen] == ["Bearer s3cret-1", "Bearer s3cret-2"]
    with pytest.raises(AuthError):
        client.call("GET", "/a", doing="a")


def test_a_token_that_is_refused_in_the_last_try_is_told(script: Script) -> None:
    script.replies = [*[(503, {}, b"{}")] * 6, (401, {}, b"{}")]
    with pytest.raises(CredentialsError):
        api(script).call("GET", "/a", doing="a")


def test_a_redirect_is_no_answer(script: Script) -> None:
    script.replies = [(302, {"Location": "http://127.0.0.1:9/elsewhere"}, b"")]
    with pytest.raises(RefusedError, match="HTTP 302"):
        api(script).call("GET", "/a", doing="a")
    assert len(script.seen) == 1


def test_a_status_that_the_caller_accepts_is_an_answer(script: Script) -> None:
    script.replies = [(404, {}, b'{"code":3001}')]
    assert api(script).call("GET", "/a", doing="a", accept=(404,)).data == {"code": 3001}


def test_the_clock_is_the_vendors_and_stands_still_between_answers(script: Script) -> None:
    script.replies = [OK]
    client = api(script)
    client.call("GET", "/a", doing="a")
    assert client.now() == client.now() == NOW


@pytest.mark.parametrize(
    "reply",
    [(400, {}, b'{"message":"token s3cret-1 is bad"}'), (200, {}, b"s3cret-1 <html>"), None],
)
def test_no_secret_and_no_parameter_shows_in_a_message(script: Script, reply: Reply | None) -> None:
    script.replies = [reply] * 2
    with pytest.raises((RefusedError, TransientError)) as caught:
        api(script, tries=2).call("GET", "/a", doing="a", params={"email": "ada@example.com"})
    assert "s3cret" not in str(caught.value)
    assert "ada@example.com" not in str(caught.value)


def test_a_told_limit_replaces_the_documented_one_and_calls_before_it_count_on(script: Script) -> None:
    script.replies = [OK] * 2
    client = api(script, limits={"burst": [Rate(100, 60_000)]})
    for _ in range(2):
        client.call("GET", "/a", doing="a", limit="burst")
    client.set_limit("burst", [Rate(3, 60_000)])
    limiter = client._limiters["burst"]
    assert limiter.seconds_to_wait() == 0
    with limiter.turn():
        assert limiter.seconds_to_wait() > 50


def test_no_password_of_the_machine_takes_the_place_of_the_token(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login me password mine\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    client = api(script)
    client.base_url = "https://vendor.example"
    session = client._session()
    assert session.trust_env, "proxies of the environment are used"
    request = requests.Request("GET", "https://vendor.example/a", headers={"Authorization": "Bearer token"})
    assert session.prepare_request(request).headers["Authorization"] == "Bearer token"


def test_calls_are_spread_as_their_limit_wants(script: Script) -> None:
    script.replies = [OK] * 6
    client = api(script, limits={"slow": [Rate(3, 300)]})
    begun = datetime.now(UTC)
    for _ in range(6):
        client.call("GET", "/a", doing="a", limit="slow")
    assert datetime.now(UTC) - begun >= timedelta(seconds=0.28)
    assert client.called == {"slow": 6}


def test_only_the_statuses_that_invite_another_try_are_transient() -> None:
    classify: Callable[[Answer, str], Exception] = plain_classify("vendor")

    def kind(status: int) -> type[Exception]:
        return type(classify(Answer(status, {}, b"", None, NOW), "a"))

    assert {status: kind(status) for status in (400, 401, 403, 404, 408, 409, 422, 425, 429, 500, 503)} == {
        400: RefusedError,
        401: CredentialsError,
        403: AuthError,
        404: RefusedError,
        408: TransientError,
        409: RefusedError,
        422: RefusedError,
        425: TransientError,
        429: QuotaError,
        500: TransientError,
        503: TransientError,
    }
