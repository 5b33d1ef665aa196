"""Five origins on loopback, each a uvicorn server in a thread of its own, around one state."""

from __future__ import annotations

import asyncio
import socket
import threading
from types import TracebackType
from typing import Any

import orjson
import uvicorn

from pipelines.sandbox.app import Origin, Vendor
from pipelines.sandbox.control import Bench
from pipelines.sandbox.hubspot import HubSpot
from pipelines.sandbox.marketo import Marketo
from pipelines.sandbox.salesforce import Salesforce
from pipelines.sandbox.state import State
from pipelines.sandbox.zoom import Zoom

HOST = "127.0.0.1"
VENDORS = ("zoom", "hubspot", "marketo", "salesforce")
START_SECONDS = 10.0


class Listener(uvicorn.Server):
    """A uvicorn server that ends the moment it is told to, where uvicorn looks ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """At once: no answer is waited for, since every answer is made in one step."""
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def end(self) -> None:
        self.should_exit = self.force_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ended.set)


class Sandbox:
    """The vendors on loopback: control on `port`, Zoom, HubSpot, Marketo, Salesforce on the four after it.

    Port 0 takes five free ports. As a context manager it is running inside the block.
    """

    def __init__(self, world: dict[str, Any], *, port: int = 0, seed: int = 0) -> None:
        self.state = State(world, seed)
        self.port = port
        self.urls: dict[str, str] = {}
        self.control_url = ""
        self._servers: list[Listener] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Listen; returns when all five answer. OSError where a port is taken."""
        names = ("control", *VENDORS)
        sockets: list[socket.socket] = []
        try:
            for at in range(len(names)):
                sockets.append(_listening(self.port + at if self.port else 0))
        except OSError:
            for taken in sockets:
                taken.close()
            raise
        vendors: tuple[Vendor, ...] = (Bench(), Zoom(), HubSpot(), Marketo(), Salesforce())
        for vendor, listening in zip(vendors, sockets, strict=True):
            self._serve(Origin(self.state, vendor), listening)
        found = [f"http://{HOST}:{listening.getsockname()[1]}" for listening in sockets]
        self.control_url = found[0]
        self.urls = dict(zip(VENDORS, found[1:], strict=True))
        deadline = threading.Event()
        for _ in range(int(START_SECONDS * 200)):
            if all(server.started for server in self._servers):
                return
            deadline.wait(0.005)
        self.stop()
        raise OSError(f"the sandbox did not start within {START_SECONDS:.0f} seconds")

    def _serve(self, origin: Origin, listening: socket.socket) -> None:
        config = uvicorn.Config(
            origin,
            lifespan="off",
            loop="asyncio",
            ws="none",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=300,
            timeout_graceful_shutdown=1,
        )
        server = Listener(config)
        origin.connections = server.server_state.connections

        def serve() -> None:
            asyncio.run(server.serve(sockets=[listening]))

        thread = threading.Thread(target=serve, name=f"sandbox-{origin.vendor.name}", daemon=True)
        thread.start()
        self._servers.append(server)
        self._threads.append(thread)

    def stop(self) -> None:
        """Stop listening; open connections are closed."""
        for server in self._servers:
            server.end()
        for thread in self._threads:
            thread.join(5)
        self._servers.clear()
        self._threads.clear()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point a client at this sandbox: base URLs, and the first account's credentials."""
        found = {f"{vendor.upper()}_BASE_URL": url for vendor, url in self.urls.items()}
        account = next(iter(self.state.zoom.values()), None)
        if account is not None:
            found["ZOOM_ACCOUNT_ID"] = str(account.record["account_id"])
            found["ZOOM_CLIENT_ID"] = str(account.record["client_id"])
            found["ZOOM_CLIENT_SECRET"] = str(account.record["client_secret"])
            found["ZOOM_WEBHOOK_SECRET"] = str(account.record["webhook_secret"])
        portal = next(iter(self.state.hubspot.values()), None)
        if portal is not None:
            found["HUBSPOT_ACCESS_TOKEN"] = str(portal.record["access_token"])
            found["HUBSPOT_CLIENT_SECRET"] = str(portal.record["client_secret"])
        instance = next(iter(self.state.marketo.values()), None)
        if instance is not None:
            found["MARKETO_CLIENT_ID"] = str(instance.record["client_id"])
            found["MARKETO_CLIENT_SECRET"] = str(instance.record["client_secret"])
        org = next(iter(self.state.salesforce.values()), None)
        if org is not None:
            found["SALESFORCE_CLIENT_ID"] = str(org.record["client_id"])
            found["SALESFORCE_CLIENT_SECRET"] = str(org.record["client_secret"])
            found["SALESFORCE_USERNAME"] = str(org.record["integration_user"])
        return found

    def world(self) -> dict[str, Any]:
        """The world as it is now, in the format of a world file."""
        document = orjson.loads(self.state.dump())
        assert isinstance(document, dict)
        return document

    def put_world(self, world: dict[str, Any]) -> None:
        """Replace the world. WorldError, naming the path, where it cannot be one."""
        self.state.put(world)

    def set_clock(self, iso: str) -> None:
        """Stand still at another instant."""
        with self.state.lock:
            self.state.clock.set(iso)

    def set_faults(self, faults: dict[str, Any]) -> None:
        """Replace the faults; see `faults.py` for what may stand in them."""
        with self.state.lock:
            self.state.faults.put(faults)

    def requests(self) -> list[dict[str, Any]]:
        """Every request that came, in order."""
        with self.state.lock:
            return list(self.state.requests)

    def clear_requests(self) -> None:
        with self.state.lock:
            self.state.requests.clear()


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"port {port} of {HOST} is taken") from error
    listening.listen(128)
    return listening
