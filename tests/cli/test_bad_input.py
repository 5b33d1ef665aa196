"""Bad input: one message that names the file, row or field, the reason and the next step; everything else is kept."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipelines import settings
from pipelines.errors import SettingsError
from tests.cli.shell import ADA, REPORT, Answer, small, told, turnout
from tests.company import Company

Make = Callable[..., Company]


def refused(tmp_path: Path, text: str) -> list[str]:
    """Return what a command says of a settings file."""
    file = tmp_path / "turnout.toml"
    file.write_text(text, encoding="utf-8")
    answer = turnout("verify", env={"TURNOUT_HOME": str(tmp_path / "home"), "TURNOUT_SETTINGS": str(file)})
    assert answer.returncode == 2
    assert answer.stdout == ""
    first, *rest = answer.stderr.splitlines()
    assert first.startswith(f"turnout: {file}")
    return [first.removeprefix(f"turnout: {file}"), *rest]


def test_a_home_that_the_log_cannot_be_in_is_named_with_what_stands_against_it(tmp_path: Path) -> None:
    answer = turnout("run", env={"TURNOUT_HOME": str(tmp_path / "50% [new]")})
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == (
        f"turnout: TURNOUT_HOME: {tmp_path}/50% [new] has % and [ and ] in it, which a path of the log cannot have. "
        "Choose another folder.\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sync]\nwebinar = true", "sync.webinar: unknown setting; did you mean webinars?"),
        ("[synk]\n", "synk: unknown setting; did you mean sync?"),
        ("[hubspot]\nqqq = 1", "hubspot.qqq: unknown setting; known here: api_version"),
        ("[zoom]\nclient_secret = 'strayed'", "zoom: unknown setting; known here: sync, meetings, exclusions,"),
        ("[activities.call_maid]", "activities.call_maid: unknown setting; did you mean call_made?"),
        ("[sync.users.'a@b.example']\nrecording = true", "sync.users.a@b.example.recording: unknown setting;"),
        ("[sync]\nwebinars = 'yes'", "sync.webinars: must be true or false, not 'yes'"),
        ("[sync.webinars]\nabc = true", "sync.webinars.abc: a webinar id has digits only, not 'abc'"),
        ("sync = 3", "sync: must be a table, not 3"),
        ("[ingest]\nyears = '3'", "ingest.years: must be a whole number, not '3'"),
        ("[ingest]\nyears = 0", "ingest.years: must be greater than or equal to 1, not 0"),
        ("[exclusions]\ncontacts = 'acme.com'", 'exclusions.contacts: must be a list, for example ["acme.com"], not'),
        ("[exclusions]\ncontacts = ['x']", "exclusions.contacts.0: write an address (a@acme.com), a domain (acme.com)"),
        ("[hubspot]\napi_version = 'v2'", "hubspot.api_version: must be '2026-09' or 'v3', not 'v2'"),
        ("[imports]\ntime_zone = 'Mars'", "imports.time_zone: must be the name of a time zone, for example Europe/Par"),
        ("[activities]\nsince = 2020-01-01", "activities.since: must be a moment, for example 2026-01-31T00:00:00Z, n"),
        ("[activities]\nsince = 2020-01-01T00:00:00", "activities.since: write the time zone too, for example 2026-"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_probably_meant(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "turnout.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        settings.load(file)
    assert str(caught.value).startswith(f"{file} has 1 wrong entry:\n  {message}")
    assert "strayed" not in str(caught.value)


def test_all_wrong_settings_are_named_at_once(tmp_path: Path) -> None:
    text = "[sync]\nwebinar = true\n[ingest]\nyears = 0\n[attendance]\ncount_panelists = 1\n"
    assert refused(tmp_path, text) == [
        " has 3 wrong entries:",
        "  sync.webinar: unknown setting; did you mean webinars?",
        "  attendance.count_panelists: must be true or false, not 1",
        "  ingest.years: must be greater than or equal to 1, not 0",
    ]


def test_a_settings_file_that_is_no_toml_names_the_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "[sync]\nwebinars = yes\n") == [
        ": this is no TOML: Invalid value (at line 2, column 12). Mend that line and run again."
    ]


def test_a_settings_file_that_is_not_there_or_no_file_is_named(tmp_path: Path) -> None:
    env = {"TURNOUT_HOME": str(tmp_path / "home"), "TURNOUT_SETTINGS": str(tmp_path / "none.toml")}
    answer = turnout("verify", env=env)
    assert answer.returncode == 2
    assert answer.stderr == (
        f"turnout: {tmp_path}/none.toml: there is no such settings file. Correct TURNOUT_SETTINGS.\n"
    )
    folder = turnout("verify", env={**env, "TURNOUT_SETTINGS": str(tmp_path)})
    assert folder.returncode == 2
    assert f"{tmp_path}: the settings cannot be read: " in folder.stderr
    assert turnout("verify", env={**env, "TURNOUT_SETTINGS": ""}, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("url", "is_fine"),
    [
        ("https://proxy.example/hubspot", True),
        ("http://127.0.0.1:8702", True),
        ("http://localhost:8702/", True),
        ("http://[::1]:8702", True),
        ("http://api.hubapi.com", False),
        ("http://127.0.0.1:80@evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("ftp://127.0.0.1", False),
        ("api.hubapi.com", False),
    ],
)
def test_a_token_is_sent_in_the_clear_to_this_machine_alone(url: str, is_fine: bool) -> None:
    env = {"HUBSPOT_ACCESS_TOKEN": "x", "HUBSPOT_BASE_URL": url}
    if is_fine:
        assert settings.connections(env)["hubspot"].base_url == url.rstrip("/")
    else:
        message = r"HUBSPOT_BASE_URL: must be https \(http only on this machine\), not "
        with pytest.raises(SettingsError, match=message):
            settings.connections(env)


def secrets_of(one: Company) -> list[bytes]:
    """Return every secret of the company as it may turn up somewhere, encoded ones too."""
    environment = one.sandbox.environment
    names = [name for name in environment if "SECRET" in name or "TOKEN" in name]
    assert len(names) == 4
    basic = f"{environment['ZOOM_CLIENT_ID']}:{environment['ZOOM_CLIENT_SECRET']}"
    return [environment[name].encode() for name in names] + [base64.b64encode(basic.encode())]


def assert_kept_secret(one: Company, answer: Answer, *more: str) -> None:
    """See that no secret is in what was said, nor in any file below TURNOUT_HOME."""
    secrets = [*secrets_of(one), *map(str.encode, more)]
    places = {"standard output": answer.stdout.encode(), "standard error": answer.stderr.encode()}
    places |= {str(path): path.read_bytes() for path in one.home.rglob("*") if path.is_file()}
    for place, content in places.items():
        for secret in secrets:
            assert secret not in content, f"{secret!r} in {place}"


def hasty(one: Company, command: str = "ingest", **variables: str) -> tuple[Answer, dict[str, Any]]:
    """Run a command without pauses; return the answer, and vendor to what was not read."""
    env = {**one.environment, **variables}
    answer = turnout(command, "--json", env=env, module="tests.cli.hasty")
    found = told(answer)
    receipts = found["ingested"] if isinstance(found, dict) else found
    return answer, {receipt["source"]: receipt for receipt in receipts}


PAGE = "A page came where the API should be: look for a proxy on the way, and at the vendor's status page."
SCOPE = "report:read:list_webinar_participants:admin"
FAULTS: list[tuple[str, dict[str, Any], str, list[str], list[str]]] = [
    (
        "html with 200",
        {"rules": [{"vendor": "zoom", "path": "/panelists", "kind": "html", "status": 200}]},
        "zoom",
        ["panelists"],
        ["zoom answered the panelists of webinar 84759841045 with HTTP 200 from GET ", "(text/html; ", PAGE],
    ),
    (
        "html with 502",
        {"rules": [{"vendor": "hubspot", "path": "/forms/", "kind": "html"}]},
        "hubspot",
        ["forms", "form_submissions"],
        ["hubspot answered the list of forms with HTTP 502 from GET ", PAGE],
    ),
    (
        "truncated JSON",
        {"rules": [{"vendor": "zoom", "path": "/panelists", "kind": "truncate"}]},
        "zoom",
        ["panelists"],
        ["no JSON that we can read (application/json; Input data was truncated). It is asked for again next run."],
    ),
    (
        "a scope of Zoom",
        {"switches": {"zoom.missing_scopes": [SCOPE]}},
        "zoom",
        ["participants"],
        [f"A scope is missing. Add one of these to the app in the Zoom App Marketplace, then run again: {SCOPE}. It s"],
    ),
    (
        "403 of HubSpot",
        {"switches": {"hubspot.missing_scopes": ["forms"]}},
        "hubspot",
        ["forms", "form_submissions"],
        ["HTTP 403 from GET ", "Not allowed. Add the missing scopes to the app, then run again: forms. It said: "],
    ),
    (
        "an answer that never comes",
        {"rules": [{"vendor": "hubspot", "path": "/users", "kind": "drop_before"}]},
        "hubspot",
        ["users"],
        ["hubspot did not answer the list of users: GET ", "no answer came (ConnectionError)."],
    ),
]


@pytest.mark.parametrize(
    ("fault", "vendor", "lost", "words"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS]
)
def test_an_answer_that_is_none_fails_its_stream_alone_with_one_message(
    company: Make, fault: dict[str, Any], vendor: str, lost: list[str], words: list[str]
) -> None:
    one = company(small())
    one.sandbox.set_faults(fault)
    answer, receipts = hasty(one)
    assert answer.returncode == 1
    assert list(receipts[vendor]["failed"]) == lost
    for word in words:
        assert word in receipts[vendor]["failed"][lost[0]]
    assert [why for name, why in receipts[vendor]["failed"].items() if name != lost[0]] == [
        f"not read, since {lost[0]} could not be" for _ in lost[1:]
    ]
    (other,) = receipts.keys() - {vendor}
    assert receipts[other]["failed"] == {}
    assert_kept_secret(one, answer)


WRONG = {
    "a wrong token": (
        {"HUBSPOT_ACCESS_TOKEN": "pat-wrong-token"},
        "hubspot",
        ["hubspot refused the account's details: HTTP 401 from GET ", "The token is refused. Check HUBSPOT_ACCESS_TOK"],
    ),
    "a wrong secret": (
        {"ZOOM_CLIENT_SECRET": "zoom-wrong-secret"},
        "zoom",
        ["Check ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET", "Invalid client_id or client_secret"],
    ),
    "a connection that is refused": (
        {"HUBSPOT_BASE_URL": "http://127.0.0.1:9"},
        "hubspot",
        [
            "hubspot did not answer the account's details: GET http://127.0.0.1:9/",
            "it cannot be reached. Check the net",
        ],
    ),
    "a host that is unknown": (
        {"ZOOM_BASE_URL": "https://zoom.invalid"},
        "zoom",
        ["zoom did not answer an access token: POST https://zoom.invalid/oauth/token: it cannot be reached."],
    ),
}


@pytest.mark.parametrize(("variables", "vendor", "words"), WRONG.values(), ids=WRONG)
def test_a_vendor_that_lets_nobody_in_is_told_once_and_the_other_is_read(
    company: Make, variables: dict[str, str], vendor: str, words: list[str]
) -> None:
    one = company(small())
    answer, receipts = hasty(one, **variables)
    assert answer.returncode == 1
    first, *others = receipts[vendor]["failed"].values()
    for word in words:
        assert word in first
    assert len(set(others)) == 1
    assert others[0].startswith("not read, since ")
    (other,) = receipts.keys() - {vendor}
    assert receipts[other]["failed"] == {}
    asked = [entry for entry in one.sandbox.requests() if entry["vendor"] == vendor]
    assert len(asked) <= 2, "what cannot help is not tried again for every stream"
    assert_kept_secret(one, answer, "pat-wrong-token", "zoom-wrong-secret")


class CaughtUp(NamedTuple):
    """A company whose token was refused at the first run and not at the second; and what was said of each."""

    company: Company
    refused: Answer
    again: Answer


@pytest.fixture(scope="module")
def caught_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaughtUp]:
    """The company after both. Tests only look at it."""
    one = Company(small(), tmp_path_factory.mktemp("caught-up") / "home")
    env = {**one.environment, "HUBSPOT_ACCESS_TOKEN": "pat-wrong-token"}
    refused = turnout("run", env=env, module="tests.cli.hasty")
    assert one.writes() == 0
    yield CaughtUp(one, refused, turnout("run", "--json", env=one.environment))
    one.sandbox.stop()


def test_a_first_run_whose_token_is_refused_publishes_nothing_and_the_next_one_catches_up(caught_up: CaughtUp) -> None:
    one, answer, again = caught_up
    assert answer.returncode == 3
    assert "hubspot/users was never read whole" in answer.stderr
    assert answer.stderr.count("The token is refused. Check HUBSPOT_ACCESS_TOKEN.") == 1
    assert_kept_secret(one, answer, "pat-wrong-token")
    assert again.returncode == 0, again.stderr
    assert one.contact(ADA)["turnout_webinars_attended"] == "1"  # type: ignore[index]


def test_no_secret_is_anywhere_after_a_whole_run(caught_up: CaughtUp) -> None:
    assert caught_up.again.returncode == 0
    assert_kept_secret(caught_up.company, caught_up.again)


def test_a_row_of_a_report_that_cannot_be_read_is_named_by_its_line_and_the_rest_is_kept(tmp_path: Path) -> None:
    (tmp_path / "report.csv").write_text(REPORT, encoding="utf-8")
    env = {"TURNOUT_HOME": str(tmp_path / "home")}
    answer = turnout("import", "zoom-report", "report.csv", "--timezone", "Europe/Paris", env=env, cwd=tmp_path)
    assert answer.returncode == 1, answer.stderr
    assert "1 rows were set aside" in answer.stdout
    assert "    line 11: " in answer.stdout
    assert "yesterday" in answer.stdout
    assert "2 attendee rows of 1 people who came" in answer.stdout
    again = turnout(
        "import", "zoom-report", "report.csv", "--timezone", "Europe/Paris", "--json", env=env, cwd=tmp_path
    )
    (receipt,) = told(again)
    assert receipt["appended"] == 0
    assert [entry["line"] for entry in receipt["set_aside"]] == [11]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("name,age\nAda,36\n", "cannot be imported: "),
        ("", "cannot be imported: "),
        ("\x00\x01\x02", "cannot be imported"),
    ],
    ids=["another table", "empty", "no text"],
)
def test_a_file_that_is_no_report_is_named_and_the_others_are_imported(
    tmp_path: Path, content: str, reason: str
) -> None:
    (tmp_path / "wrong.csv").write_text(content)
    (tmp_path / "report.csv").write_text(REPORT, encoding="utf-8")
    env = {"TURNOUT_HOME": str(tmp_path / "home")}
    words = ["--timezone", "Europe/Paris"]
    alone = turnout("import", "zoom-report", "wrong.csv", *words, env=env, cwd=tmp_path)
    assert alone.returncode == 2
    assert f"turnout: wrong.csv {reason}" in alone.stderr
    both = turnout("import", "zoom-report", "wrong.csv", "report.csv", *words, "--json", env=env, cwd=tmp_path)
    assert both.returncode == 1
    wrong, good = told(both)
    assert wrong["problem"]
    assert good["people"] == 1
