"""Every command in a process of its own: what it prints where, what it ends with, and what it leaves alone."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.cli.data import sql
from pipelines.errors import UsageError
from tests.cli.shell import ADA, ANSI, BOB, ONE, begun, small, told, turnout, wait_for
from tests.company import ROOT, Company
from tests.worlds import NOW, form, later, registrant

Make = Callable[..., Company]
Copy = Callable[[Company], Company]
CY, DI = "cy@x.example", "di@x.example"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company after one whole run. Tests only look at it, and change copies."""
    one = Company(small(), tmp_path_factory.mktemp("cli") / "home")
    answer = turnout("run", "--json", env=one.environment)
    assert answer.returncode == 0, answer.stderr
    one.first = told(answer)  # type: ignore[attr-defined]
    yield one
    one.sandbox.stop()


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Variables of an empty home that nothing is connected to."""
    return {"TURNOUT_HOME": str(tmp_path / "home"), "TURNOUT_SETTINGS": str(ROOT / "turnout.toml")}


def test_a_run_prints_what_it_did_as_json_and_nothing_else_on_standard_output(synced: Company) -> None:
    first: dict[str, Any] = synced.first  # type: ignore[attr-defined]
    assert {one["source"] for one in first["ingested"]} == {"zoom", "hubspot"}
    assert all(one["failed"] == {} for one in first["ingested"])
    assert first["plan"]["counts"]["hubspot"]["contact"] == {"create": 1, "update": 1}
    assert first["applied"]["published"] == first["plan"]["changes"] == first["verdicts"]["published"]
    assert all(check["passed"] for check in first["checks"])


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        (["build", "--json"], {"as_of", "rebuilt", "models"}),
        (["check", "--quick", "--json"], {"check", "claim", "passed", "failing", "blocking", "holds"}),
        (["plan", "hubspot", "--json"], {"plan", "as_of", "changes", "counts", "waiting", "calls", "file"}),
        (["verify", "--json"], None),
        (["doctor", "--json"], {"vendor", "connected", "account", "problems", "streams"}),
        (["sql", "--json", "select topic, attended_count from webinars"], {"topic", "attended_count"}),
        (["rebuild", "--json"], {"as_of", "rebuilt", "models"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_succeeds_with_and_without_json(synced: Company, words: list[str], shape: set[str] | None) -> None:
    answer = turnout(*words, env=synced.environment)
    assert answer.returncode == 0, answer.stderr
    found = told(answer)
    if shape is not None:
        assert shape <= set(found[0] if isinstance(found, list) else found)
    else:
        assert found == []


def test_a_person_is_told_on_standard_output_what_was_done(synced: Company) -> None:
    assert "ok  assert_email_keys_are_unique" in turnout("check", "--quick", env=synced.environment).stdout
    assert re.search(r"\d+ streams looked at, 0 problems found", turnout("verify", env=synced.environment).stdout)
    plan = turnout("plan", env=synced.environment).stdout
    assert "0 changes" in plan
    assert str(synced.home / "plans") in plan


def test_a_part_can_be_read_and_a_stream_both_vendors_have_is_read_of_both(company: Make) -> None:
    one = company(small())
    found = told(turnout("ingest", "zoom", "--stream", "users", "--json", env=one.environment))
    assert [(receipt["source"], list(receipt["streams"])) for receipt in found] == [("zoom", ["users"])]
    answer = turnout("ingest", "--stream", "users", "--stream", "instances", env=one.environment)
    assert answer.returncode == 0, answer.stderr
    assert re.findall(r"^(\w+) +(\w+)", answer.stdout, re.MULTILINE)[1:] == [
        ("hubspot", "users"),
        ("zoom", "users"),
        ("zoom", "instances"),
    ]


def test_tables_can_be_built_as_they_were(synced: Company, copied: Copy) -> None:
    one = copied(synced)
    early = told(turnout("build", "--as-of", "2026-11-10T10:00:00Z", "--json", env=one.environment))
    assert early["as_of"] == "2026-11-10T10:00:00+00:00"
    query = ["sql", "--csv", "select sum(attended_count) as attended from webinars"]
    assert turnout(*query, env=one.environment).stdout.split() == ["attended", "0"]
    one.workspace.build()
    assert turnout(*query, env=one.environment).stdout.split() == ["attended", "2"]


def test_what_is_derived_is_dropped_and_comes_back(synced: Company) -> None:
    assert turnout("build", env=synced.environment).returncode == 0  # who was created has an id from now on
    before = turnout("sql", "--csv", "from contact_metrics order by all", env=synced.environment).stdout
    (synced.home / "models" / "catalog.json").write_text("damaged")
    answer = turnout("rebuild", env=synced.environment)
    assert answer.returncode == 0
    assert re.search(r"\d+ built, as of 2026-11-20T12:", answer.stdout)
    assert turnout("sql", "--csv", "from contact_metrics order by all", env=synced.environment).stdout == before


@pytest.mark.rule("EV-05")
def test_a_plan_is_kept_where_it_is_wanted_and_exactly_it_is_applied(company: Make, tmp_path: Path) -> None:
    one = company(small())
    one.workspace.ingest()
    made = turnout("plan", "--out", "mine", "--json", env=one.environment, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "mine.parquet").exists()
    assert one.writes() == 0
    done = turnout("apply", "mine", "--json", env=one.environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert told(done)["published"] == told(made)["changes"] > 0
    assert one.emails() == {ADA, BOB}
    page = (one.home / "audit" / "index.html").read_text(encoding="utf-8")
    assert 'data-status="synced">' in page, "the page says what came of it"
    again = turnout("apply", "mine.parquet", env=one.environment, cwd=tmp_path)
    assert again.returncode == 3
    assert "is stale: since it was made, turnout/intents, turnout/outcomes" in again.stderr
    assert "Make a new one with `turnout plan`" in again.stderr
    assert again.stdout == ""


def test_a_plan_without_changes_can_be_applied_and_a_damaged_one_is_named(synced: Company) -> None:
    env = synced.environment
    file = Path(told(turnout("plan", "--json", env=env))["file"])
    done = turnout("apply", file.stem, "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert told(done)["published"] == 0
    file.with_suffix(".json").write_text("{}")
    damaged = turnout("apply", file.stem, env=env)
    assert damaged.returncode == 2
    assert f"{file} is no plan that can be read: 'as_of'. Make a new one with `turnout plan`." in damaged.stderr


@pytest.mark.rule("HZ-27", "EV-05")
def test_who_becomes_a_contact_is_counted_at_once_and_not_again_by_the_next_plan(company: Make) -> None:
    one = company(small(forms=[form("f1", [(BOB, "2026-11-12T10:00:00+00:00")])]))
    one.run()
    bob = one.contact(BOB)
    assert bob is not None
    assert bob["turnout_forms_submitted_30d"] == "1"
    assert "\n0 changes" in "\n" + turnout("plan", env=one.environment).stdout


def test_hubspots_older_api_does_the_same(company: Make, synced: Company) -> None:
    one = company(small(), '[hubspot]\napi_version = "v3"')
    answer = turnout("run", "--json", env=one.environment)
    assert answer.returncode == 0, answer.stderr
    assert told(answer)["verdicts"] == synced.first["verdicts"]  # type: ignore[attr-defined]
    paths = {entry["path"] for entry in one.sandbox.requests() if entry["vendor"] == "hubspot"}
    assert any("/crm/v3/objects/contacts" in path for path in paths)
    assert not any("2026-09" in path for path in paths)
    assert one.contact(BOB) is not None


def test_a_vendor_that_is_not_connected_is_told_and_the_rest_is_done(company: Make, home: dict[str, str]) -> None:
    one = company(small())
    zoom = {name: value for name, value in one.environment.items() if not name.startswith("HUBSPOT")}
    answer = turnout("ingest", env=zoom)
    assert answer.returncode == 0
    assert "hubspot, marketo, salesforce is not connected" in answer.stderr
    assert "zoom    participants" in answer.stdout
    nothing = turnout("run", env=home)
    assert nothing.returncode == 0
    assert "No vendor is connected, so nothing was read. `turnout doctor` lists what connects one." in nothing.stderr
    assert "0 changes" in nothing.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan", "--as-of", "soon"], "--as-of soon: write an ISO 8601 instant, for example 2026-01-31T12:00:00Z."),
        (["apply", "nowhere"], "nowhere.parquet: there is no such plan. `turnout plan` makes one and names it."),
        (["plan", "marketa"], "there is no destination marketa; there is hubspot, marketo, salesforce, zoom."),
        (["ingest", "zomm"], "there is no source zomm; there is hubspot, marketo, salesforce, zoom."),
        (["ingest", "zoom"], "zoom is not connected. `turnout doctor` lists the variables that connect a vendor."),
        (["check"], "warehouse.duckdb is not there yet. `turnout build` makes it."),
        (["sql", "select 1"], "warehouse.duckdb is not there yet. `turnout build` makes it."),
        (["audit"], "does not hold the audit yet. `turnout build` makes it."),
        (["audit", "Tour"], "'Tour': a webinar id has digits only."),
        (["sync", "84759841045"], "no account that has webinars is connected. `turnout doctor` lists"),
        (["demo", "--contacts", "3"], "3 is not in the range x>=10"),
        (["plan", "--jsn"], "Did you mean '--json'?"),
        (["paln"], "No such command 'paln'"),
        (["import", "zoom-report", "x.csv"], "Missing option '--timezone'"),
        (["import", "zoom-report", "x.csv", "--timezone", "Mars"], "Mars"),
        (["import", "zoom-report", "x.csv", "--timezone", "UTC"], "x.csv cannot be imported: "),
        (["sandbox", "--world", "none.json"], "none.json: there is no such world file."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_words_end_with_status_2_and_say_what_to_write(
    home: dict[str, str], words: list[str], message: str
) -> None:
    answer = turnout(*words, env=home)
    assert answer.returncode == 2, answer.stderr
    assert message in answer.stderr
    assert answer.stdout == ""


def test_an_unknown_stream_is_told_before_anything_is_read(company: Make) -> None:
    one = company(small())
    answer = turnout("ingest", "--stream", "pepole", env=one.environment)
    assert answer.returncode == 2
    assert "there is no stream pepole: hubspot has account, users" in answer.stderr
    assert not any("contacts" in entry["path"] for entry in one.sandbox.requests())


def test_a_record_that_is_refused_ends_with_status_1_and_is_named(synced: Company, copied: Copy) -> None:
    one = copied(synced)
    more = [registrant(CY, first_name="x" * 70_000), registrant(DI)]
    one.change(lambda given: given["zoom"][0]["webinars"][0]["registrants"].extend(more), later(NOW, hours=1))
    answer = turnout("run", env=one.environment)
    assert answer.returncode == 1
    assert f"rejected: contact {CY}: " in answer.stdout
    assert one.emails() == {ADA, BOB, DI}


def test_a_failing_audit_ends_with_status_3_and_nothing_is_written(synced: Company, copied: Copy) -> None:
    one = copied(synced)
    more = [registrant("Ada@x.example ", id="other"), registrant(CY)]
    one.change(lambda given: given["zoom"][0]["webinars"][0]["registrants"].extend(more), later(NOW, hours=1))
    answer = turnout("run", env=one.environment, module="tests.cli.doubting")
    assert answer.returncode == 3
    assert "nothing was published, since a check failed:\n  assert_nobody_attends (" in answer.stderr
    assert one.writes() == 0
    checked = turnout("check", "--quick", env=one.environment, module="tests.cli.doubting")
    assert checked.returncode == 3
    assert "FAILED  assert_nobody_attends" in checked.stdout


@pytest.mark.rule("EV-05")
def test_a_fuse_ends_with_status_3_and_a_person_can_let_the_plan_through(synced: Company, copied: Copy) -> None:
    one = copied(synced)
    one.set("[fuses]\ncreate_at_least = 3\ncreate_times_usual = 2")

    def flood(world: dict[str, Any]) -> None:
        world["zoom"][0]["webinars"][0]["registrants"] += [registrant(f"p{number}@x.example") for number in range(5)]

    one.change(flood, later(NOW, hours=1))
    answer = turnout("run", env=one.environment)
    assert answer.returncode == 3
    assert "Look at the plan; if it is right, add --allow." in answer.stderr
    assert turnout("run", "--allow", env=one.environment).returncode == 0
    assert len(one.emails()) == 7


def test_sql_takes_a_query_or_standard_input_and_gives_tables_csv_or_json(synced: Company) -> None:
    query = "select topic, attended_count, ';' as mark from webinars"
    env = synced.environment
    assert turnout("sql", query, env=env).stdout.splitlines()[1].split() == ["Topic", str(ONE), "2", ";"]
    assert turnout("sql", "--csv", query, env=env).stdout.splitlines() == [
        "topic,attended_count,mark",
        f"Topic {ONE},2,;",
    ]
    row = {"topic": f"Topic {ONE}", "attended_count": 2, "mark": ";"}
    assert told(turnout("sql", "--json", query, env=env)) == [row]
    both = turnout("sql", "--csv", env=env, stdin=f"{query};\n-- and then\nshow tables;\n").stdout
    assert f"Topic {ONE},2,;" in both
    assert "contact_metrics" in both
    wrong = turnout("sql", "select topc from webinars", env=env)
    assert wrong.returncode == 2
    assert 'the query cannot be run: Binder Error: Referenced column "topc" not found' in wrong.stderr
    assert '"topic"' in wrong.stderr
    assert "there is no query" in turnout("sql", "/* nothing */", env=env).stderr


FORBIDDEN = [
    "create table mine as select 1",
    "create temp table mine as select 1",
    "drop view webinars",
    "insert into turnout_build values ('x')",
    "copy (select 1 as one) to '{home}/models/x.csv'",
    "explain analyze copy (select 1 as one) to '{home}/models/x.csv'",
    "copy (select 1 as one) to '{home}/x.csv'",
    "export database '{home}/export'",
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('{home}/models/../../secret.txt')",
    "select * from '/etc/passwd.csv'",
    "select * from glob('/etc/*')",
    "select * from read_csv('https://example.com/x.csv')",
    "select * from query('copy (select 1) to ''{home}/models/x.csv''')",
    "attach '{home}/other.duckdb' as other",
    "attach ':memory:' as other",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "pragma enable_profiling",
    "call force_checkpoint()",
    "create secret mine (type s3)",
    "select getenv('HUBSPOT_ACCESS_TOKEN')",
    "select 1; create table mine as select 1",
]


def test_sql_can_neither_write_nor_reach_outside(synced: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in synced.environment.items():
        monkeypatch.setenv(name, value)
    (synced.home.parent / "secret.txt").write_text("secret")
    (synced.home / "models").mkdir(exist_ok=True)
    before = {path for path in synced.home.rglob("*") if path.name != "lock"}
    for query in FORBIDDEN:
        text = query.format(home=synced.home)
        with pytest.raises(UsageError, match="only queries are run here|the query cannot be run"):
            sql(text)
    answer = turnout("sql", FORBIDDEN[4].format(home=synced.home), env=synced.environment)
    assert answer.returncode == 2
    assert "only queries are run here, and this is a statement of the kind COPY." in answer.stderr
    assert "To keep a result, use --csv or --json and send it to a file." in answer.stderr
    assert {path for path in synced.home.rglob("*") if path.name != "lock"} == before


def test_a_reader_who_has_seen_enough_breaks_nothing(synced: Company) -> None:
    command = f"{sys.executable} -m pipelines.cli sql --csv 'from range(200000)' | head -n 2"
    answer = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **synced.environment},
        timeout=60,
    )
    assert answer.stdout.split() == ["range", "0"]
    assert answer.stderr == ""


def test_colours_are_for_terminals_alone(home: dict[str, str]) -> None:
    def on_a_terminal(**variables: str) -> str:
        parent, child = pty.openpty()
        env = {"PATH": os.environ["PATH"], "TERM": "xterm", **home, **variables}
        words = [sys.executable, "-m", "pipelines.cli", "build", "--as-of", "soon"]
        subprocess.run(words, cwd=ROOT, env=env, stderr=child, stdout=subprocess.PIPE, timeout=60)
        os.close(child)
        said = os.read(parent, 10_000).decode()
        os.close(parent)
        return said

    assert "\x1b[31mturnout:\x1b[0m" in on_a_terminal()
    assert not ANSI.search(on_a_terminal(NO_COLOR="1"))
    assert "--as-of soon" in turnout("build", "--as-of", "soon", env=home).stderr


def test_what_takes_long_shows_progress_on_standard_error(company: Make) -> None:
    one = company(small())
    one.sandbox.set_faults({"rules": [{"path": "/v2/", "kind": "status", "status": 503, "times": 3}]})
    answer = turnout("ingest", "zoom", "--json", env=one.environment)
    assert answer.returncode == 0
    assert re.search(r"^… zoom: \w+", answer.stderr, re.MULTILINE)
    told(answer)


def test_ctrl_c_ends_with_a_word_and_status_130_and_what_was_committed_stands(company: Make) -> None:
    one = company(small())
    one.sandbox.set_faults({"rules": [{"vendor": "zoom", "path": "/panelists", "kind": "status", "status": 503}]})
    process = begun("run", env=one.environment)
    deadline = time.monotonic() + 60
    while not any("panelists" in entry["path"] for entry in one.sandbox.requests()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "turnout: stopped. What was committed stands; the next run goes on from there." in said[1]
    assert "Traceback" not in said[1]
    one.sandbox.set_faults({})
    assert not one.run().is_partial
    assert one.emails() == {ADA, BOB}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sandbox_prints_what_connects_to_it_and_stops_when_told(
    tmp_path: Path, home: dict[str, str], number: signal.Signals
) -> None:
    file = tmp_path / "world.json"
    file.write_bytes(orjson.dumps(small()))
    process = begun("sandbox", "--world", str(file), "--port", "0", env=home)
    try:
        wait_for(process, "Ctrl-C stops it", "stderr")
        process.send_signal(number)
        printed, _ = process.communicate(timeout=30)
        assert process.returncode == 0
    finally:
        process.kill()
    exported = dict(re.findall(r"^export (\w+)=(\S+)$", printed, re.MULTILINE))
    for vendor in ("ZOOM", "HUBSPOT", "MARKETO", "SALESFORCE"):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", exported[f"{vendor}_BASE_URL"])
    assert exported["HUBSPOT_ACCESS_TOKEN"] == small()["hubspot"][0]["access_token"]
    assert all(line.startswith("export ") for line in printed.splitlines())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"zoom": [{"usres": []}]}', "world.json: zoom[0].usres: unknown key"),
        ('{"zoom": [', "world.json: no JSON: "),
        ("[]", "world.json: "),
    ],
)
def test_a_world_file_that_is_wrong_is_named_with_the_path_in_it(
    tmp_path: Path, home: dict[str, str], content: str, message: str
) -> None:
    file = tmp_path / "world.json"
    file.write_text(content)
    answer = turnout("sandbox", "--world", str(file), "--port", "0", env=home)
    assert answer.returncode == 2
    assert f"{tmp_path}/{message}" in answer.stderr
    assert answer.stderr.count("world.json") == 1


def test_a_port_that_is_taken_is_named(company: Make, home: dict[str, str]) -> None:
    one = company(small())
    port = one.sandbox.control_url.rpartition(":")[2]
    answer = turnout("sandbox", "--port", port, "--contacts", "10", env=home)
    assert answer.returncode == 2
    assert f"port {port} of 127.0.0.1 is taken. Name another with --port; 0 takes any free ones." in answer.stderr


def test_a_home_that_is_no_folder_is_told_in_one_message(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    answer = turnout("build", env={"TURNOUT_HOME": str(tmp_path / "home")})
    assert answer.returncode == 1
    assert str(tmp_path / "home") in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


SLOW = (
    "starlette",
    "uvicorn",
    "dagster",
    "pandas",
    "selenium",
    "requests",
    "duckdb",
    "pyarrow",
    "deltalake",
    "pydantic",
)


@pytest.mark.parametrize(
    ("words", "unwanted"), [(["--help"], SLOW), (["verify"], ("starlette", "uvicorn", "dagster", "pandas", "requests"))]
)
def test_a_command_imports_nothing_slow_that_it_does_not_need(
    home: dict[str, str], words: list[str], unwanted: tuple[str, ...]
) -> None:
    assert imported(home, words, unwanted) == []


def test_a_build_with_nothing_new_does_without_what_only_writing_needs(home: dict[str, str]) -> None:
    assert imported(home, ["build"], ("pandas",)) == ["pandas"], "or this test tells nothing"
    assert imported(home, ["build"], ("pandas",)) == []


def imported(home: dict[str, str], words: list[str], names: tuple[str, ...]) -> list[str]:
    """Run a command in a process of its own; return which of these modules it imported."""
    code = f"""
import sys, pipelines.cli
sys.argv = ["turnout", *{words!r}]
try:
    pipelines.cli.main()
finally:
    print("imported", *sorted({set(names)!r} & set(sys.modules)), file=sys.stderr)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **home},
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    (told,) = [line for line in answer.stderr.splitlines() if line.startswith("imported")]
    return told.split()[1:]
