"""A desk in front of the sandbox's first Marketo instance, and small worlds for it."""

from __future__ import annotations

from typing import Any

import requests

from tests.sandbox.desk import Desk

Record = dict[str, Any]
PROGRAM, OTHER = 1001, 1002
ANN, BOB, COLE = 11, 12, 13


def instance_world(**given: Any) -> Record:
    """Three leads, one of them a registered member of a webinar's program."""
    instance: Record = {
        "leads": [
            {"id": ANN, "email": "ann@x.example", "firstName": "Ann", "lastName": "Able", "company": "Acme"},
            {"id": BOB, "email": "bob@x.example", "firstName": "Bob"},
            {"id": COLE, "email": "cole@x.example", "lastName": "Cole", "shoeSize": 44},
        ],
        "programs": [{"id": PROGRAM, "name": "Pricing"}, {"id": OTHER, "name": "Paper", "channel": "Content"}],
        "members": [{"programId": PROGRAM, "leadId": ANN, "status": "Registered"}],
    }
    return {"marketo": [{**instance, **given}]}


def activity(number: int, at: str, kind: int = 2, lead: int = ANN, **given: Any) -> Record:
    return {"id": number, "leadId": lead, "activityTypeId": kind, "activityDate": at, **given}


class InstanceDesk:
    """Calls the instance over HTTP; `ask` returns the response, `told` the body of one that succeeded."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.faults = desk.faults
        self.url = desk.environment["MARKETO_BASE_URL"]
        self.session = requests.Session()
        self.enter()

    def identity(self, method: str = "GET", **given: Any) -> requests.Response:
        environment = self.desk.environment
        wanted = {
            "grant_type": "client_credentials",
            "client_id": environment["MARKETO_CLIENT_ID"],
            "client_secret": environment["MARKETO_CLIENT_SECRET"],
            **given,
        }
        where = {"params": wanted} if method == "GET" else {"data": wanted}
        return requests.request(method, f"{self.url}/identity/oauth/token", timeout=10, **where)  # type: ignore[arg-type]

    def enter(self) -> str:
        token: str = self.identity().json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"
        return token

    def ask(self, method: str, path: str, json: Any = None, **given: Any) -> requests.Response:
        return self.session.request(method, f"{self.url}{path}", json=json, timeout=30, **given)

    def told(self, method: str, path: str, json: Any = None, **given: Any) -> Record:
        answer = self.ask(method, path, json, **given)
        assert answer.status_code == 200, answer.text
        body: Record = answer.json()
        assert body["success"] is True, body
        return body

    def rows(self, method: str, path: str, json: Any = None, **given: Any) -> list[Record]:
        found: list[Record] = self.told(method, path, json, **given)["result"]
        return found

    def code(self, method: str, path: str, json: Any = None, **given: Any) -> str:
        """The code of a refusal, which comes at HTTP 200."""
        answer = self.ask(method, path, json, **given)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["success"], "result" in body) == (False, False), body
        (error,) = body["errors"]
        assert error["message"]
        assert isinstance(error["code"], str)
        return error["code"]

    def sync(self, *leads: Record, **given: Any) -> list[Record]:
        return self.rows("POST", "/rest/v1/leads.json", {"input": list(leads), **given})

    def status(self, name: str, *leads: int, program: int = PROGRAM) -> list[Record]:
        body = {"statusName": name, "input": [{"leadId": lead} for lead in leads]}
        return self.rows("POST", f"/rest/v1/programs/{program}/members/status.json", body)

    def members(self, *values: object, program: int = PROGRAM, kind: str = "leadId", fields: str = "") -> list[Record]:
        params = {"filterType": kind, "filterValues": ",".join(map(str, values)), "fields": fields or "statusName"}
        return self.rows("GET", f"/rest/v1/programs/{program}/members.json", params=params)

    def token(self, since: str) -> str:
        params = {"sinceDatetime": since}
        found: str = self.told("GET", "/rest/v1/activities/pagingtoken.json", params=params)["nextPageToken"]
        return found

    def page(self, token: str, *kinds: int, path: str = "activities", **params: Any) -> Record:
        named = {"activityTypeIds": ",".join(map(str, kinds))} if kinds else {}
        params = {"nextPageToken": token, **named, **params}
        return self.told("GET", f"/rest/v1/{path}.json", params=params)

    def log(self, *kinds: int, since: str = "2026-01-01T00:00:00Z", **params: Any) -> list[Record]:
        """Every activity of the kinds, whatever pages there are."""
        token, found = self.token(since), []
        while True:
            body = self.page(token, *kinds, **params)
            found += body.get("result", [])
            if not body["moreResult"]:
                return found
            token = body["nextPageToken"]

    def world(self) -> Record:
        found: Record = self.desk.sandbox.world()["marketo"][0]
        return found


def reasons(rows: list[Record]) -> list[str]:
    """What became of each record: its status, or the code for which it was skipped."""
    return [row["reasons"][0]["code"] if row["status"] == "skipped" else row["status"] for row in rows]
