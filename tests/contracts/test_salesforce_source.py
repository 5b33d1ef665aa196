"""Salesforce as a source: what a reading leaves in the log, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from pipelines.ingest import IngestReceipt, ingest
from pipelines.log import Log
from pipelines.sandbox import Sandbox
from pipelines.settings import Ingest, connections
from pipelines.vendors.salesforce import SalesforceSource

NOW = "2026-11-20T12:00:00Z"
ORG = "00D5g000001abcdEAA"
STAMP = "2026-01-05T10:00:00.000+0000"


def person(number: int, kind: str = "003", **more: Any) -> dict[str, Any]:
    """A Contact, or a Lead, by its number."""
    return {
        "Id": f"{kind}5g{number:010d}",
        "LastName": f"P{number}",
        "Email": f"p{number}@x.example",
        "CreatedDate": STAMP,
        "LastModifiedDate": STAMP,
        "SystemModstamp": STAMP,
        **({"Company": "X", "Status": "Open"} if kind == "00Q" else {}),
        **more,
    }


class Org:
    """A sandbox with one org, and a log that it is read into."""

    def __init__(self, home: Path, **org: Any) -> None:
        told = {"org_id": ORG, "client_id": "id", "client_secret": "secret", "time_zone": "Europe/Paris", **org}
        self.sandbox = Sandbox({"now": NOW, "salesforce": [told]})
        self.sandbox.start()
        self.log = Log(home)
        self.naps: list[float] = []

    def read(self, *streams: str, wanted: tuple[str, ...] = (), **machine: Any) -> IngestReceipt:
        """Read, and begin a new list of what was asked."""
        self.sandbox.clear_requests()
        mine = {name: value for name, value in self.sandbox.environment.items() if name.startswith("SALESFORCE")}
        connection = connections(mine)["salesforce"]
        source = SalesforceSource(connection, Ingest(**machine), frozenset(wanted))
        source.client.api.sleep = self.naps.append
        source.client.session._api.sleep = self.naps.append
        return ingest(source, self.log, run="test", streams=("descriptions", *streams) if streams else None)

    def latest(self, stream: str) -> dict[str, Any]:
        """Return key to record of all that is present."""
        return self.log.latest("salesforce", stream)

    def events(self, stream: str) -> int:
        """Return how many events a stream holds."""
        return int(self.log.query("salesforce", stream, "select count(*) from events", {})[0][0])

    def asked(self, sign: str) -> list[str]:
        """Return the paths of the calls whose path has a sign in it."""
        return [one["path"] for one in self.sandbox.requests() if sign in one["path"]]

    def control(self, path: str, **body: Any) -> None:
        """Do what no API of Salesforce does: convert, merge."""
        answer = requests.post(f"{self.sandbox.control_url}/_sandbox/salesforce/{path}", json=body, timeout=10)
        answer.raise_for_status()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def org(home: Path) -> Iterator[Any]:
    made: list[Org] = []

    def make(**told: Any) -> Org:
        made.append(Org(home, **told))
        return made[-1]

    yield make
    for one in made:
        one.sandbox.stop()


def test_everything_is_read_once_and_then_what_is_new(org: Any) -> None:
    one = org(Contact=[person(n) for n in range(4_500)], Lead=[person(n, "00Q") for n in range(3)])
    one.sandbox.set_faults({"switches": {"salesforce.page_rows": 700}})
    receipt = one.read()
    assert receipt.failed == {}
    assert receipt.account == ORG
    assert len(one.latest("contacts")) == 4_500  # all of one second: the id leads on
    assert len(one.latest("leads")) == 3
    assert receipt.streams["contacts"].read == 4_500
    again = one.read(*[stream.name for stream in SalesforceSource.streams])
    assert again.appended == 0
    assert len(one.asked("/queryAll?")) == 5  # users, accounts, opportunities, contacts and leads, one page each
    assert one.asked("/sobjects/Contact/deleted") == []


def test_a_change_is_an_event_and_a_stamp_alone_one_that_says_the_same(org: Any) -> None:
    one = org(Contact=[person(1)])
    one.read("contacts")
    world = one.sandbox.world()
    world["salesforce"][0]["Contact"][0] |= {"Email": "new@x.example", "SystemModstamp": "2026-11-20T12:00:00.000+0000"}
    one.sandbox.put_world(world)
    receipt = one.read("contacts")
    assert receipt.appended == 1
    (found,) = one.latest("contacts").values()
    assert found["Email"] == "new@x.example"


def test_what_is_deleted_merged_or_converted_is_told_with_its_successor(org: Any) -> None:
    one = org(Contact=[person(1), person(2), person(3)], Lead=[person(7, "00Q")])
    one.read("contacts", "leads")
    ids = [row["Id"] for row in one.sandbox.world()["salesforce"][0]["Contact"]]
    lead = one.sandbox.world()["salesforce"][0]["Lead"][0]["Id"]
    one.sandbox.set_clock("2026-11-20T13:00:00Z")
    one.control("merge", winner=ids[0], loser=ids[1])
    one.control("convert", leadId=lead)
    one.read("contacts", "leads")
    contacts, leads = one.latest("contacts"), one.latest("leads")
    assert contacts[ids[1]]["IsDeleted"] is True
    assert contacts[ids[1]]["MasterRecordId"] == ids[0]
    assert leads[lead]["IsConverted"] is True
    assert leads[lead]["ConvertedContactId"] in contacts


def test_what_was_erased_for_good_is_absent(org: Any) -> None:
    one = org(Contact=[person(1), person(2)])
    one.read("contacts", reconcile_hours=1)
    gone = one.sandbox.world()["salesforce"][0]["Contact"][0]["Id"]
    one.sandbox.set_clock("2026-11-21T13:00:00Z")
    token = requests.post(
        one.sandbox.urls["salesforce"] + "/services/oauth2/token",
        data={"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"},
        timeout=10,
    ).json()
    requests.delete(
        f"{token['instance_url']}/services/data/v64.0/sobjects/Contact/{gone}",
        headers={"Authorization": f"Bearer {token['access_token']}"},
        timeout=10,
    ).raise_for_status()
    one.sandbox.set_clock("2026-11-21T13:30:00Z")
    one.read("contacts", reconcile_hours=1)
    assert one.asked("/sobjects/Contact/deleted") != []
    assert gone not in one.latest("contacts")


def test_a_session_that_ends_is_renewed_once(org: Any) -> None:
    one = org(Contact=[person(1)])
    one.read("contacts")
    one.sandbox.set_faults({"rules": [{"vendor": "salesforce", "path": "/query", "kind": "expire_token", "times": 1}]})
    receipt = one.read("contacts")
    assert receipt.failed == {}
    assert len(one.asked("/services/oauth2/token")) == 1


def test_a_quota_that_is_used_up_stops_the_reading_and_says_so(org: Any) -> None:
    one = org(Contact=[person(1)])
    one.sandbox.set_faults({"switches": {"salesforce.daily_limit": 3}})
    receipt = one.read()
    assert any("calls of 24 hours are used up" in why for why in receipt.failed.values())
    assert one.naps == []  # it opens in hours: nobody waits for it
    one.sandbox.set_faults({})
    assert one.read().failed == {}


def test_a_field_that_is_hidden_from_the_user_is_not_asked_for(org: Any) -> None:
    one = org(Task=[{"Subject": "x", "Status": "Completed"}])
    one.sandbox.set_faults({"switches": {"salesforce.hidden_fields": ["Type"]}})
    receipt = one.read("tasks", wanted=("tasks",))
    assert receipt.failed == {}
    assert all(
        "Type" not in path.replace("TaskSubtype", "").replace("CallType", "") for path in one.asked("/queryAll?")
    )


def test_activities_are_read_only_where_a_switch_asks_and_only_from_then_on(org: Any) -> None:
    old = {"Subject": "old", "Status": "Completed", "SystemModstamp": STAMP, "CreatedDate": STAMP}
    one = org(Task=[old])
    one.read()
    assert one.log.version("salesforce", "tasks") < 0
    one.read("tasks", wanted=("tasks",))
    assert one.latest("tasks") == {}
    world = one.sandbox.world()
    world["salesforce"][0]["Task"].append({"Subject": "new", "Status": "Not Started", "SystemModstamp": NOW})
    one.sandbox.put_world(world)
    one.read("tasks", wanted=("tasks",))
    assert [row["Subject"] for row in one.latest("tasks").values()] == ["new"]


def test_a_page_that_dies_on_the_way_is_asked_for_anew(org: Any) -> None:
    one = org(Contact=[person(n) for n in range(900)])
    one.sandbox.set_faults({"switches": {"salesforce.page_rows": 300, "salesforce.locator_minutes": 0}})
    receipt = one.read("contacts")
    assert "contacts" in receipt.failed or len(one.latest("contacts")) == 900
    one.sandbox.set_faults({"switches": {"salesforce.page_rows": 300}})
    assert one.read("contacts").failed == {}
    assert len(one.latest("contacts")) == 900


def test_records_are_kept_byte_for_byte(org: Any) -> None:
    one = org(Contact=[person(1, FirstName="Zoë ✓")])
    one.read("contacts")
    ((payload,),) = one.log.query("salesforce", "contacts", "select payload from events", {})
    told = orjson.loads(payload)
    assert told["attributes"]["type"] == "Contact"
    assert told["Email"] == "p1@x.example"
