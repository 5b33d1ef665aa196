"""Transcripts of Zoom's recordings: where they are asked for, with what, and what is taken for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from readings import Desk, desk
from test_zoom_source import PAST, RAN, world

from pipelines.ingest import ingest
from pipelines.vendors.zoom import ZoomSource, transcripts

ALL = {"recordings": "all"}
GOOD, PAGE, LONG, ELSEWHERE = "a good one", "a page", "endless", "somewhere else"


@pytest.fixture
def zoom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A session with a transcript that can be read, and three that cannot."""
    monkeypatch.setattr(transcripts, "LONGEST", 1_000)
    told: dict[str, Any] = world()
    texts = {GOOD: "WEBVTT\n\n\x00é", PAGE: "<html>WEBVTT</html>", LONG: "WEBVTT\n" + "\n" * 1_000}
    files = [{"id": name, "file_type": "TRANSCRIPT", "content": text} for name, text in texts.items()]
    files.append({"id": ELSEWHERE, "file_type": "TRANSCRIPT", "download_url": "file:///etc/hostname"})
    files.append({"id": "video", "file_type": "MP4"})
    told["zoom"][0]["webinars"][0]["instances"][0]["recordings"] = {"recording_files": files}
    with desk(told, "zoom", tmp_path) as opened:
        yield opened


@pytest.mark.rule("HZ-26")
def test_what_is_no_transcript_is_left_until_somebody_asks_for_it_again(zoom: Desk) -> None:
    receipt = zoom.read(sync=ALL)
    assert receipt.failed == {}
    (note,) = [note for note in receipt.notes if "transcripts were refused" in note]
    assert "turnout sync" in note
    assert {key: told["text"] for key, told in zoom.latest("transcripts").items()} == {
        f"{RAN}|{GOOD}": "WEBVTT\n\n\ufffdé"
    }
    assert sorted(zoom.asked("/rec/download/")) == [f"/rec/download/{quote(name)}" for name in (GOOD, PAGE, LONG)]
    zoom.read(sync=ALL)
    assert zoom.asked("/rec/") == []
    source = zoom.source(sync=ALL)
    assert isinstance(source, ZoomSource)
    zoom.sandbox.clear_requests()
    ingest(source.of_webinar(str(PAST)), zoom.log, run="again", streams=["recordings", "transcripts"])
    assert len(zoom.asked("/rec/download/")) == 3


@pytest.mark.rule("HZ-26")
def test_a_fault_on_the_way_is_waited_out_and_a_link_is_never_shown(zoom: Desk) -> None:
    zoom.fault({"kind": "status", "status": 403, "body": {"message": "no"}, "path": "/rec/file/", "times": 3})
    receipt = zoom.read(sync=ALL)
    assert [note for note in receipt.notes if "HTTP 403" in note and "sign=" not in note]
    assert "sign=" not in str(receipt)
    zoom.fault({"kind": "status", "status": 500, "path": "/rec/download/", "times": 2})
    again = zoom.source(sync=ALL)
    assert isinstance(again, ZoomSource)
    assert ingest(again.of_webinar(str(PAST)), zoom.log, run="again", streams=["transcripts"]).failed == {}
    assert zoom.latest("transcripts").keys() == {f"{RAN}|{GOOD}"}


def test_an_app_that_may_not_download_fails_this_stream_alone(zoom: Desk) -> None:
    refused = {"kind": "status", "status": 401, "body": {"code": 124, "message": "Invalid access token."}}
    zoom.fault({**refused, "path": "/rec/download/"})
    receipt = zoom.read(sync=ALL)
    assert list(receipt.failed) == ["transcripts"]
    assert "may read recordings" in receipt.failed["transcripts"]
