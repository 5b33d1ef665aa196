"""Answers that no vendor documents: a stream fails with a message at most, and one odd record costs no other."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given, note

from tests.fuzz.odd import TEXTS, Dice, bent, dice, often, raw, torn, value
from tests.fuzz.wire import Pad, Script, Told, read, with_bent, written_down

STATUSES = (
    200,
    200,
    200,
    201,
    202,
    204,
    206,
    301,
    302,
    400,
    401,
    403,
    404,
    409,
    410,
    414,
    418,
    423,
    429,
    477,
    500,
    503,
    599,
)
ROOTS = {"users", "instances", "webinars", "session_reports", "forms", "properties"}
"""Streams that others look into."""
NEXT = re.compile(
    r"again next run|Check |Check the network|status page|Add |Asking again cannot help|another try may help"
    r"|it is tried again|It is tried again|not read, since"
)
HTML = b"<!doctype html><html><head><title>Sign in</title></head><body>Proxy</body></html>"
DATES = (*TEXTS, "Fri, 20 Nov 2026 12:00:00 GMT", "Fri, 20 Nov 99999999999999 12:00:00 GMT", "1e30", "-5", "nan")
HEADERS = {
    "Date": DATES,
    "Retry-After": DATES,
    "Content-Type": ("text/html", "application/json;charset=utf-16", "", "x/y", "image/png"),
    "X-HubSpot-RateLimit-Max": ("²", "0", "-1", "1" * 30, "x"),
    "X-HubSpot-RateLimit-Interval-Milliseconds": ("0", "9" * 14, "²", "1"),
    "X-HubSpot-RateLimit-Daily-Remaining": ("²", "-1", "x", "9" * 30),
    "X-RateLimit-Type": ("Daily-limit", "x"),
    "Location": ("http://[::1", "https://evil.example", "//"),
    "Content-Encoding": ("gzip",),
}


class Vendor:
    """A vendor as it was written down once."""

    def __init__(self, name: str) -> None:
        self.told = (name, *written_down(name))


@pytest.fixture(scope="module", params=["zoom", "hubspot"])
def vendor(request: Any) -> Vendor:
    return Vendor(request.param)


def streams_of(vendor: str, script: Script, told: Told) -> list[str]:
    """The stream that asked, and those that may look at what it left."""
    names = list(dict.fromkeys(one.stream for one in script.told))
    if vendor == "hubspot":
        activities = [name for name in ("calls", "emails", "meetings", "notes", "tasks") if name == told.stream]
        follow = {"forms": ["form_submissions"]} | {name: ["deals", "companies"] for name in activities}
        return [name for name in names if name in (told.stream, *follow.get(told.stream, ()))]
    if told.stream == "instances" or told.stream not in ROOTS:
        after = [name for name in names if told.stream == "instances" and name != "webinars"]
    else:
        after = [name for name in names[names.index(told.stream) :] if name not in ("instances", "email_events")]
    read_again = ["report_reads"] if told.stream in ("participants", "report_reads") else []
    return list(dict.fromkeys([*(["participants"] if read_again else []), told.stream, *read_again, *after]))


def stripped(pad: Pad, streams: list[str], vendor: str) -> Pad:
    """A pad as it was before these streams were read."""
    found = Pad()
    found.rows = {key: dict(rows) for key, rows in pad.rows.items() if key[1] not in streams}
    found.cursors_ = {key: told for key, told in pad.cursors_.items() if key[1] not in streams}
    found.scopes = dict(pad.scopes)
    found.versions = {key: number for key, number in pad.versions.items() if key[1] not in streams}
    assert all(key[0] == vendor for key in found.rows)
    return found


def told_well(receipt: Any, pad: Pad) -> None:
    """What failed says where, why and what to do."""
    for why in receipt.failed.values():
        assert NEXT.search(why), why
        assert why.startswith(("zoom", "hubspot", "not read, since")), why
        assert len(why) < 3_000
    for text in receipt.notes:
        assert text.startswith(("zoom: ", "hubspot: ")), text
    orjson.dumps([receipt.failed, receipt.notes])


def odd_answer(dice: Dice, told: Told) -> dict[str, Any]:
    """Another answer instead."""
    document = orjson.loads(told.content) if told.content else {}
    kind = dice.randrange(9)
    if kind <= 3:
        content = orjson.dumps(bent(dice, document))
    elif kind == 4:
        content = raw(dice, document)
    elif kind == 5:
        content = torn(dice, told.content)
    elif kind == 6:
        content = orjson.dumps(value(dice))
    elif kind == 7:
        content = dice.choice((b"", b" ", HTML, b"OK", b"\xff\xfe", b"null", b"[]", b"{}", b'""', HTML[:10]))
    else:
        content = told.content
    how: dict[str, Any] = {"content": content}
    if kind >= 7 or dice.random() < 0.1:
        how["status"] = dice.choice(STATUSES)
    if kind == 8 or dice.random() < 0.1:
        name = dice.choice(list(HEADERS))
        how["headers"] = {**told.headers, name: dice.choice(HEADERS[name])}
    return how


@pytest.mark.rule("HZ-28", "EV-12")
@given(dice)
@often("vendors' answers", share=0.25)
def test_an_answer_of_any_shape_fails_its_streams_at_most(vendor: Vendor, dice: Dice) -> None:
    name, script, whole, environment = vendor.told
    told = dice.choice(script.told)
    how = odd_answer(dice, told)
    note(f"{told.key[0]} {told.key[1]} {how!r}")
    streams = streams_of(name, script, told)
    pad = stripped(whole, streams, name)
    receipt = read(name, with_bent(script, told, **how), pad, environment, streams)
    told_well(receipt, pad)
    again = read(name, script, pad, environment, streams)
    told_well(again, pad)
    assert set(again.failed) <= set(receipt.failed) | {"contacts"}, (receipt.failed, again.failed)


@pytest.mark.rule("EV-12")
@given(dice)
@often("vendors' answers", share=0.25)
def test_one_odd_record_costs_no_other_of_its_page(vendor: Vendor, dice: Dice) -> None:
    name, script, whole, environment = vendor.told
    pages = [one for one in script.told if len(one.rows()[1]) > 1]
    told = dice.choice(pages)
    where, rows = told.rows()
    at = dice.randrange(len(rows))
    odd = bent(dice, rows[at]) if dice.random() < 0.85 else value(dice)
    note(f"{told.key[0]} {told.key[1]} {where}[{at}] = {odd!r}")
    page = {**orjson.loads(told.content), where: [*rows[:at], odd, *rows[at + 1 :]]}
    streams = streams_of(name, script, told)
    pad = stripped(whole, streams, name)
    receipt = read(name, with_bent(script, told, content=orjson.dumps(page)), pad, environment, streams)
    told_well(receipt, pad)
    assert told.stream not in receipt.failed, receipt.failed
    before, after = (held.rows.get((name, told.stream), {}) for held in (whole, pad))
    mine = {key for key, content in before.items() if orjson.loads(content) == rows[at] or about(rows[at], key)}
    lost = {key for key in before.keys() - after.keys() if key not in mine}
    assert lost == set()
    if not isinstance(odd, dict) and told.stream not in ("contacts", "webinars", "session_reports"):
        assert any("left out" in text for text in receipt.notes), receipt.notes


def about(row: Any, key: str) -> bool:
    """Whether a key of the log is of this record."""
    ids = [row.get(name) for name in ("id", "uuid", "meeting_uuid", "conversionId", "user_id", "name")]
    return any(str(one) in key.split("|") or str(one) == key for one in ids if one)
