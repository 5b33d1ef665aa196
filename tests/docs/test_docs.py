"""Docs are true: every command in README and docs is run, and what they name is there."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from pipelines.sandbox.faults import KINDS, SWITCHES
from tests.cli.shell import ADA, ONE, REPORT, Answer, begun, small, told, turnout, wait_for
from tests.company import ROOT, Company

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands_of(text: str) -> list[str]:
    """Return the commands of a page: lines of console blocks that begin with `$ `, and `turnout …` anywhere."""
    found: list[str] = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        found += [re.sub(r"\s+#.*", "", line[2:]).strip() for line in block.splitlines() if line.startswith("$ ")]
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found += re.findall(r"`((?:turnout|make|dagster|python) [^`]+)`", outside)
    return found


COMMANDS = sorted({command for page in PAGES for command in commands_of(page.read_text(encoding="utf-8"))})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, Path]]:
    """A company that has been synced once, and a folder to stand in, with a report to import."""
    folder = tmp_path_factory.mktemp("docs")
    one = Company(small(), folder / "home")
    assert turnout("run", env=one.environment).returncode == 0
    (folder / "attendee_report.csv").write_text(REPORT.replace("yesterday", "03/01/2021 03:00:00 PM"))
    yield one, folder
    one.sandbox.stop()


def run(command: str, one: Company, folder: Path) -> Answer:
    """Run a command as it stands on the page."""
    name, *words = shlex.split(command)
    assert name == "turnout"
    return turnout(*words, env=one.environment, cwd=folder)


def runs(command: str, one: Company, folder: Path) -> None:
    """The command succeeds."""
    answer = run(command, one, folder)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout


def applies(command: str, one: Company, folder: Path) -> None:
    """A plan can be named by the id that `turnout plan` gave it."""
    plan = told(turnout("plan", "--json", env=one.environment))["plan"]
    runs(command.replace("PLAN", plan), one, folder)


def of_one(command: str, one: Company, folder: Path) -> None:
    """WEBINAR is the id of any webinar."""
    runs(command.replace("WEBINAR", str(ONE)), one, folder)


def begins_one(command: str, one: Company, folder: Path) -> None:
    """NAME is any that is not taken."""
    runs(command.replace("NAME", "never_before"), one, folder)
    assert (one.segments / "segment_never_before.sql").exists()


def runs_on_one(command: str, one: Company, folder: Path) -> None:
    """NAME can be a file of SQL."""
    (folder / "mine.sql").write_text("select contact_id from contact_metrics", encoding="utf-8")
    runs(command.replace("NAME", str(folder / "mine.sql")), one, folder)


def registers(command: str, one: Company, folder: Path) -> None:
    """Who is registered already stays so, and the command says it."""
    contact = one.sandbox.world()["hubspot"][0]["contacts"][0]["id"]
    answer = run(command.replace("WEBINAR", str(ONE)).replace("ID", contact), one, folder)
    assert answer.returncode == 0
    assert answer.stdout == f"contact {contact} is registered for webinar {ONE}: registered already\n"


def explains(command: str, one: Company, folder: Path) -> None:
    """The address is that of any contact."""
    runs(command.replace("ada@example.com", ADA), one, folder)


def undoes(command: str, one: Company, folder: Path) -> None:
    """RUN is the latest of those that `turnout undo` lists."""
    (first, *_) = orjson.loads(turnout("undo", "--json", env=one.environment).stdout)
    runs(command.replace("RUN", first["run"]), one, folder)


def reads_queries(command: str, one: Company, folder: Path) -> None:
    """Without a query, lines are read."""
    answer = turnout("sql", env=one.environment, stdin="show tables;")
    assert answer.returncode == 0
    assert "webinars" in answer.stdout


def imports(command: str, one: Company, folder: Path) -> None:
    """The short form of what another page writes out."""
    assert any(other.startswith(f"{command} ") for other in COMMANDS)


def by_example(command: str, one: Company, folder: Path) -> None:
    """The words in capitals stand for what another page gives an example of, or else a test."""
    plain = " ".join(word for word in command.split() if not word.isupper())
    told = [path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "rules").glob("test_*.py")]
    words = ", ".join(f'"{word}"' for word in plain.split()[1:])
    assert any(other.startswith(f"{plain} ") and other != command for other in COMMANDS) or words in "".join(told)


def serves(command: str, one: Company, folder: Path) -> None:
    """It answers until it is told to stop; on other ports here, where somebody else may use those."""
    words = [*shlex.split(re.sub(r"--(port|contacts) \d+", "", command))[1:], "--port", "0", "--contacts", "10"]
    process = begun(*words, env={"TURNOUT_HOME": str(folder / "none")}, cwd=folder)
    try:
        wait_for(process, "Ctrl-C stops it", "stderr")
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "export HUBSPOT_BASE_URL=http://127.0.0.1:" in printed


def listens(command: str, one: Company, folder: Path) -> None:
    """It listens until it is told to stop; on another port here, where somebody else may use that."""
    process = begun(*shlex.split(command.replace("8710", "0"))[1:], env=one.environment, cwd=folder)
    try:
        said = wait_for(process, "Ctrl-C stops it", "stderr")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "zoom at https://hooks.example.com/zoom and hubspot at https://hooks.example.com/hubspot" in said


def makes(recipe: str) -> Callable[[str, Company, Path], None]:
    """The target's recipe is what the page says it does."""

    def check(command: str, one: Company, folder: Path) -> None:
        target = command.removeprefix("make ")
        alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        words = ["make", "-n", "--no-print-directory", target]
        told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, env=alone).stdout
        assert told.splitlines()[-1].startswith(recipe)

    return check


