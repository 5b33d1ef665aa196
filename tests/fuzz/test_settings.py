"""Settings that nobody would write: each is either taken or refused with place, reason and next step."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, note

from pipelines import settings
from pipelines.errors import SettingsError
from tests.company import ROOT
from tests.fuzz.odd import INPUTS, TEXTS, Dice, bent, dice, often, torn, value

SHIPPED = (ROOT / "turnout.toml").read_text(encoding="utf-8")
FULL = """
[sync]
webinars = true
new_webinars = true
recordings = "selected"
[sync.users."host@example.com"]
new_webinars = false
recordings = true
[sync.webinars]
"847-5984-1045" = true
"84759841046" = false
[exclusions]
host_domains = ["acme.com", "*.acme.com"]
recording_domains = ["x.example"]
contacts = ["a@b.com", "b.com", "*.b.com"]
[attendance]
count_panelists = false
[identity]
secondary_emails = "attribute"
[activities]
since = 2020-01-01T00:00:00Z
bots = "exclude"
time_zone = "Europe/Paris"
[activities.form_submission]
sync = true
task_type = "Call"
[ingest]
years = 3
overlap_minutes = 30
[imports]
time_zone = "UTC"
[hubspot]
api_version = "v3"
[fuses]
delete_share = 0.1
create_at_least = 500
"""
LINES = (
    "[" * 40,
    "a = " + "[" * 3_000,
    "a = " + "{a=" * 2_000,
    "years = " + "9" * 5_000,
    "since = 2020-13-01",
    "since = 2020-01-01",
    "since = 0001-01-01T00:00:00+23:59",
    "since = 9999-12-31T23:59:59-23:59",
    "since = 12:00:00",
    "delete_share = nan",
    "delete_share = -inf",
    "webinars = 0x7fffffffffffffffffffffff",
    '"\\u001b[31m" = 1',
    '"\\ud800" = 1',
    "[sync.webinars]",
    '"999999999999999999999999" = true',
    '"84759841045" = true',
    '"" = true',
    "[[sync]]",
    "sync = 1",
    "[sync.users]",
    '"x" = 1',
    '"""',
    "'''\n",
    "\x00",
    "\ufeff",
    "\r",
    "# " + "x" * 10_000,
    "contacts = " + repr(list(TEXTS[:12])).replace("'", '"'),
)
UTF8 = SHIPPED.encode()


def settings_file(dice: Dice) -> bytes:
    """A settings file: torn, with a line that does not belong, or with entries of another kind."""
    kind = dice.randrange(4)
    text = dice.choice((SHIPPED, FULL, FULL))
    if kind == 0:
        return torn(dice, text.encode())
    if kind == 1:
        lines = text.splitlines()
        for _ in range(dice.randrange(1, 4)):
            lines.insert(dice.randrange(len(lines) + 1), dice.choice(LINES))
        return "\n".join(lines).encode("utf-8", "surrogatepass")
    told = tomllib.loads(settings.WEBINAR_TABLE.sub(r"\1by_webinar]", FULL))
    return toml(bent(dice, told)).encode("utf-8", "replace") if kind == 2 else torn(dice, toml(told).encode())


def toml(told: Any) -> str:
    """Write a document as TOML, tables within tables, as far as it can be."""
    if not isinstance(told, dict):
        return word(told)
    return "\n".join(f"{orjson.dumps(str(name)).decode()} = {word(inner)}" for name, inner in told.items())


def word(told: Any) -> str:
    if told is None:
        return "nothing"
    if isinstance(told, dict):
        return (
            "{" + ", ".join(f"{orjson.dumps(str(name)).decode()} = {word(inner)}" for name, inner in told.items()) + "}"
        )
    if isinstance(told, list):
        return "[" + ", ".join(map(word, told)) + "]"
    if isinstance(told, str | bool):
        return orjson.dumps(told).decode()
    return str(told)


