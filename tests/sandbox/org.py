"""A desk in front of the sandbox's first Salesforce org, and small worlds for it."""

from __future__ import annotations

from typing import Any

import requests

from tests.sandbox.desk import Desk

Record = dict[str, Any]
ACCOUNT, CONTACT, OTHER, LEAD = "001A", "003A", "003B", "00QA"


def org_world(**given: Any) -> Record:
    """Two contacts of one account, and a lead; ids are as short as a world may have them."""
    org: Record = {
        "Account": [{"Id": ACCOUNT, "Name": "Acme"}],
        "Contact": [
            {"Id": CONTACT, "FirstName": "Ann", "LastName": "Able", "Email": "ann@x.example", "AccountId": ACCOUNT},
            {"Id": OTHER, "LastName": "Baker", "Email": "bob@x.example"},
        ],
        "Lead": [{"Id": LEAD, "LastName": "Cole", "Company": "Coal", "Email": "cole@x.example"}],
    }
    return {"salesforce": [{**org, **given}]}


class OrgDesk:
    """Calls the org over HTTP; each method returns the response, whatever it says."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.faults = desk.faults
        self.login = desk.environment["SALESFORCE_BASE_URL"]
        self.session = requests.Session()
        self.base = ""
        self.enter()

    def token(self, **form: str) -> requests.Response:
        return self.session.post(
            f"{self.login}/services/oauth2/token", data=form, timeout=10, headers={"Authorization": ""}
        )

    def enter(self) -> None:
        environment = self.desk.environment
        answer = self.token(
            grant_type="client_credentials",
            client_id=environment["SALESFORCE_CLIENT_ID"],
            client_secret=environment["SALESFORCE_CLIENT_SECRET"],
        ).json()
        self.instance = answer["instance_url"]
        self.base = f"{self.instance}/services/data/v60.0"
        self.session.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def ask(self, method: str, path: str, json: Any = None, **given: Any) -> requests.Response:
        return self.session.request(method, f"{self.base}{path}", json=json, timeout=10, **given)

    def query(self, text: str, path: str = "query", **given: Any) -> requests.Response:
        return self.ask("GET", f"/{path}", params={"q": text}, **given)

    def rows(self, text: str, path: str = "query") -> list[Record]:
        """Every row, without `attributes`."""
        answer = self.query(text, path)
        assert answer.status_code == 200, answer.text
        return [{key: value for key, value in row.items() if key != "attributes"} for row in answer.json()["records"]]

    def upsert(self, *rows: Record, object: str = "Task", whole: bool = False) -> list[Record]:
        records = [{"attributes": {"type": object}, **row} for row in rows]
        body = {"allOrNone": whole, "records": records}
        answer = self.ask("PATCH", f"/composite/sobjects/{object}/Turnout_Id__c", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def add(self, object: str, **values: Any) -> str:
        answer = self.ask("POST", f"/sobjects/{object}", values)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def world(self) -> Record:
        return self.desk.sandbox.world()["salesforce"][0]

    def id(self, object: str, at: int = 0) -> str:
        return self.world()[object][at]["Id"]

    def row(self, object: str, identifier: str) -> Record:
        return next(row for row in self.world()[object] if row["Id"] == identifier)


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and code of a refusal, which is a list of one."""
    (error,) = answer.json()
    assert error["message"]
    return answer.status_code, error["errorCode"]
