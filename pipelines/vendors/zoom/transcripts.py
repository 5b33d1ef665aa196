"""What was said: transcripts of recordings, as WebVTT.

Facts, from https://developers.zoom.us/docs/api/meetings/#tag/cloud-recording (read 2026-11):

- A recording lists its files; one of type TRANSCRIPT is WebVTT. It comes later than the video, minutes to hours.
- Its `download_url` is at a host of zoom.us, takes the token in the header, and leads on to a store elsewhere whose
  link proves itself. The token is no business of that store: it stays behind.
- A page for people, with status 200, is what comes where a download is not allowed.

The text is kept as it came, in an envelope that names session and file. What is in a transcript changes no more, so
each is read once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import orjson

from pipelines.errors import AuthError, CredentialsError, RefusedError
from pipelines.events import Batch, Record
from pipelines.http import Answer, Api, ClientSecret
from pipelines.log import Log
from pipelines.vendors.reading import Whole, batches, moment
from pipelines.vendors.zoom.client import ZoomClient, classify
from pipelines.vendors.zoom.run import Run, nobody

ZOOM = "zoom.us"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
LONGEST = 10 * 1024 * 1024
"""Bytes of a transcript; ten hours of talk are about one million."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class File(NamedTuple):
    """One transcript that a recording lists."""

    session: str
    name: str
    url: str
    begun: str
    ended: datetime

    @property
    def key(self) -> str:
        """What it is known by in the log."""
        return f"{self.session}|{self.name}"


def transcripts(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the transcripts of recordings that may be synced and that the log lacks; one that is refused is left."""
    if run.is_transcribed is nobody:
        return
    held = frozenset() if run.again else run.latest(log, "transcripts").keys()
    refused = set((cursor or {}).get("refused", ()))
    wanted = {
        file.key: file
        for uuid, told in run.latest(log, "recordings").items()
        for file in _files(uuid, told, run.now())
        if file.key not in held and (run.again or file.key not in refused) and _is_wanted(run, log, told)
    }

    def read(key: str) -> bytes | str:
        file = wanted[key]
        try:
            return _downloaded(run.client, file.url, f"the transcript of session {file.session}")
        except RefusedError as error:
            return str(error)

    def wholes() -> Iterator[Whole]:
        why = ""
        for key, content in run.each(sorted(wanted), read, "transcripts"):
            file = wanted[key]
            if isinstance(content, str):
                refused.add(key)
                why = why or content
            else:
                refused.discard(key)
                text = content.decode("utf-8-sig", "replace").replace("\x00", "\ufffd")
                told = {"session": file.session, "file": file.name, "start": file.begun, "text": text}
                yield Whole("", (Record(key, file.ended, orjson.dumps(told), file.session),), is_complete=False)
        if why:
            run.note(f"zoom: transcripts were refused, and are asked for again by `turnout sync WEBINAR`: {why}")

    yield from batches(wholes(), run.now, cursor=lambda: {"refused": sorted(refused)})


def _is_wanted(run: Run, log: Log, recording: Mapping[str, Any]) -> bool:
    webinar = str(recording.get("id") or "")
    host = str(recording.get("host_email") or "").strip().lower() or run.host(log, webinar)
    return run.wants(log, webinar) and run.is_transcribed(host)


def _files(uuid: str, recording: Mapping[str, Any], now: datetime) -> Iterator[File]:
    """Yield the transcripts of a recording that are there to be read."""
    listed = recording.get("recording_files")
    for file in listed if isinstance(listed, list) else ():
        if not isinstance(file, dict) or file.get("file_type") != "TRANSCRIPT" or file.get("deleted_time"):
            continue
        name, url = file.get("id"), file.get("download_url")
        if isinstance(name, str) and isinstance(url, str) and file.get("status", "completed") == "completed":
            begun = file.get("recording_start")
            ended = moment(file.get("recording_end"), moment(recording.get("start_time"), now))
            yield File(uuid, name, url, begun if isinstance(begun, str) else "", ended)


def _downloaded(client: ZoomClient, url: str, doing: str) -> bytes:
    """Return what a link leads to, as far as it leads.

    Raises:
        RefusedError: it is no transcript, is too long, or leads to where we do not go.
        VendorError: it cannot be read now.
    """
    for _ in range(MOST_REDIRECTS):
        answer = _asked(client, url, doing)
        if answer.status not in REDIRECTS:
            if not answer.body.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"WEBVTT"):
                raise RefusedError(
                    f"zoom gave {doing} as something that is no WebVTT. See that the app may download recordings.",
                    vendor="zoom",
                    status=answer.status,
                )
            return answer.body
        url = urljoin(url, answer.headers.get("Location", ""))
    raise RefusedError(f"zoom sends whoever asks for {doing} on and on.", vendor="zoom")


def _asked(client: ZoomClient, url: str, doing: str) -> Answer:
    """Ask for a link, with our token where it is Zoom's own."""
    there, ours = urlsplit(url), urlsplit(client.api.base_url)
    if there.scheme not in ("https", ours.scheme) or not there.netloc:
        raise RefusedError(f"zoom has {doing} at an address that is not https; it is not read.", vendor="zoom")
    name = there.hostname or ""
    is_zooms = there.scheme == "https" and (name == ZOOM or name.endswith(f".{ZOOM}"))
    is_trusted = is_zooms or (there.scheme, there.netloc) == (ours.scheme, ours.netloc)
    api = Api(
        "zoom",
        f"{there.scheme}://{there.netloc}",
        client.credentials if is_trusted else ClientSecret("", ""),
        classify,
        sleep=client.api.sleep,
        longest_body=LONGEST,
    )
    path = f"{there.path}?{there.query}" if there.query else there.path
    try:
        return api.call("GET", path, doing=doing, headers={"Accept": "*/*"}, accept=REDIRECTS, decode=bytes)
    except CredentialsError as error:  # who we are was good enough for all else
        raise AuthError(
            f"{error} See that the app may read recordings.", vendor="zoom", status=error.status, code=error.code
        ) from None
