"""Owners, users, and the account itself.

Owner ids, user ids and CRM user records are three kinds of number. Deactivated owners show with `archived=true` alone
and have no userId. https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide and
https://developers.hubspot.com/docs/api-reference/settings-user-provisioning-v3/guide
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.clock import iso_ms, time_zone
from pipelines.sandbox.hubspot.gate import DAILY, HubSpotCall, not_found, routes, size_of
from pipelines.sandbox.web import Answer, page

Record = dict[str, Any]


@routes.on("GET", "/crm/v3/owners", scopes=("crm.objects.owners.read",))
def list_owners(call: HubSpotCall) -> Answer:
    archived, email = call.query.flag("archived"), call.query.get("email").lower()
    rows = [
        owner
        for owner in call.portal.record["owners"]
        if bool(owner["archived"]) == archived and (not email or str(owner["email"]).lower() == email)
    ]
    return _listed(call, rows, 100, 500)


@routes.on("GET", "/crm/v3/owners/{id}", scopes=("crm.objects.owners.read",))
def read_owner(call: HubSpotCall) -> Answer:
    key = "userIdIncludingInactive" if call.query.get("idProperty") == "userId" else "id"
    archived = call.query.flag("archived")
    for owner in call.portal.record["owners"]:
        if str(owner[key]) == call.params["id"] and bool(owner["archived"]) == archived:
            return Answer(200, owner, records=1)
    raise not_found(f"Owner {call.params['id']} does not exist")


@routes.on("GET", "/settings/v3/users", scopes=("settings.users.read",))
def list_users(call: HubSpotCall) -> Answer:
    return _listed(call, call.portal.record["users"], 25, 100)


@routes.on("GET", "/settings/v3/users/{id}", scopes=("settings.users.read",))
def read_user(call: HubSpotCall) -> Answer:
    key = "email" if call.query.get("idProperty") == "EMAIL" else "id"
    for user in call.portal.record["users"]:
        if str(user[key]).lower() == call.params["id"].lower():
            return Answer(200, user, records=1)
    raise not_found(f"User {call.params['id']} does not exist")


@routes.on("GET", "/settings/v3/users/roles", "/settings/v3/users/teams", scopes=("settings.users.teams.read",))
def list_nothing(call: HubSpotCall) -> Answer:
    return Answer(200, {"results": []})


def _listed(call: HubSpotCall, rows: list[Record], default: int, most: int) -> Answer:
    """A page by an `after` cursor: where in the list the next one starts."""
    after = call.query.get("after")
    start = int(after) if after.isdecimal() else 0
    cut, following = page(rows, start, size_of(call, default, most), call.page_fault)
    body: Record = {"results": cut}
    if following is not None:
        body["paging"] = {"next": {"after": str(following), "link": f"?after={following}"}}
    return Answer(200, body, records=len(cut))


@routes.on("GET", "/account-info/v3/details")
def details(call: HubSpotCall) -> Answer:
    record = call.portal.record
    offset = call.now.astimezone(time_zone(str(record["time_zone"]))).strftime("%z")
    body = {
        "portalId": record["portal_id"],
        "accountType": "STANDARD",
        "timeZone": record["time_zone"],
        "companyCurrency": "EUR",
        "additionalCurrencies": [],
        "utcOffset": f"{offset[:3]}:{offset[3:]}",
        "utcOffsetMilliseconds": (1 if offset[0] == "+" else -1) * (int(offset[1:3]) * 60 + int(offset[3:])) * 60_000,
        "uiDomain": "app.hubspot.example",
        "dataHostingLocation": "eu1",
    }
    return Answer(200, body, records=1)


@routes.on("GET", "/account-info/v3/api-usage/daily/private-apps")
def usage(call: HubSpotCall) -> Answer:
    limit = call.switch("daily_limit")
    row = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": DAILY[str(call.portal.record["tier"])] if limit is None else limit,
        "currentUsage": call.used_today,
        "collectedAt": iso_ms(call.now),
        "fetchStatus": "SUCCESS",
        "resetsAt": iso_ms(call.now.replace(hour=23, minute=59, second=59, microsecond=0)),
    }
    return Answer(200, {"results": [row]}, records=1)
