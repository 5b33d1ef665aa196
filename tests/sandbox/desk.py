"""A desk in front of a sandbox: its two vendors, called over real HTTP with the credentials of its first accounts."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import requests

from pipelines.sandbox import Sandbox

Record = dict[str, Any]


class Desk:
    """Calls a running sandbox. `zoom` and `hubspot` return the response, whatever it says."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.environment = sandbox.environment
        self.session = requests.Session()
        self._token = ""

    def control(self, method: str, path: str, **given: Any) -> requests.Response:
        return self.session.request(method, f"{self.sandbox.control_url}/_sandbox/{path}", timeout=10, **given)

    def new_token(self) -> requests.Response:
        return self.session.post(
            f"{self.environment['ZOOM_BASE_URL']}/oauth/token",
            params={"grant_type": "account_credentials", "account_id": self.environment["ZOOM_ACCOUNT_ID"]},
            auth=(self.environment["ZOOM_CLIENT_ID"], self.environment["ZOOM_CLIENT_SECRET"]),
            timeout=10,
        )

    @property
    def token(self) -> str:
        if not self._token:
            self._token = self.new_token().json()["access_token"]
        return self._token

    def zoom(self, method: str, path: str, **given: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **given.pop("headers", {})}
        url = f"{self.environment['ZOOM_BASE_URL']}/v2{path}"
        return self.session.request(method, url, headers=headers, timeout=10, **given)

    def hubspot(self, method: str, path: str, **given: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.environment['HUBSPOT_ACCESS_TOKEN']}", **given.pop("headers", {})}
        url = f"{self.environment['HUBSPOT_BASE_URL']}{path}"
        return self.session.request(method, url, headers=headers, timeout=10, **given)

    def faults(self, *rules: Record, **switches: Any) -> None:
        """Switches are named with two underscores for the dot: `zoom__plan="free"`."""
        named = {name.replace("__", ".", 1): value for name, value in switches.items()}
        self.sandbox.set_faults({"rules": list(rules), "switches": named})

    def all_zoom(self, path: str, key: str, **params: Any) -> list[Record]:
        """Every record of a paged list."""
        found: list[Record] = []
        while True:
            body = self.zoom("GET", path, params=params).json()
            found += body[key]
            if not body["next_page_token"]:
                return found
            params["next_page_token"] = body["next_page_token"]


def once(uuid: str) -> str:
    return quote(uuid, safe="")


def twice(uuid: str) -> str:
    return once(once(uuid))


def webinar(number: int = 111, **given: Any) -> Record:
    """A single webinar that ran on 10 November 2026, an hour long."""
    return {
        "id": number,
        "topic": "Pricing",
        "start_time": "2026-11-10T10:00:00Z",
        "duration": 60,
        "settings": {"approval_type": 0},
        "instances": [
            {
                "uuid": f"run{number}==",
                "start_time": "2026-11-10T10:00:00Z",
                "end_time": "2026-11-10T11:00:00Z",
                "participants": [],
            }
        ],
        **given,
    }


def upcoming(number: int = 222, **given: Any) -> Record:
    """A single webinar of 1 December 2026, open for registration."""
    ahead = {"start_time": "2026-12-01T10:00:00Z", "settings": {"approval_type": 0}, "instances": []}
    return {"id": number, "topic": "Ahead", "duration": 60, **ahead, **given}


def zoom_world(*webinars: Record, **given: Any) -> Record:
    users = [{"id": "host", "email": "host@acme.example", "first_name": "Hanna", "last_name": "Host"}]
    return {"zoom": [{"users": users, "webinars": list(webinars), **given}]}


def contact(number: int, email: str = "", **properties: Any) -> Record:
    values = {"email": email, **properties} if email else properties
    return {"id": str(number), "createdAt": "2026-01-01T00:00:00Z", "properties": values}


def hubspot_world(*contacts: Record, **given: Any) -> Record:
    return {"hubspot": [{"contacts": list(contacts), **given}]}
