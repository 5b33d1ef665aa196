"""A company for a test: a world in the sandbox, a TURNOUT_HOME, and short ways to ask what the CRM then holds."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import requests

from pipelines.events import utc
from pipelines.run import RunReceipt, Workspace
from pipelines.sandbox import Sandbox
from tests.commands import command

ROOT = Path(__file__).resolve().parent.parent
HOME = "Zoë's home"
"""The folder of a company's home: with a blank, a quote and a letter that is no ASCII, as people's folders have."""


def words(sql: str) -> set[str]:
    """Return every word of a query: of the tables only those need to be laid out, each of which takes its time."""
    return set(re.findall(r"\w+", sql))


@contextmanager
def companies(folder: Path) -> Iterator[Callable[..., Company]]:
    """Return a maker of companies below a folder, `make(world(...), settings)`; their vendors close in the end."""
    with ExitStack() as stack:
        number = count()

        def make(world: dict[str, Any], settings: str = "") -> Company:
            made = Company(world, folder / f"{HOME} {next(number)}", settings)
            stack.callback(made.sandbox.stop)
            return made

        yield make


class Company:
    """One world, one home. Everything asked of the CRM goes through its API, as another program would ask."""

    def __init__(self, world: dict[str, Any], home: Path, settings: str = "") -> None:
        self.sandbox = Sandbox(world)
        self.sandbox.start()
        self.home = home
        self.settings_file = home.parent / f"{home.name}.toml"
        self.segments = home.parent / f"{home.name}-segments"
        self.set(settings)

    def copy(self, home: Path) -> Company:
        """Return a company with the same world, home and settings, which goes its own way from here."""
        shutil.copytree(self.home, home)
        (home / "warehouse.duckdb").unlink(missing_ok=True)  # its views are of the old home; the next build writes it
        return Company(self.sandbox.world(), home, self.settings_file.read_text(encoding="utf-8"))

    def set(self, settings: str) -> None:
        """Write the settings file."""
        self.settings_file.write_text(settings, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that connect turnout to this company."""
        return {
            **self.sandbox.environment,
            "TURNOUT_HOME": str(self.home),
            "TURNOUT_SETTINGS": str(self.settings_file),
            "TURNOUT_SEGMENTS": str(self.segments),
        }

    @property
    def workspace(self) -> Workspace:
        """A workspace, opened anew: nothing is remembered but what is on disk."""
        return Workspace(self.environment)

    def run(self, as_of: str | None = None, **how: Any) -> RunReceipt:
        """Do a whole run."""
        return self.workspace.run(utc(as_of) if as_of else None, **how)

    def command(self, *words: str, check: bool = False, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in a process of its own."""
        env = {"HOME": str(self.home), **self.environment, **variables}
        answer = command(words, {name: value for name, value in env.items() if value})
        if check:
            answer.check_returncode()
        return answer

    def ask(self, path: str, vendor: str = "hubspot", **params: Any) -> requests.Response:
        """GET something from the CRM."""
        portal = self.sandbox.world()["hubspot"][0]
        return requests.get(
            self.sandbox.urls[vendor] + path,
            params=params,
            headers={"Authorization": f"Bearer {portal['access_token']}"},
            timeout=30,
        )

    def contact(self, email: str) -> dict[str, Any] | None:
        """Return the properties of the contact that the CRM finds under an address, turnout's own ones among them."""
        names = [entry["name"] for entry in self.ask("/crm/v3/properties/contacts").json()["results"]]
        ours = [name for name in names if name.startswith("turnout_")]
        wanted = ["email", "firstname", "lastname", "hs_object_id", *ours]
        answer = self.ask(
            f"/crm/v3/objects/contacts/{requests.utils.quote(email, safe='')}",
            idProperty="email",
            properties=",".join(wanted),
        )
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return {name: value for name, value in answer.json()["properties"].items() if name in wanted}

    def states(self, event: str) -> dict[str, str]:
        """Return address to state in a marketing event, as the CRM tells it."""
        answer = self.ask(f"/marketing/v3/marketing-events/participations/zoom-account/{event}/breakdown", limit=100)
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        return {
            row["associations"]["contact"]["email"]: row["properties"]["attendanceState"]
            for row in answer.json()["results"]
        }

    def event(self, event: str) -> dict[str, Any] | None:
        """Return a marketing event, as the CRM tells it."""
        answer = self.ask(f"/marketing/v3/marketing-events/events/{event}", externalAccountId="zoom-account")
        return answer.json() if answer.ok else None

    def emails(self) -> set[str]:
        """Return the addresses of all contacts that the CRM lists."""
        found: set[str] = set()
        after: str | None = None
        while True:
            answer = self.ask("/crm/v3/objects/contacts", limit=100, **({"after": after} if after else {})).json()
            found |= {row["properties"].get("email") or "" for row in answer["results"]}
            after = answer.get("paging", {}).get("next", {}).get("after")
            if not after:
                return found

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the tables."""
        with self.workspace.warehouse.connect(words(sql)) as db:
            return db.execute(sql).fetchall()

    def verdict(self, key: str, kind: str = "contact") -> tuple[str, str | None] | None:
        """Return (verdict, reason) of a record."""
        found = self.rows(f"select verdict, reason from verdicts where object = '{kind}' and object_key = '{key}'")
        return found[0] if found else None

    def writes(self) -> int:
        """Return how many writing calls the CRM has had since the last `clear`."""
        reads = ("/search", "/batch/read", "/oauth/token")
        return sum(
            one["method"] in ("POST", "PUT", "PATCH", "DELETE") and not one["path"].partition("?")[0].endswith(reads)
            for one in self.sandbox.requests()
            if one["vendor"] == "hubspot"
        )

    def change(self, how: Callable[[dict[str, Any]], None], now: str | None = None) -> None:
        """Change the world, as its people would; `now` moves its clock."""
        world = self.sandbox.world()
        how(world)
        if now is not None:
            world["now"] = now
        self.sandbox.put_world(world)
        if now is not None:
            self.sandbox.set_clock(now)

    def add(self, *webinars: dict[str, Any], hosts: Iterable[dict[str, Any]] = (), **portal: Any) -> None:
        """Add webinars and their hosts to Zoom, and records of these kinds to HubSpot."""

        def how(told: dict[str, Any]) -> None:
            told["zoom"][0]["users"] += hosts
            told["zoom"][0]["webinars"] += webinars
            for kind, rows in portal.items():
                told["hubspot"][0].setdefault(kind, []).extend(rows)

        self.change(how)
