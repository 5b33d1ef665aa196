"""The server that vendors send webhooks to: checks who sent it, puts it on the disk, then says yes.

It neither reads nor writes the log, so it answers while a run holds TURNOUT_HOME. Requests that come while the disk is
busy share the next write, so a burst costs a few of them.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.errors import DeliveryError
from pipelines.inbox import Call, Delivery, Inbox, Receiver
from pipelines.vendors.signing import LIVES_MS

BODY_BYTES = 1_000_000
"""Larger bodies are refused unread; the vendors' own are a tenth of it at most."""
BODY_SECONDS = 1.0
DISK_SECONDS = 1.5
"""Zoom waits three seconds for an answer, HubSpot five: after this we say no, and the vendor sends it again."""
HELD = 10_000
"""Requests that wait for the disk at once; further ones are told to come again."""


class Shelf:
    """Puts what many requests bring on the disk together."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._held: list[tuple[Sequence[Delivery], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Return when the deliveries are on the disk.

        Raises:
            DeliveryError: they are not, or not in time; the vendor should send them again.
        """
        if len(self._held) >= HELD:
            raise DeliveryError("too much comes at once; send it again", status=503)
        done = asyncio.get_running_loop().create_future()
        self._held.append((deliveries, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        try:
            await asyncio.wait_for(done, DISK_SECONDS)
        except TimeoutError:
            raise DeliveryError("the disk did not take it in time; send it again", status=503) from None
        except OSError as error:
            raise DeliveryError(f"the disk refuses: {error.strerror or error}; send it again", status=503) from None

    async def _write(self) -> None:
        while self._held:
            together, self._held = self._held, []
            problem: OSError | None = None
            try:
                await asyncio.to_thread(self._inbox.put, [one for some, _ in together for one in some])
            except OSError as error:
                problem = error
            for _, done in together:
                if done.done():
                    continue  # it was told to come again
                if problem is None:
                    done.set_result(None)
                else:
                    done.set_exception(problem)


class Seen:
    """Signatures that came while they were good, so that none is good twice."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}

    def add(self, vendor: str, signature: str) -> None:
        """Remember a signature.

        Raises:
            DeliveryError: it came before.
        """
        now = time.monotonic()
        while self._until and next(iter(self._until.values())) < now:
            del self._until[next(iter(self._until))]
        if (vendor, signature) in self._until:
            raise DeliveryError("this very request came before", status=409)
        self._until[vendor, signature] = now + 2 * LIVES_MS / 1000  # its time may be that far ahead of ours

    def forget(self, vendor: str, signature: str) -> None:
        """Let a request that was not kept come again."""
        self._until.pop((vendor, signature), None)


class Endpoint:
    """One vendor's address."""

    def __init__(self, vendor: str, receiver: Receiver, shelf: Shelf, seen: Seen, public_url: str) -> None:
        self._vendor = vendor
        self._receiver = receiver
        self._shelf = shelf
        self._seen = seen
        self._public_url = public_url

    async def __call__(self, request: Request) -> Response:
        """Check, keep, answer."""
        try:
            body = await _body(request)
            call = Call(self._address(request), request.headers, body, datetime.now(UTC))
            received = self._receiver.receive(call)
            self._seen.add(self._vendor, received.signature)
            if received.deliveries:
                try:
                    await self._shelf.keep(received.deliveries)
                except BaseException:
                    self._seen.forget(self._vendor, received.signature)
                    raise
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except DeliveryError as error:
            sys.stderr.write(f"turnout: {self._vendor}: refused with {error.status}: {error}\n")
            return Response(f"{error}\n", error.status, media_type="text/plain")
        return Response(received.answer, media_type="application/json")

    def _address(self, request: Request) -> str:
        """Return the address that the vendor called, which a proxy before us may have changed."""
        path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0]
        query = request.scope["query_string"].decode("latin-1")
        before = self._public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
        return f"{before}{path}{f'?{query}' if query else ''}"


async def _body(request: Request) -> bytes:
    """Read a body while it is small and comes quickly.

    Raises:
        DeliveryError: it is not, or does not.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > BODY_BYTES:
                    raise DeliveryError(f"the body has more than {BODY_BYTES:,} bytes", status=413)
                parts.append(part)
    except TimeoutError:
        raise DeliveryError("the body did not come in time", status=408) from None
    return b"".join(parts)


def make_app(receivers: Mapping[str, Receiver], inbox: Inbox, public_url: str = "") -> Starlette:
    """Return the ASGI app: POST to the address of each receiver, a vendor's name, or that and a brand: `zoom/beta`.

    Args:
        public_url: where the vendors see us, without the path: HubSpot signs the address that it calls.
    """
    inbox.open()
    shelf, seen = Shelf(inbox), Seen()
    return Starlette(
        routes=[
            Route(f"/{name}", Endpoint(name, one, shelf, seen, public_url.rstrip("/")).__call__, methods=["POST"])
            for name, one in receivers.items()
        ]
    )


def serve(app: Starlette, listening: socket.socket, started: Callable[[], None]) -> None:
    """Answer until told to stop; what is being written then is written, and answered."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGINT, signal.SIGTERM):  # before uvicorn does, and when it raises it again at its end
        signal.signal(number, server.handle_exit)
    started()
    server.run(sockets=[listening])