@pytest.mark.rule("EV-13")
@given(dice)
@often("settings files")
def test_a_settings_file_is_taken_or_refused_with_what_is_wrong(tmp_path_factory: Any, dice: Dice) -> None:
    path = tmp_path_factory.getbasetemp() / "turnout.toml"
    content = settings_file(dice)
    note(repr(content[:2_000]))
    path.write_bytes(content)
    try:
        taken = settings.load(path)
    except SettingsError as error:
        assert_helps(str(error), path)
    else:
        assert settings.parse(taken.model_dump()) == taken
        orjson.dumps(taken.meaning())
        assert taken.may_be_in_scope("84759841045", "a@b.example") in (True, False)


def assert_helps(said: str, path: Path) -> None:
    """A message that names the file, and the line or the entry, and can be shown on a terminal."""
    first, *wrong = said.split("\n")
    assert str(path) in first
    assert (
        "Mend that line" in first or "Save the file as UTF-8" in first or first.endswith(("wrong entry:", "entries:"))
    )
    assert wrong or not first.endswith(":")
    for line in wrong:
        name, _, reason = line.partition(": ")
        assert line.startswith("  ")
        assert reason
        assert len(line) < 1_500, name
    assert all(letter.isprintable() or letter == "\n" for letter in said), repr(said)


VARIABLES = sorted(
    {name for names in settings.NEEDED.values() for name in names}
    | {f"{vendor.upper()}_BASE_URL" for vendor in settings.NEEDED}
)
URLS = (
    "http://127.0.0.1:8701",
    "https://api.zoom.us/",
    "http://[::1",
    "https://",
    "http://127.0.0.1:99999999",
    "http://user:pass@127.0.0.1",
    "file:///etc/passwd",
    "//x",
    "http://127.0.0.1\\@evil.example",
)


@given(dice)
@often("environments")
def test_an_environment_is_taken_or_refused_with_the_variables_that_are_wrong(dice: Dice) -> None:
    told = {name: URLS if name.endswith("URL") else ("secret-1", "pat–2") for name in VARIABLES}
    env = {name: dice.choice((*TEXTS, *told[name] * 6)) for name in VARIABLES if dice.random() < 0.9}
    note(repr(env))
    try:
        found = settings.connections(env)
    except SettingsError as error:
        assert_names_variables(str(error))
    else:
        for connection in found.values():
            assert connection.base_url.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]"))
            for secret in (connection.client_id, connection.client_secret, connection.access_token):
                secret.encode("ascii")


def assert_names_variables(said: str) -> None:
    wrong = said.splitlines()[1:]
    assert wrong
    assert all(line.split(":")[0].strip() in VARIABLES for line in wrong)
    assert "secret-1" not in said


def test_there_are_ten_thousand_inputs_in_all() -> None:
    assert sum(INPUTS.values()) >= 10_000


def test_a_settings_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "turnout.toml"
    path.write_bytes(b"\xef\xbb\xbf[sync]\r\nnew_webinars = false\r\n")
    assert settings.load(path).sync.new_webinars is False


def test_two_spellings_of_one_webinar_are_named(tmp_path: Path) -> None:
    path = tmp_path / "turnout.toml"
    path.write_text('[sync.webinars]\n"84-7" = true\n"847" = false\n')
    with pytest.raises(SettingsError, match="webinar 847 stands twice, as '84-7' and '847': keep one of them"):
        settings.load(path)


def test_a_value_of_any_kind_in_any_place_is_answered() -> None:
    sides = Dice(1)
    fields = [(name, field) for name, kind in settings.Settings.model_fields.items() for field in sections(kind)]
    for section, field in fields * 8:
        entries = {section: {field: value(sides)}}
        with contextlib.suppress(SettingsError):
            settings.parse(entries)
        with pytest.raises(SettingsError, match=section):
            settings.parse({section: {field: object()}})


def sections(kind: Any) -> list[str]:
    return list(kind.annotation.model_fields)
