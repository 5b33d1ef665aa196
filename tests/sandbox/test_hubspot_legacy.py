"""Email events, campaigns, forms and their submissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sandbox.desk import Desk, hubspot_world

Serve = Callable[..., Desk]
EVENTS = "/email/public/v1/events"
DAY = 86_400_000
NOON = 1_795_176_000_000  # 2026-11-20T12:00:00Z


def event(name: str, created: int, type_: str = "OPEN", **given: Any) -> dict[str, Any]:
    return {"id": name, "created": created, "type": type_, "recipient": "a@x.example", "emailCampaignId": 7, **given}


def ids(desk: Desk, query: str = "") -> list[str]:
    return [one["id"] for one in desk.hubspot("GET", f"{EVENTS}?{query}").json()["events"]]


def test_events_come_newest_first_and_the_window_holds_both_of_its_ends(serve: Serve) -> None:
    events = [event("old", 100), event("mid", 200), event("new", 300), event("later", NOON + 1)]
    desk = serve(hubspot_world(email_events=events))
    assert ids(desk) == ["new", "mid", "old"]
    assert ids(desk, "startTimestamp=200&endTimestamp=300") == ["new", "mid"]
    assert ids(desk, "startTimestamp=201&endTimestamp=299") == []
    desk.sandbox.set_clock("2026-11-20T12:00:01Z")
    assert ids(desk)[0] == "later"


def test_events_are_filtered_by_type_recipient_campaign_and_bots(serve: Serve) -> None:
    events = [
        event("sent", 1, "SENT", recipient="B@x.example", emailCampaignId=8),
        event("bot", 2, filteredEvent=True),
        event("person", 3, filteredEvent=False, sentBy={"id": "sent", "created": 1}),
    ]
    desk = serve(hubspot_world(email_events=events))
    assert ids(desk, "eventType=SENT") == ["sent"]
    assert ids(desk, "eventType=sent") == []
    assert ids(desk, "recipient=b@X.example") == ["sent"]
    assert ids(desk, "campaignId=8") == ["sent"]
    assert ids(desk, "excludeFilteredEvents=true") == ["person", "sent"]
    assert desk.hubspot("GET", f"{EVENTS}/3/person").json()["sentBy"] == {"id": "sent", "created": 1}
    assert desk.hubspot("GET", f"{EVENTS}/4/person").status_code == 404


def test_an_offset_goes_on_in_the_same_question_for_a_while(serve: Serve) -> None:
    desk = serve(hubspot_world(email_events=[event(f"e{at:02d}", at) for at in range(25)]))
    first = desk.hubspot("GET", EVENTS).json()
    assert (len(first["events"]), first["hasMore"]) == (10, True)
    found = [one["id"] for one in first["events"]]
    offset = first["offset"]
    while True:
        body = desk.hubspot("GET", f"{EVENTS}?offset={offset}").json()
        found += [one["id"] for one in body["events"]]
        offset = body["offset"]
        if not body["hasMore"]:
            break
    assert found == [f"e{at:02d}" for at in reversed(range(25))]
    path = f"{EVENTS}?offset={first['offset']}"
    assert desk.hubspot("GET", f"{path}&eventType=OPEN").status_code == 400
    assert desk.hubspot("GET", f"{EVENTS}?offset=10").status_code == 400
    assert desk.hubspot("GET", f"{EVENTS}?limit=1001").status_code == 400
    desk.sandbox.set_clock("2026-11-20T12:15:01Z")
    assert desk.hubspot("GET", path).status_code == 400


def test_campaigns_that_events_speak_of_are_there(serve: Serve) -> None:
    events = [event("sent", 1, "SENT", subject="Hello"), event("x", 2, emailCampaignId=9)]
    desk = serve(hubspot_world(email_events=events, email_campaigns=[{"id": 9, "name": "Nine"}]))
    assert desk.hubspot("GET", "/email/public/v1/campaigns/7?appId=113").json()["subject"] == "Hello"
    assert desk.hubspot("GET", "/email/public/v1/campaigns/9").json()["name"] == "Nine"
    listed = desk.hubspot("GET", "/email/public/v1/campaigns/by-id").json()["campaigns"]
    assert [one["id"] for one in listed] == [9, 7]


def test_submissions_come_newest_first_fifty_at_most(serve: Serve) -> None:
    rows = [{"conversionId": f"c{at}", "submittedAt": at * DAY} for at in range(60)]
    desk = serve(hubspot_world(forms=[{"id": "guid", "name": "Trial", "submissions": rows}]))
    path = "/form-integrations/v1/submissions/forms/guid"
    assert desk.hubspot("GET", f"{path}?limit=51").status_code == 400
    first = desk.hubspot("GET", f"{path}?limit=50").json()
    rest = desk.hubspot("GET", f"{path}?limit=50&after={first['paging']['next']['after']}").json()
    found = [row["conversionId"] for row in first["results"] + rest["results"]]
    assert found == [f"c{at}" for at in reversed(range(60))]
    assert "paging" not in rest
    assert desk.hubspot("GET", "/form-integrations/v1/submissions/forms/none").status_code == 404


def test_forms_are_told_without_their_submissions(serve: Serve) -> None:
    desk = serve(hubspot_world(forms=[{"id": "g1", "submissions": [{}]}, {"id": "g2", "archived": True}]))
    for path in ("/marketing/v3/forms", "/marketing/v3/forms/", "/marketing/forms/2026-09-beta"):
        rows = desk.hubspot("GET", path).json()["results"]
        assert [row["id"] for row in rows] == ["g1"]
        assert "submissions" not in rows[0]
    assert desk.hubspot("GET", "/marketing/v3/forms?archived=true").json()["results"][0]["id"] == "g2"
