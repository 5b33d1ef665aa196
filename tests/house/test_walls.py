"""The walls stand: who imports whom, what each layer reads, what every file must say of itself."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import models, settings
from pipelines.cli import app
from pipelines.errors import ModelError
from tests.house.pages import RULES, marks, stale

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sorted([*(ROOT / "pipelines").rglob("*.py"), *(ROOT / "assets").rglob("*.py")])
FLOORS = [
    {"errors", "events", "duck", "rates"},
    {"http", "log", "warehouse", "settings", "models", "narrowing", "parsing", "verify", "checks"},
    {
        "ingest",
        "inbox",
        "transform",
        "publish",
        "imports",
        "reports",
        "audit",
        "segments",
        "asking",
        "expectations",
        "quarantine",
        "explain",
    },
    {"vendors"},
    {"run", "registering", "webhooks", "mending", "past", "differing", "workbench"},
    {"cli"},
]
"""From the ground: a room imports its own floor and those below."""
DOORS = {
    "requests": {"pipelines/http.py"},
    "deltalake": {"pipelines/log/", "pipelines/verify.py"},
    "dagster": {"assets"},
    "dagster_graphql": {"pipelines/cli/demo.py"},
    "jwt": {"pipelines/vendors/salesforce/", "pipelines/sandbox/salesforce/oauth.py"},
    "starlette": {"pipelines/sandbox", "pipelines/webhooks.py"},
    "uvicorn": {"pipelines/sandbox", "pipelines/webhooks.py"},
    "typer": {"pipelines/cli"},
    "rich": {"pipelines/cli"},
    "prompt_toolkit": {"pipelines/cli/prompt.py"},
    "marimo": {"pipelines/workbench/notebook.py"},
    "filelock": {"pipelines/log/"},
    "pydantic": {"pipelines/settings/"},
    "sqlglot": {"assets/lineage.py"},
    "great_expectations": {"pipelines/expectations/great.py"},
}


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(dotted: str) -> str:
    """Return the room of a dotted name below pipelines: `pipelines.publish.plan` is in `publish`."""
    return dotted.split(".")[1] if dotted.startswith("pipelines.") else ""


def inside(path: Path) -> str:
    """Return the room of a file below pipelines."""
    return path.relative_to(ROOT / "pipelines").parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "path", [path for path in PYTHON if "pipelines" in path.parts], ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_room_imports_only_its_own_floor_and_those_below(path: Path) -> None:
    mine = inside(path)
    floors = {name: height for height, names in enumerate(FLOORS) for name in names}
    for dotted in imports(path):
        other = room(dotted)
        if not other or other == mine or mine in ("__init__",) or other not in {*floors, "sandbox"}:
            continue
        if other == "sandbox":
            assert mine == "cli", f"{path} enters the sandbox"
        elif mine == "sandbox":
            pytest.fail(f"{path}: the sandbox is an island, and imports {dotted}")
        else:
            assert floors[other] <= floors[mine], f"{path} imports {dotted} from above"


def test_vendors_never_import_each_other() -> None:
    for path in (ROOT / "pipelines" / "vendors").rglob("*.py"):
        own = path.relative_to(ROOT / "pipelines" / "vendors").parts[0]
        others = {
            name.split(".")[2]
            for name in imports(path)
            if name.startswith("pipelines.vendors.") and name.count(".") >= 2
        }
        vendors = {"zoom", "hubspot"} - {own}
        assert own == "registry.py" or not others & vendors, path


def test_each_outside_package_is_imported_through_its_one_door() -> None:
    for path in PYTHON:
        where = str(path.relative_to(ROOT))
        for dotted in imports(path):
            doors = DOORS.get(dotted.split(".")[0])
            assert doors is None or any(where.startswith(door) for door in doors), f"{where} imports {dotted}"


def test_assets_know_no_vendor_and_do_without_deferred_annotations() -> None:
    for path in (ROOT / "assets").glob("*.py"):
        assert not any(re.match(r"pipelines\.vendors\.(?!registry)", name) for name in imports(path)), path
        assert "from __future__ import annotations" not in path.read_text(encoding="utf-8"), path


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count for path in PYTHON if (count := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in PYTHON
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_every_model_has_a_question_and_a_grain_and_reads_only_what_its_layer_may() -> None:
    found = models.load()
    assert len(found) > 40
    assert all(model.question.endswith(("?", ".")) for model in found.values())


def test_no_model_reads_the_clock_or_orders_without_need() -> None:
    for model in models.load().values():
        code = "\n".join(line for line in model.sql.splitlines() if not line.startswith("--")).lower()
        assert not re.search(r"\b(current_timestamp|now\(\)|today\(\)|current_date|get_current_time)", code), model.path
        assert model.layer != "staging" or not model.uses_as_of, model.path
        assert model.layer != "staging" or len(model.raws) == 1, model.path


@pytest.mark.parametrize(
    ("layer", "name", "sql", "message"),
    [
        ("marts", "loose.sql", "select 1 as one", "needs a header"),
        ("marts", "reads_log.sql", "-- What?\n-- grain: one row\nselect * from raw_zoom__users", "only staging may"),
        ("marts", "lost.sql", "-- What?\n-- grain: one row\nselect * from nowhere", "there is no such model"),
        ("intermediate", "wrong.sql", "-- What?\n-- grain: one row\nselect 1 as one", "is named int_"),
        ("marts", "broken.sql", "-- What?\n-- grain: one row\nselect from from", "does not parse"),
    ],
)
def test_a_model_that_breaks_a_rule_is_refused_with_its_file(
    tmp_path: Path, layer: str, name: str, sql: str, message: str
) -> None:
    (tmp_path / layer).mkdir()
    (tmp_path / layer / name).write_text(sql, encoding="utf-8")
    with pytest.raises(ModelError, match=message) as caught:
        models.load(tmp_path)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("narrowed", "message"),
    [
        ("one with two", "is not `<input> by"),
        ("one by key of two with other", "`one … of two with …`: two must be narrowed by the keys first"),
        ("one by key; two by key of one; six by key of two with other", "two must be narrowed by the keys first"),
        ("one by key of two; two by key", "`one … of two`: two must be narrowed first"),
        ("one by key; two by key of one; one by key of two", "`two … of one`: one must be narrowed first"),
        ("one by key; one by other", "`one` is named twice"),
        ("two by key; one by key; one by key of two with other", "`one` is named twice"),
        ("one by lower(key) = key; one by lower(key) = other", "`one` is named twice"),
    ],
)
def test_a_header_that_narrows_wrongly_is_refused_with_its_file(tmp_path: Path, narrowed: str, message: str) -> None:
    for folder, first in (("marts", "-- What?\n-- grain: one row\n-- incremental: key\n"), ("touched", "-- Which?\n")):
        (tmp_path / folder).mkdir()
        more = f"-- narrowed: {narrowed}\n" if folder == "touched" else ""
        (tmp_path / folder / "three.sql").write_text(f"{first}{more}select key from one, two", encoding="utf-8")
    with pytest.raises(ModelError, match=message) as caught:
        models.load(tmp_path)
    assert str(tmp_path / "touched" / "three.sql") in str(caught.value)


def test_models_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "marts").mkdir()
    for name, other in (("one", "two"), ("two", "one")):
        (tmp_path / "marts" / f"{name}.sql").write_text(
            f"-- What?\n-- grain: one row\nselect * from {other}", encoding="utf-8"
        )
    with pytest.raises(ModelError, match="circle"):
        models.load(tmp_path)


def commands() -> list[str]:
    """Return every command's words."""
    found = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    for group in app.registered_groups:
        found += [f"{group.name} {command.name}" for command in group.typer_instance.registered_commands]
    return found


