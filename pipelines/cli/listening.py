"""The command that listens: webhooks."""

from __future__ import annotations

import socket
from typing import Annotated
from urllib.parse import urlsplit

import typer

from pipelines.cli.output import say, workspace
from pipelines.errors import SettingsError, UsageError


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(webhooks)


def webhooks(
    host: Annotated[str, typer.Option("--host", help="Where to listen; by default this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any free one.")] = 8710,
    public_url: Annotated[
        str, typer.Option("--public-url", metavar="URL", help="Where the vendors see us: https://hooks.example.com.")
    ] = "",
) -> None:
    """Take webhooks of Zoom and HubSpot, until interrupted; the next run computes and publishes what they tell."""
    from pipelines import settings
    from pipelines.inbox import Inbox
    from pipelines.vendors.registry import RECEIVERS
    from pipelines.webhooks import make_app, serve

    opened = workspace()
    brands = opened.settings.connections.zoom
    secrets = settings.webhook_secrets(opened.environment, brands)
    if not secrets:
        variables = " or ".join(settings.signed_with(brands).values())
        raise SettingsError(f"no webhook can be checked: set {variables}; the vendor's app shows it.")
    if public_url and (urlsplit(public_url).scheme not in ("http", "https") or not urlsplit(public_url).netloc):
        raise UsageError(f"--public-url: {public_url!r} is no address; write it like https://hooks.example.com.")
    receivers = {address: RECEIVERS[address.partition("/")[0]](secret) for address, secret in secrets.items()}
    app = make_app(receivers, Inbox(opened.home), public_url)
    try:
        listening = socket.create_server((host, port), backlog=2048)
    except OSError as error:
        raise UsageError(f"cannot listen at {host}, port {port}: {error.strerror or error}.") from None
    where = public_url.rstrip("/") or f"http://{host}:{listening.getsockname()[1]}"
    told = " and ".join(f"{address} at {where}/{address}" for address in secrets)
    serve(app, listening, lambda: say(f"listening for {told}. Ctrl-C stops it."))