def is_tested_in(file: str, *signs: str) -> Callable[[str, Company, Path], None]:
    """Another test runs it, since it takes long or opens a page."""

    def check(command: str, one: Company, folder: Path) -> None:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert all(sign in text for sign in signs)

    return check


HOW: dict[str, Callable[[str, Company, Path], None]] = {
    "turnout doctor": runs,
    "turnout ingest": runs,
    "turnout ingest zoom --stream users": runs,
    "turnout build": runs,
    "turnout check": is_tested_in("tests/quality/test_report.py", 'invoke(app, ["check", "--json"]'),
    "turnout check --quick": runs,
    'turnout sql "select source, stream, reason, count(*) as records from quarantine group by all"': runs,
    "turnout plan": runs,
    "turnout run": runs,
    "turnout rebuild": runs,
    "turnout verify": runs,
    "turnout apply PLAN": applies,
    "turnout audit": runs,
    "turnout audit WEBINAR": of_one,
    "turnout sync WEBINAR": of_one,
    "turnout register WEBINAR --contact ID": registers,
    "turnout register WEBINAR": imports,
    **{f"turnout explain {what}": by_example for what in ("contact ID", "field ID NAME", "task ID", "segment NAME ID")},
    "turnout explain contact ada@example.com": explains,
    "turnout explain field ada@example.com turnout_avg_attendance_pct": is_tested_in(
        "tests/rules/test_explain.py", '"explain", "field"'
    ),
    "turnout explain field ada@example.com 84759841045": is_tested_in("tests/rules/test_explain.py", "explain.field("),
    "turnout explain task t-2b8fbec5cc9b65bc1ee27ccbfbd25059": is_tested_in(
        "tests/rules/test_explain.py", "explain.task("
    ),
    "turnout explain segment regulars ada@example.com": is_tested_in("tests/rules/test_explain.py", "explain.segment("),
    "turnout diff TABLE": by_example,
    "turnout diff contact_metrics --from 2026-11-01T00:00:00Z --to 2026-11-20T00:00:00Z": runs,
    'turnout sql --as-of 2026-11-01T00:00:00Z "select * from webinars"': runs,
    "turnout undo": runs,
    "turnout undo RUN": undoes,
    "turnout retry": runs,
    "turnout retry --undone": runs,
    "turnout sql": reads_queries,
    'turnout sql "select topic, attended_count from webinars order by attended_count desc limit 5"': runs,
    "turnout import zoom-report": imports,
    "turnout import zoom-report attendee_report.csv --timezone Europe/Paris": runs,
    "turnout sandbox": serves,
    "turnout sandbox --seed 7 --contacts 2000 --port 8700": serves,
    "turnout webhooks": is_tested_in("tests/webhooks/test_end_to_end.py", 'begun("webhooks", "--port", "0"'),
    "turnout webhooks --port 8710 --public-url https://hooks.example.com": listens,
    "turnout report": imports,
    "turnout report activities_with_contacts --type call_made --from 2026-01-01 --to 2026-12-31": runs,
    "turnout report activities_with_leads --csv leads.csv": runs,
    "turnout setup salesforce": runs,
    "turnout demo": is_tested_in("tests/cli/test_demo.py", 'turnout("demo", "--contacts", "50"'),
    "turnout segment list": runs,
    "turnout workbench": is_tested_in("tests/browser/test_workbench.py", '"workbench", "--port"'),
    "turnout segment new NAME": begins_one,
    "turnout segment preview NAME": runs_on_one,
    "turnout segment show NAME": is_tested_in("tests/rules/test_segments.py", '"segment", "show"'),
    "make run": makes(".venv/bin/turnout demo"),
    "make ui": makes(".venv/bin/turnout demo --ui"),
    "make test": makes(".venv/bin/python -m pytest"),
    "dagster dev -w workspace.yaml": is_tested_in("tests/browser/test_dagster_ui.py", '"dev"', "workspace.yaml"),
    "make bench": makes(".venv/bin/python -m benchmarks --events 2e6,20e6"),
    "make bench-large": makes(".venv/bin/python -m benchmarks --events 2e6,20e6,100e6"),
    "python -m benchmarks.webhooks": is_tested_in("tests/benchmarks/test_webhooks.py", "measured(40"),
    "python -m benchmarks.history": is_tested_in("tests/benchmarks/test_history.py", "history"),
    "python -m tests.replay.sweep": is_tested_in("tests/replay/test_kills.py", "from tests.replay.sweep import"),
    "python -m tests.house.pages": is_tested_in("tests/house/test_walls.py", "stale() == []"),
}
"""How each command of the pages is proved. A command that is not here fails."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_docs_does_what_they_say(command: str, place: tuple[Company, Path]) -> None:
    assert command in HOW, f"say in HOW how `{command}` is to be tested"
    HOW[command](command, *place)


def test_no_command_is_tested_that_the_docs_do_not_have() -> None:
    assert set(HOW) - set(COMMANDS) == set()


def test_every_option_of_the_docs_is_an_option_of_its_command() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `turnout ([a-z -]+?)(?: [A-Z]+)?` \|(.*)\|$", page, re.MULTILINE)
    assert len(rows) >= 13
    helps = {words: turnout(*words.split(), "--help", env={}).stdout for words, _ in rows}
    for words, text in rows:
        for option in re.findall(r"--[a-z-]+", text):
            assert option in helps[words], f"turnout {words} has no {option}"
    for option in re.findall(r"`(--[a-z-]+)", page):
        assert any(option in text for text in helps.values()), option


def test_every_link_of_the_docs_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_faults_that_the_docs_name_are_those_there_are() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    told = page.partition("of a kind:")[2]
    kinds, _, switches = told.partition("; and switches")
    assert set(re.findall(r"`(\w+)`", kinds)) == set(KINDS)
    assert set(re.findall(r"`(\w+\.\w+)`", switches)) <= set(SWITCHES)


def test_the_installed_command_is_the_one_of_the_docs() -> None:
    script = Path(sys.executable).with_name("turnout")
    answer = subprocess.run([script, "--help"], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert answer.returncode == 0
    assert "Usage: turnout [OPTIONS] COMMAND" in answer.stdout
