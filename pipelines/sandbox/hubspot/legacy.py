"""What still lives on old paths alone: marketing email events, campaigns, form submissions; and forms.

- `GET /email/public/v1/events`: newest first, both ends of the window inclusive, `offset` opaque, short-lived and valid
  for the same question only. An event's identity is (`id`, `created`). Every open and click is a row; those of bots
  bear `filteredEvent`. https://developers.hubspot.com/docs/api-reference/legacy/email-analytics-v1/guide
- `GET /form-integrations/v1/submissions/forms/{guid}`: newest first, fifty at most, no filter by date.
  https://developers.hubspot.com/docs/api-reference/legacy/forms-v1/guide
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Any

import orjson

from pipelines.sandbox.clock import from_ms, to_ms
from pipelines.sandbox.hubspot.gate import HubSpotCall, invalid, not_found, routes, size_of
from pipelines.sandbox.web import Answer, page

Record = dict[str, Any]
CONTENT, FORMS = ("content",), ("forms",)
FILTERS = ("appId", "campaignId", "recipient", "eventType", "startTimestamp", "endTimestamp", "excludeFilteredEvents")


@routes.on("GET", "/email/public/v1/events", scopes=CONTENT)
def list_email_events(call: HubSpotCall) -> Answer:
    size = size_of(call, 10, 1000)
    start = _start(call)
    rows = _matching(call)
    cut, following = page(rows, start, size, call.page_fault)
    reached = start + len(cut) if following is None else following
    body = {"hasMore": following is not None, "offset": _issue(call, reached), "events": cut}
    return Answer(200, body, records=len(cut))


def _matching(call: HubSpotCall) -> list[Record]:
    query = call.query
    first, last = _ms(call, "startTimestamp"), _ms(call, "endTimestamp")
    now = to_ms(call.now)
    last = now if last is None else min(last, now)
    kind, recipient = query.get("eventType"), query.get("recipient").lower()
    campaign, app, humans = query.get("campaignId"), query.get("appId"), query.flag("excludeFilteredEvents")
    return [
        event
        for event in call.portal.email_events
        if event["created"] <= last
        and (first is None or event["created"] >= first)
        and (not kind or event["type"] == kind)
        and (not recipient or str(event["recipient"]).lower() == recipient)
        and (not campaign or str(event.get("emailCampaignId")) == campaign)
        and (not app or str(event.get("appId")) == app)
        and not (humans and event.get("filteredEvent"))
    ]


def _ms(call: HubSpotCall, name: str) -> int | None:
    text = call.query.get(name)
    if not text:
        return None
    if not text.isdecimal():
        raise invalid(f"{name} must be milliseconds, not {text!r}")
    return int(text)


def _question(call: HubSpotCall) -> list[str]:
    return [call.query.get(name) for name in FILTERS]


def _issue(call: HubSpotCall, offset: int) -> str:
    content = {"o": offset, "t": to_ms(call.now), "q": _question(call)}
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def _start(call: HubSpotCall) -> int:
    text = call.query.get("offset")
    if not text:
        return 0
    try:
        token = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        alive = from_ms(token["t"]) + timedelta(minutes=float(call.switch("email_offset_minutes")))
        good = token["q"] == _question(call) and call.now <= alive
        start = int(token["o"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        good, start = False, 0
    if not good:
        raise invalid("The offset is invalid, has expired or belongs to another query")
    return start


@routes.on("GET", "/email/public/v1/events/{created}/{id}", scopes=CONTENT)
def read_email_event(call: HubSpotCall) -> Answer:
    for event in call.portal.email_events:
        if str(event["id"]) == call.params["id"] and str(event["created"]) == call.params["created"]:
            return Answer(200, event, records=1)
    raise not_found("email event not found")


@routes.on("GET", "/email/public/v1/campaigns", "/email/public/v1/campaigns/by-id", scopes=CONTENT)
def list_campaigns(call: HubSpotCall) -> Answer:
    campaigns = call.portal.record["email_campaigns"]
    offset = call.query.get("offset")
    start = int(offset) if offset.isdecimal() else 0
    cut, following = page(campaigns, start, size_of(call, 10, 1000), call.page_fault)
    rows = [
        {"id": one.get("id"), "appId": one["appId"], "appName": one["appName"], "lastUpdatedTime": to_ms(call.now)}
        for one in cut
    ]
    reached = start + len(cut) if following is None else following
    body = {"hasMore": following is not None, "offset": str(reached), "campaigns": rows}
    return Answer(200, body, records=len(rows))


@routes.on("GET", "/email/public/v1/campaigns/{id}", scopes=CONTENT)
def read_campaign(call: HubSpotCall) -> Answer:
    app = call.query.get("appId")
    for campaign in call.portal.record["email_campaigns"]:
        if str(campaign.get("id")) == call.params["id"] and (not app or str(campaign["appId"]) == app):
            return Answer(200, campaign, records=1)
    raise not_found(f"campaign {call.params['id']} not found")


@routes.on("GET", "/marketing/v3/forms", scopes=FORMS)
def list_forms(call: HubSpotCall) -> Answer:
    archived, types = call.query.flag("archived"), call.query.all("formTypes")
    forms = [
        form
        for form in call.portal.record["forms"]
        if bool(form["archived"]) == archived and (not types or "all" in types or form["formType"] in types)
    ]
    after = call.query.get("after")
    start = int(after) if after.isdecimal() else 0
    cut, following = page(forms, start, size_of(call, 20, 500), call.page_fault)
    body: Record = {"results": [_form(form) for form in cut]}
    if following is not None:
        body["paging"] = {"next": {"after": str(following), "link": ""}}
    return Answer(200, body, records=len(cut))


@routes.on("GET", "/marketing/v3/forms/{form}", scopes=FORMS)
def read_form(call: HubSpotCall) -> Answer:
    return Answer(200, _form(_asked_form(call)), records=1)


def _asked_form(call: HubSpotCall) -> Record:
    for form in call.portal.record["forms"]:
        if form["id"] == call.params["form"]:
            assert isinstance(form, dict)
            return form
    raise not_found(f"No form found with id {call.params['form']}")


def _form(form: Record) -> Record:
    """A form's definition; what a world leaves out of it is filled with the plainest there is."""
    configuration = {
        "language": "en",
        "cloneable": True,
        "editable": True,
        "archivable": True,
        "recaptchaEnabled": False,
        "notifyContactOwner": False,
        "notifyRecipients": [],
        "createNewContactForNewEmail": False,
        "prePopulateKnownValues": True,
        "allowLinkToResetKnownValues": False,
        "lifecycleStages": [],
        "postSubmitAction": {"type": "thank_you", "value": "Thank you."},
    }
    display = {
        "theme": "default_style",
        "renderRawHtml": False,
        "cssClass": "",
        "submitButtonText": "Submit",
        "style": dict.fromkeys(
            (
                "fontFamily",
                "backgroundWidth",
                "labelTextColor",
                "labelTextSize",
                "helpTextColor",
                "helpTextSize",
                "legalConsentTextColor",
                "legalConsentTextSize",
                "submitColor",
                "submitAlignment",
                "submitFontColor",
                "submitSize",
            ),
            "",
        )
        | {"submitAlignment": "left"},
    }
    body = {name: value for name, value in form.items() if name not in ("submissions", "guid")}
    body.setdefault("configuration", configuration)
    body.setdefault("displayOptions", display)
    body.setdefault("legalConsentOptions", {"type": "none"})
    return body


