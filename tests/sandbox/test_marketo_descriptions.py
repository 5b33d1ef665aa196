"""Marketo's published descriptions: what the client asks and what the sandbox answers are as they say.

The descriptions are Adobe's own (Swagger 2), found beside other shared material; `jsonschema` reads their schemas. They
require more than the service sends, and say some things otherwise than its documentation: the exceptions stand here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
import requests
from jsonschema import Draft4Validator

from tests.company import Company
from tests.rules.test_marketo import GOOD, SETTINGS, programs_of, told

Record = dict[str, Any]
NAMES = ("identity", "mapi", "asset")
SEGMENT = """-- Who?
-- grain: one row per contact_id
-- name: Chosen
-- owner: tests
-- deliver: marketo
select contact_id from contact_metrics
"""
OTHERWISE = {
    r": \$: '(errors|warnings|result)' is a required property": "sent only where there are any",
    r"progressionStatuses\[\d+\]\.type: None is not of type 'string'": "null for what nobody gave a type",
    r"program.*folder: 'id' is a required property": "the documentation shows type, value and folderName",
    r"program.*\.status: '' is not one of": "the status of a program that is none of email or engagement",
    r"program.*\.type: '(Default|Event)' is not one of": "the documentation writes types with a capital",
    r"attributes\[\d+\]\.value: .* is not of type 'object'": "values are texts, numbers and booleans",
    r"types\.json: .*'primaryAttribute' is a required property": "types without one have none",
    r"members\.json: filterValues is missing": "updatedAt is a filter of startAt and endAt instead",
}
"""Where the service does otherwise than it is described, and why we think so; each must still be met."""


class Descriptions:
    """What is published of Marketo's API."""

    def __init__(self, folder: Path) -> None:
        self.paths: dict[str, tuple[Record, Record]] = {}
        for name in NAMES:
            file = folder / f"marketo-swagger-{name}.json"
            described = orjson.loads(file.read_bytes())
            for path, methods in described["paths"].items():
                self.paths[path] = (methods, described)

    def of(self, method: str, path: str) -> tuple[str, Record, Record]:
        """Return the path as it is described, what is said of the method, and the document."""
        for template in sorted(self.paths, key=lambda one: one.count("{")):
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path):
                methods, described = self.paths[template]
                assert method.lower() in methods, f"{method} {path} is not described"
                return template, methods[method.lower()], described
        raise AssertionError(f"{path} is not described")


@pytest.fixture
def descriptions(shared: Path) -> Descriptions:
    """The published descriptions; skip where they are not there."""
    folder = shared / "specs" / "marketo"
    if not folder.is_dir():
        pytest.skip(f"Marketo's descriptions are not at {folder}; set TURNOUT_SHARED to the folder that has specs/")
    return Descriptions(folder)


@pytest.fixture
def exchanges(company: Callable[..., Company], monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """What was asked of Marketo, and what it answered, in two runs that read, and write leads, members and programs."""
    world = told() | {"marketo": [programs_of((GOOD, "ada", "Registered"), (GOOD, "bob", "Registered"))]}
    one = company(world, SETTINGS)
    one.segments.mkdir()
    (one.segments / "segment_chosen.sql").write_text(SEGMENT, encoding="utf-8")
    found: list[tuple[Any, Any]] = []
    send = requests.Session.send

    def listening(self: requests.Session, request: Any, **how: Any) -> Any:
        answer = send(self, request, **how)
        if request.url.startswith(one.sandbox.urls["marketo"]):
            found.append((request, answer))
        return answer

    monkeypatch.setattr(requests.Session, "send", listening)
    one.run()
    one.run()
    return found


def test_what_is_asked_and_answered_is_as_marketo_describes_it(
    descriptions: Descriptions, exchanges: list[tuple[Any, Any]]
) -> None:
    seen: set[str] = set()
    wrong: list[str] = []
    for request, answer in exchanges:
        parts = urlsplit(request.url)
        template, said, described = descriptions.of(request.method, parts.path)
        name = f"{request.method} {template}"
        seen.add(name)
        given = {key for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
        if "form" in request.headers.get("Content-Type", ""):
            given |= {key for key, _ in parse_qsl(request.body or "")}
        known = {one["name"]: one for one in said.get("parameters", ())}
        for one in [one for one in known.values() if one["in"] == "body"]:  # a form may stand for a body
            named = (
                described["definitions"][one["schema"]["$ref"].rpartition("/")[2]] if "$ref" in one["schema"] else {}
            )
            known |= {field: {"in": "body"} for field in named.get("properties", ())}
        wrong += [f"{name}: {one} is no parameter" for one in given - set(known)]
        needed = {one for one, how in known.items() if how.get("required") and how["in"] in ("query", "formData")}
        wrong += [f"{name}: {one} is missing" for one in needed - given]
        schema = said["responses"]["200"].get("schema")
        if schema is not None and "json" in answer.headers.get("content-type", ""):
            validator = Draft4Validator({**schema, "definitions": described.get("definitions", {})})
            wrong += [
                f"{name}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(answer.json())
            ]
    met = {rule for rule in OTHERWISE for one in wrong if re.search(rule, one)}
    assert sorted(one for one in set(wrong) if not any(re.search(rule, one) for rule in OTHERWISE)) == []
    assert set(OTHERWISE) - met == set()
    assert {name.partition(" ")[2] for name in seen} >= {
        "/identity/oauth/token",
        "/rest/v1/leads.json",
        "/rest/v1/activities.json",
        "/rest/v1/programs/{programId}/members/status.json",
        "/rest/asset/v1/program/{id}.json",
    }
