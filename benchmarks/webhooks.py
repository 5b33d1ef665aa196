"""A burst of webhooks against the server as it is run: `python -m benchmarks.webhooks --requests 1000`.

Starts `turnout webhooks` on an empty folder, opens a connection for each request, sends all signed requests at once, and
prints how long each waited for its answer, in seconds. Zoom waits three. Sender and server share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from pipelines.inbox import Inbox

SECRET = "a-secret-of-this-measurement"
HOST = "127.0.0.1"
BUDGET = 3.0
"""Seconds that Zoom waits for an answer."""


def request(number: int, port: int) -> bytes:
    """Return a signed request as it goes over the wire."""
    thing = {"uuid": f"u{number}", "id": 84_000_000_000 + number, "topic": "Burst", "registrant": {"id": f"r{number}"}}
    told = {"event": "webinar.registration_created", "event_ts": 1_795_000_000_000 + number}
    body = orjson.dumps(told | {"payload": {"account_id": "zoom-account", "object": thing}})
    stamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, "sha256").hexdigest()
    head = [
        "POST /zoom HTTP/1.1",
        f"host: {HOST}:{port}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        f"x-zm-request-timestamp: {stamp}",
        f"x-zm-signature: v0={digest}",
        "connection: close",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def sent(requests: list[bytes], port: int) -> list[tuple[str, float]]:
    """Send all at once; return the status of each and the seconds from before its connection to its answer."""

    async def one(content: bytes) -> tuple[str, float]:
        began = time.perf_counter()
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(content)
        line = await reader.readline()
        waited = time.perf_counter() - began
        writer.close()
        return line.decode().split()[1] if line else "none", waited

    return list(await asyncio.gather(*map(one, requests)))


def measured(count: int, home: Path) -> dict[str, Any]:
    """Start the server, send the burst, and return what it took."""
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "TURNOUT_HOME": str(home / "turnout")}
    env |= {"ZOOM_ACCOUNT_ID": "zoom-account", "ZOOM_WEBHOOK_SECRET": SECRET}
    words = [str(Path(sys.executable).with_name("turnout")), "webhooks", "--host", HOST, "--port", "0"]
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            line = server.stderr.readline()
            port = int(line.split(f"http://{HOST}:")[1].split("/")[0])
            answers = asyncio.run(sent([request(number, port) for number in range(count)], port))
        finally:
            server.terminate()
    waited = sorted(seconds for _, seconds in answers)
    files = Inbox(home / "turnout").files()
    kept = sum(len(path.read_bytes().splitlines()) for path in files)
    return {
        "requests": count,
        "answers": dict(Counter(status for status, _ in answers)),
        "median_seconds": round(waited[len(waited) // 2], 3),
        "slowest_seconds": round(waited[-1], 3),
        "budget_seconds": BUDGET,
        "kept": kept,
        "files": len(files),
    }


def main() -> None:
    """Measure, print, and fail where something was lost."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.webhooks", description=__doc__.partition("\n")[0])
    words.add_argument("--requests", type=int, default=1_000)
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(given.requests, Path(folder))
    sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    if found["kept"] != given.requests or found["answers"] != {"200": given.requests}:
        sys.exit("not every request was kept and answered")


if __name__ == "__main__":
    main()
