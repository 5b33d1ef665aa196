"""Clients that others wrote work against the sandbox as they are: hubspot-api-client 12 and pyzoom 1.0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import models as links
from hubspot.crm.contacts import models as crm
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.crm.lists import models as lists
from hubspot.crm.properties import models as properties
from hubspot.marketing.events import models as marketing
from pyzoom import ZoomClient
from pyzoom.err import BadRequest, NotAuthorized, NotFound
from pyzoom.schemas import MeetingRegistrantShort, ZoomMeetingSettings

from pipelines.sandbox import generate
from tests.sandbox.desk import Desk, contact, hubspot_world, zoom_world

Serve = Callable[..., Desk]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pyzoom")


def client(desk: Desk) -> HubSpot:
    return HubSpot(access_token=desk.environment["HUBSPOT_ACCESS_TOKEN"], host=desk.environment["HUBSPOT_BASE_URL"])


def test_hubspot_s_own_client_reads_every_contact(serve: Serve) -> None:
    hub = client(serve(hubspot_world(*(contact(at, f"p{at}@x.example") for at in range(1, 131)))))
    found = hub.crm.contacts.get_all(properties=["email"], properties_with_history=["email"])
    assert [one.properties["email"] for one in found] == [f"p{at}@x.example" for at in range(1, 131)]
    assert found[0].properties_with_history["email"][0].value == "p1@x.example"
    assert found[0].created_at.year == 2026


def test_hubspot_s_own_client_makes_changes_searches_and_archives(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1, "a@x.example")))
    desk.faults(hubspot__search_lag_seconds=0)
    api = client(desk).crm.contacts
    made = api.basic_api.create(crm.SimplePublicObjectInputForCreate(properties={"email": "n@x.example"}))
    api.basic_api.update(made.id, crm.SimplePublicObjectInput(properties={"firstname": "N"}))
    assert api.basic_api.get_by_id("n@x.example", id_property="email").properties["firstname"] == "N"
    one = crm.Filter(property_name="email", operator="EQ", value="n@x.example")
    body = crm.PublicObjectSearchRequest(filter_groups=[crm.FilterGroup(filters=[one])], limit=1)
    assert [row.id for row in api.search_api.do_search(body).results] == [made.id]
    api.basic_api.archive(made.id)
    with pytest.raises(ApiException) as refused:
        api.basic_api.get_by_id(made.id)
    assert refused.value.status == 404
    with pytest.raises(ApiException) as twice:
        api.basic_api.create(crm.SimplePublicObjectInputForCreate(properties={"email": "a@x.example"}))
    assert "Existing ID: 1" in twice.value.body


def test_hubspot_s_own_client_writes_batches_in_part(serve: Serve) -> None:
    api = client(serve(hubspot_world(contact(1, "a@x.example")))).crm.contacts
    inputs = [
        crm.SimplePublicObjectBatchInputForCreate(properties={"email": email}, object_write_trace_id=email)
        for email in ("n@x.example", "a@x.example")
    ]
    body = api.batch_api.create(crm.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    assert (len(body.results), body.num_errors) == (1, 1)
    assert body.errors[0].context["objectWriteTraceId"] == ["a@x.example"]
    upsert = crm.SimplePublicObjectBatchInputUpsert(id="n@x.example", id_property="email", properties={"city": "Ulm"})
    done = api.batch_api.upsert(crm.BatchInputSimplePublicObjectBatchInputUpsert(inputs=[upsert]))
    assert [row.new for row in done.results] == [False]
    ids = crm.BatchReadInputSimplePublicObjectId(
        inputs=[crm.SimplePublicObjectId(id="1")], properties=["email"], properties_with_history=[]
    )
    assert api.batch_api.read(ids).results[0].properties["email"] == "a@x.example"


def test_hubspot_s_own_client_merges_and_forgets(serve: Serve) -> None:
    hub = client(serve(hubspot_world(contact(1, "a@x.example"), contact(2, "b@x.example"))))
    merged = hub.crm.contacts.basic_api.merge(crm.PublicMergeInput(primary_object_id="1", object_id_to_merge="2"))
    assert merged.properties["hs_merged_object_ids"] == "2"
    hub.crm.contacts.basic_api.purge(crm.PublicGdprDeleteInput(object_id="a@x.example", id_property="email"))
    assert hub.crm.contacts.get_all() == []


def test_hubspot_s_own_client_knows_associations_owners_users_and_forms(serve: Serve) -> None:
    world = hubspot_world(
        contact(1),
        calls=[{"id": 5, "associations": {"contacts": [1]}}],
        owners=[{"id": 3, "email": "o@x.example"}],
        users=[{"id": 4, "email": "u@x.example"}],
        forms=[{"id": "f", "name": "Trial"}],
    )
    hub = client(serve(world))
    assert hub.crm.associations.v4.basic_api.get_page("calls", "5", "contacts").results[0].to_object_id == "1"
    asked = links.BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[links.PublicFetchAssociationsBatchRequest(id="1")]
    )
    found = hub.crm.associations.v4.batch_api.get_page("contacts", "calls", asked).results
    assert [one.to_object_id for one in found[0].to] == ["5"]
    assert [one.email for one in hub.crm.owners.get_all()] == ["o@x.example"]
    assert hub.settings.users.users_api.get_page().results[0].email == "u@x.example"
    assert hub.marketing.forms.forms_api.get_page().results[0].name == "Trial"


def test_hubspot_s_own_client_defines_properties(serve: Serve) -> None:
    api = client(serve(hubspot_world())).crm.properties
    group = properties.PropertyGroupCreate(name="ours", label="Ours", display_order=1)
    assert api.groups_api.create("contacts", group).name == "ours"
    given = {"name": "score", "label": "Score", "type": "number", "field_type": "number", "group_name": "ours"}
    assert api.core_api.create("contacts", properties.PropertyCreate(**given)).has_unique_value is False
    assert "score" in {one.name for one in api.core_api.get_all("contacts").results}
    assert api.core_api.update("contacts", "score", properties.PropertyUpdate(label="S")).label == "S"
    api.core_api.archive("contacts", "score")


def test_hubspot_s_own_client_fills_lists(serve: Serve) -> None:
    api = client(serve(hubspot_world(contact(1)))).crm.lists
    given = lists.ListCreateRequest(name="L", object_type_id="0-1", processing_type="MANUAL")
    number = api.lists_api.create(given).list.list_id
    assert api.memberships_api.add(number, ["1", "9"]).records_ids_added == ["1"]
    assert api.memberships_api.get_page(number).results[0].record_id == "1"
    assert api.lists_api.get_by_name("l", "0-1").list.list_id == number
    assert api.lists_api.do_search(lists.ListSearchRequest(query="L", count=5, offset=0)).total == 1


def test_hubspot_s_own_client_holds_marketing_events(serve: Serve) -> None:
    api = client(serve(hubspot_world(contact(1, "a@x.example")))).marketing.events
    given = marketing.MarketingEventCreateRequestParams(
        event_name="W",
        event_organizer="O",
        external_event_id="77",
        external_account_id="acc",
        start_date_time="2026-11-10T10:00:00Z",
        end_date_time="2026-11-10T11:00:00Z",
        custom_properties=[],
    )
    number = api.basic_api.create(given).object_id
    times = {"joinedAt": "2026-11-10T10:00:00Z", "leftAt": "2026-11-10T10:20:00Z"}
    one = marketing.MarketingEventEmailSubscriber(email="a@x.example", interaction_date_time=1, properties=times)
    told = api.add_event_attendees_api.record_by_contact_emails(
        external_event_id="77",
        subscriber_state="attend",
        external_account_id="acc",
        batch_input_marketing_event_email_subscriber=marketing.BatchInputMarketingEventEmailSubscriber(inputs=[one]),
    )
    assert [row.vid for row in told.results] == [1]
    counters = api.retrieve_participant_state_api.get_participations_counters_by_marketing_event_id(int(number))
    assert (counters.attended, counters.no_shows) == (1, 0)
    rows = api.retrieve_participant_state_api.get_participations_breakdown_by_external_event_id("acc", "77")
    assert rows.results[0].properties.attendance_duration_seconds == 1200
    over = marketing.MarketingEventCompleteRequestParams(
        start_date_time="2026-11-10T10:00:00Z", end_date_time="2026-11-10T11:00:00Z"
    )
    assert api.change_property_api.complete("77", "acc", over).event_completed is True
    assert api.basic_api.get_details("77", "acc").attendees == 1


def zoomed(desk: Desk) -> Any:
    return ZoomClient(desk.token, "", base_url=f"{desk.environment['ZOOM_BASE_URL']}/v2")


def test_pyzoom_lists_users_through_every_page(serve: Serve) -> None:
    users = [{"id": f"u{at}", "email": f"u{at}@x.example", "status": "inactive"} for at in range(45)]
    zoom = zoomed(serve({"zoom": [{"users": users}]}))
    assert [user.id for user in zoom.users.get_users("inactive").users] == [f"u{at}" for at in range(45)]
    assert zoom.users.delete_user("u0") is True


def test_pyzoom_makes_meetings_and_registers_people(serve: Serve) -> None:
    zoom = zoomed(serve(zoom_world()))
    settings = ZoomMeetingSettings.default_settings()
    made = zoom.meetings.create_meeting("Review", start_time="2026-12-01T10:00:00Z", duration_min=30, settings=settings)
    assert zoom.meetings.get_meeting(made.id).topic == "Review"
    assert [one.id for one in zoom.meetings.list_meetings().meetings] == [made.id]
    told = zoom.meetings.add_meeting_registrant(made.id, first_name="A", last_name="B", email="a@x.example")
    assert told.registrant_id
    zoom.meetings.cancel_registration(made.id, registrant_id=told.registrant_id, email="a@x.example")
    assert zoom.meetings.list_meeting_registrants(made.id).registrants == []
    zoom.meetings.update_meeting_registrant_status(
        made.id, action="approve", registrants=[MeetingRegistrantShort(id=told.registrant_id, email="a@x.example")]
    )
    assert len(zoom.meetings.list_meeting_registrants(made.id).registrants) == 1
    assert zoom.meetings.delete_meeting(made.id) is True
    with pytest.raises(NotFound):
        zoom.meetings.get_meeting(made.id)


def test_pyzoom_reads_past_participants_and_webinars_through_every_page(serve: Serve) -> None:
    desk = serve(generate(contacts=120))
    zoom = zoomed(desk)
    meeting = desk.sandbox.world()["zoom"][0]["meetings"][0]
    assert len(zoom.meetings.past_meeting_participants(meeting["id"])) == len(meeting["instances"][0]["participants"])
    webinar = next(w for w in desk.sandbox.world()["zoom"][0]["webinars"] if len(w["registrants"]) > 35)
    rows = zoom.raw.get_all_pages(f"/webinars/{webinar['id']}/registrants")["registrants"]
    assert len(rows) == sum(one["status"] == "approved" for one in webinar["registrants"])


def test_pyzoom_raises_what_the_status_says(serve: Serve) -> None:
    desk = serve(zoom_world())
    with pytest.raises(BadRequest):
        zoomed(desk).raw.get("/webinars/abc")
    with pytest.raises(NotAuthorized):
        ZoomClient("nobody", "", base_url=f"{desk.environment['ZOOM_BASE_URL']}/v2").raw.get("/users")