@routes.on("GET", "/form-integrations/v1/submissions/forms/{form}", scopes=FORMS)
def list_submissions(call: HubSpotCall) -> Answer:
    now = to_ms(call.now)
    rows = sorted(
        (one for one in _asked_form(call)["submissions"] if one["submittedAt"] <= now),
        key=lambda one: (-one["submittedAt"], str(one["conversionId"])),
    )
    start = _submission_start(call, rows)
    cut, following = page(rows, start, size_of(call, 20, 50), call.page_fault)
    body: Record = {"results": cut}
    if following is not None:
        token = rows[following - 1]["conversionId"] if following else ""
        text = base64.urlsafe_b64encode(str(token).encode()).decode()
        body["paging"] = {"next": {"after": text or "start", "link": ""}}
    return Answer(200, body, records=len(cut))


def _submission_start(call: HubSpotCall, rows: list[Record]) -> int:
    """The cursor names the last row that was given, so rows that come in meanwhile are not given twice."""
    after = call.query.get("after")
    if not after or after == "start":
        return 0
    try:
        name = base64.urlsafe_b64decode(after).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise invalid("The cursor after is invalid") from error
    found = next((at for at, row in enumerate(rows) if str(row["conversionId"]) == name), None)
    if found is None:
        raise invalid("The cursor after is invalid")
    return found + 1
