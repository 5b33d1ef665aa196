"""Answers to writes that no vendor documents: every record gets an outcome, or the call fails as one of our errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import orjson
import pytest
import requests
from hypothesis import given, note

from pipelines.errors import VendorError
from pipelines.http import Api
from pipelines.publish.rows import Outcome, Phase, Row
from pipelines.sandbox import Sandbox
from pipelines.settings import Connection
from pipelines.vendors.hubspot.client import client_of
from pipelines.vendors.hubspot.destination import PHASES, HubSpotDestination
from tests.fuzz.odd import Dice, dice, often
from tests.fuzz.test_vendor_answers import odd_answer
from tests.fuzz.wire import PEOPLE, Script, Session, Told, company, key_of, with_bent

ACCOUNT, EVENT = "zoom-account", "84000000001"
WHERE = {"external_account_id": ACCOUNT, "external_event_id": EVENT}


def rows() -> list[Row]:
    """A few records of every kind."""
    event = {
        "eventName": "E",
        "eventOrganizer": "O",
        "externalAccountId": ACCOUNT,
        "startDateTime": "2026-11-10T10:00:00Z",
    }
    joined = {"joinedAt": "2026-11-10T10:00:00Z", "leftAt": "2026-11-10T10:40:00Z"}
    kinds = {"turnout_source": ("string", "text"), "turnout_webinars_registered": ("number", "number")}
    found = [
        Row("property", "create", name, fields={"label": name, "type": kind, "fieldType": shown, "description": ""})
        for name, (kind, shown) in kinds.items()
    ]
    for number, email in enumerate(PEOPLE[:3]):
        fields = {"email": f"new-{email}", "turnout_source": "Zoom: One"}
        found.append(Row("contact", "create", fields["email"], fields=fields, context={"email": fields["email"]}))
        name = str(501 + number)
        found.append(Row("contact", "update", name, name, {"turnout_webinars_registered": "2"}))
        for step in ("register", "attend"):
            moment = {"interactionDateTime": "1762768800000", **(joined if step == "attend" else {})}
            found.append(Row("attendance", "create", f"{EVENT}|{name}", name, moment, context={**WHERE, "step": step}))
    found.append(Row("marketing_event", "create", EVENT, fields=event))
    times = {"startDateTime": "2026-11-10T10:00:00Z", "endDateTime": "2026-11-10T11:00:00Z"}
    found.append(Row("completion", "create", EVENT, fields=times, context=WHERE))
    found.append(Row("attendance", "delete", f"{EVENT}|501|attend", "501"))
    found.append(Row("marketing_event", "delete", EVENT, context={"externalAccountId": ACCOUNT}))
    found += [Row("contact", "delete", name, name) for name in ("501", "502")]
    return found


def batches() -> Iterator[tuple[Phase, list[Row]]]:
    for phase in PHASES:
        for some in phase.batches([row for row in rows() if phase.takes(row)]):
            yield phase, some


class Written:
    """All batches sent and asked for once at the sandbox, with what it answered."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Told]] = []
        turn = 0
        request = requests.Session.request

        def noted(self_: requests.Session, method: str, url: str, **how: Any) -> requests.Response:
            response = request(self_, method, url, **how)
            headers = {name: text for name, text in response.headers.items() if name.lower() != "content-length"}
            told = Told("", key_of(method, url, how), response.status_code, headers, response.content)
            self.told.append((turn, told))
            return response

        switches = {"hubspot.rate_limits": False, "hubspot.marketing_events_identifiers_lag": 0}
        with Sandbox(company()) as sandbox, patch.object(requests.Session, "request", noted):
            sandbox.set_faults({"switches": switches})
            for turn, (phase, some) in enumerate(batches()):  # noqa: B007
                destination = connected(sandbox.urls["hubspot"])
                assert {one.status for one in destination.send(phase, some)} == {"published"}, phase
                assert {one.status for one in destination.ask(some)} == {"published"}, phase


def connected(url: str) -> HubSpotDestination:
    client_of.cache_clear()
    destination = HubSpotDestination(Connection("hubspot", url, access_token="pat-hubspot-secret"), "2026-09")
    destination.client.api.sleep = lambda _: None
    destination.client.api.tries = 2
    return destination


@pytest.fixture(scope="module")
def written() -> Written:
    return Written()


@pytest.mark.rule("EV-06")
@given(dice)
@often("answers to writes")
def test_an_answer_to_a_write_leaves_one_outcome_a_record_or_one_of_our_errors(written: Written, dice: Dice) -> None:
    turn, told = dice.choice(written.told)
    how = odd_answer(dice, told)
    note(f"{told.key[0]} {told.key[1]} {how!r}")
    script = with_bent(Script([one for at, one in written.told if at == turn]), told, **how)
    phase, some = list(batches())[turn]
    with patch.object(Api, "_session", lambda _: Session(script)):
        for doing in (
            lambda: connected("http://127.0.0.1:9").send(phase, some),
            lambda: connected("http://127.0.0.1:9").ask(some),
        ):
            outcomes: list[Outcome] = []
            try:
                outcomes = doing()
            except VendorError as error:
                said = str(error)
            else:
                said = ""
                assert [one.row for one in outcomes] == some
            assert said or outcomes
            assert "pat-hubspot-secret" not in said
            assert_can_be_kept(outcomes)


def assert_can_be_kept(outcomes: list[Outcome]) -> None:
    for one in outcomes:
        orjson.dumps(one.told())
        if one.row.object == "contact" and one.status == "published":
            assert str(one.vendor_id).isdecimal(), one
        assert one.status != "rejected" or one.reason
