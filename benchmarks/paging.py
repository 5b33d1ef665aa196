"""A server that takes 100 ms for every answer, and our readers asking it for the reports of many sessions at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LATENCY_SECONDS = 0.1
AT_ONCE = 32
REQUESTS = 640
ROW = (
    b'{"id":"","user_id":"%d","name":"Anna M","user_email":"anna%d@example.com","join_time":"2026-09-11T10:04:17Z",'
    b'"leave_time":"2026-09-11T11:03:14Z","duration":3537,"status":"in_meeting","registrant_id":"r%d"}'
)
BODY = (
    b'{"page_size":300,"next_page_token":"","participants":[' + b",".join(ROW % (n, n, n) for n in range(300)) + b"]}"
)


class Slow(BaseHTTPRequestHandler):
    """Answers every GET with one page, after the latency."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Wait, and answer."""
        time.sleep(LATENCY_SECONDS)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def setup(self) -> None:
        """Answer at once, without waiting for more to send."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


@contextmanager
def server() -> Iterator[str]:
    """Run the server, and give its address."""
    served = _Server(("127.0.0.1", 0), Slow)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{served.server_address[1]}"
    finally:
        served.shutdown()


def read(url: str, requests: int = REQUESTS, at_once: int = AT_ONCE) -> float:
    """Ask for so many reports by the readers' own means; return the share of the rate that the latency allows."""
    from pipelines.http import Api, plain_classify
    from pipelines.vendors.reading import in_order
    from pipelines.vendors.zoom.client import read_page

    class Nobody:
        """No credentials."""

        def header(self) -> str:
            """Return none."""
            return ""

        def renew(self) -> bool:
            """There is nothing newer."""
            return False

        def secrets(self) -> tuple[str, ...]:
            """There are none."""
            return ()

    api = Api("zoom", url, Nobody(), plain_classify("zoom"))

    def report(number: int) -> int:
        page = api.call("GET", f"/report/webinars/{number}/participants", doing="a report", decode=read_page).data
        return len(page.participants)

    started = time.perf_counter()
    rows = sum(count for _, count in in_order(report, range(requests), at_once))
    took = time.perf_counter() - started
    assert rows == 300 * requests
    return (requests / took) / (at_once / LATENCY_SECONDS)