def test_every_command_has_help_and_is_in_the_docs() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert len(commands()) >= 13
    for command in commands():
        assert f"`turnout {command}" in page, command
    assert all(command.callback and command.callback.__doc__ for command in app.registered_commands)


def test_every_setting_is_in_the_settings_file_with_its_default() -> None:
    text = (ROOT / "turnout.toml").read_text(encoding="utf-8")
    assert settings.parse(tomllib.loads(text)) == settings.Settings()
    bare = re.sub(r"^# (?=[a-z_]+ = |\[)", "", text, flags=re.MULTILINE)
    told = tomllib.loads(settings.WEBINAR_TABLE.sub(r"\1by_webinar]", bare))
    parsed = settings.parse(told)
    for name, section in settings.Settings.model_fields.items():
        fields = getattr(section.annotation, "model_fields", {})
        for field in fields:
            known = set(told[name]) | ({"by_webinar", "users"} if name == "sync" else set(settings.ACTIVITY_TYPES))
            assert field in known, f"{name}.{field} is not in turnout.toml"
            if name not in ("sync", "activities") and field != "activities_since":
                assert getattr(getattr(parsed, name), field) == fields[field].get_default(call_default_factory=True), (
                    field
                )


def test_every_rule_of_this_version_bears_a_test_and_every_test_a_rule_that_has_a_name() -> None:
    assert set(RULES) == set(marks())


def test_pages_made_from_the_code_are_what_the_code_says() -> None:
    assert stale() == []


def test_the_project_speaks_of_itself_alone() -> None:
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in set(names) - {"tests/house/test_walls.py"}:
        path = ROOT / name
        if path.suffix in (".py", ".sql", ".md", ".toml", ".yaml", ".lock", "") and path.is_file():
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not re.search(r"(?<![\w.])/(work|farm|root)/\w", text), name
            assert "pypi.org/simple" not in text, name
            assert "--index-url" not in text, name
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert lock.count("--hash=sha256:") > 100
