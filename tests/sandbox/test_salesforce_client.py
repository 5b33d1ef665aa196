"""The best-known Python client of Salesforce against the sandbox.

It speaks HTTPS alone, and logs in at salesforce.com; an adapter of its HTTP session takes it to the sandbox.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SalesforceLogin
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

from tests.sandbox.org import OrgDesk

Enter = Callable[..., OrgDesk]


class Plain(HTTPAdapter):
    """Sends what is meant for HTTPS over HTTP, and what is meant for salesforce.com to the sandbox's login."""

    def __init__(self, login: str) -> None:
        super().__init__()
        self.login = login

    def send(self, request: requests.PreparedRequest, **given: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(str(request.url))
        base = self.login if str(parts.hostname).endswith("salesforce.com") else f"http://{parts.netloc}"
        request.url = base + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, **given)


def plain(desk: OrgDesk) -> requests.Session:
    session = requests.Session()
    session.mount("https://", Plain(desk.login))
    return session


@pytest.fixture
def desk(org: Enter) -> OrgDesk:
    return org(Contact=[{"LastName": f"P{at:04}", "Email": "one@x.example"} for at in range(450)])


@pytest.fixture
def client(desk: OrgDesk) -> Salesforce:
    session = plain(desk)
    environment = desk.desk.environment
    token, instance = SalesforceLogin(
        domain="acme.my",
        consumer_key=environment["SALESFORCE_CLIENT_ID"],
        consumer_secret=environment["SALESFORCE_CLIENT_SECRET"],
        session=session,
    )
    return Salesforce(instance=instance, session_id=token, version="60.0", session=session)


def test_it_reads_all_pages(desk: OrgDesk, client: Salesforce) -> None:
    desk.faults(salesforce__page_rows=200)
    found = client.query_all("SELECT LastName FROM Contact ORDER BY LastName")
    assert [row["LastName"] for row in found["records"]] == [f"P{at:04}" for at in range(450)]
    assert client.query("SELECT COUNT() FROM Contact")["totalSize"] == 450
    assert len(client.Contact.describe()["fields"]) > 20
    assert client.limits()["DailyApiRequests"]["Max"] == 100_000
    assert client.api_usage["api-usage"].total == 100_000


def test_it_writes_rows(desk: OrgDesk, client: Salesforce) -> None:
    made = client.Task.create({"Subject": "x", "WhoId": desk.id("Contact")})
    assert client.Task.update(made["id"], {"Subject": "y"}) == 204
    assert client.Task.get(made["id"])["Subject"] == "y"
    assert client.Task.upsert("Turnout_Id__c/k", {"Subject": "z"}) == 201
    assert client.Task.upsert("Turnout_Id__c/k", {"Subject": "zz"}) == 200
    assert client.Task.get_by_custom_id("Turnout_Id__c", "k")["Subject"] == "zz"
    assert client.Task.delete(made["id"]) == 204


def test_it_knows_the_refusals(desk: OrgDesk, client: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest) as malformed:
        client.query("SELECT Nope FROM Contact")
    assert malformed.value.content[0]["errorCode"] == "INVALID_FIELD"
    with pytest.raises(SalesforceMoreThanOneRecord):
        client.Contact.upsert("Email/one@x.example", {"LastName": "x"})
    with pytest.raises(SalesforceResourceNotFound):
        client.Contact.get("0035g0009999999")
    desk.faults({"kind": "expire_token", "vendor": "salesforce"})
    with pytest.raises(SalesforceExpiredSession):
        client.query("SELECT Id FROM Contact")


def test_it_writes_and_reads_in_bulk(desk: OrgDesk, client: Salesforce) -> None:
    desk.faults(salesforce__bulk_polls=0)
    rows = [{"Turnout_Id__c": f"k{at}", "Subject": "x" * (256 if at == 3 else 5)} for at in range(9)]
    (told,) = client.bulk2.Task.upsert(records=rows, external_id_field="Turnout_Id__c", wait=0)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (9, 1)
    assert "STRING_TOO_LONG" in client.bulk2.Task.get_failed_records(told["job_id"])
    assert "k8" in client.bulk2.Task.get_successful_records(told["job_id"])
    pieces = list(client.bulk2.Task.query("SELECT Id, Subject FROM Task", max_records=5, wait=0))
    assert [piece.count("xxxxx") for piece in pieces] == [5, 3]
