"""Zoom's webhooks: their signature, the challenge by which Zoom tries an address, and which webinar has moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from pipelines.errors import DeliveryError
from pipelines.inbox import Call, Delivery, Received
from pipelines.settings import webinar_id
from pipelines.vendors.signing import check_age, check_signature, document, hmac_sha256, identity, moment, number

CHALLENGE = "endpoint.url_validation"
OF_WEBINARS = ("webinar.", "recording.", "meeting.converted_to_webinar")
"""Events whose object is, or may be, a webinar."""
MILLISECONDS = 100_000_000_000
"""A time that is at least this is in milliseconds; in seconds it would be after the year 5000."""
LONGEST_KEY = 200


class ZoomReceiver:
    """Takes Zoom's requests, signed with the app's secret token."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def receive(self, call: Call) -> Received:
        """Check a request and return what is in it; see `pipelines.inbox.Receiver`.

        The challenge must be signed too: answering any would sign for a stranger whatever he sends.
        """
        given, stamp = call.headers.get("x-zm-signature", ""), call.headers.get("x-zm-request-timestamp", "")
        signed_at = number(stamp)
        expected = hmac_sha256(self._secret, b"v0:%b:%b" % (stamp.encode(), call.body)).hex()
        check_signature(given, f"v0={expected}")
        check_age(signed_at if signed_at >= MILLISECONDS else signed_at * 1000, call.at)
        told, text = document(call.body)
        if not isinstance(told, dict) or not isinstance(told.get("event"), str):
            raise DeliveryError("the body is no event of Zoom: it has no field `event`", status=400)
        if told["event"] == CHALLENGE:
            return Received(given, answer=self._answer(told))
        return Received(given, [_delivery(told, text, call)])

    def _answer(self, told: Mapping[str, Any]) -> bytes:
        """Answer the challenge: prove that we hold the secret."""
        token = _part(told, "payload").get("plainToken")
        if not isinstance(token, str):
            raise DeliveryError("the challenge has no `plainToken`", status=400)
        return orjson.dumps({"plainToken": token, "encryptedToken": hmac_sha256(self._secret, token.encode()).hex()})


def webinar_named_by(told: Any) -> str:
    """Return the id of the webinar, or of the meeting that may be one, that an event is of; "" where there is none."""
    if not isinstance(told, dict) or not str(told.get("event")).startswith(OF_WEBINARS):
        return ""
    found = _part(told, "payload", "object").get("id")
    try:
        return webinar_id(str(found))
    except ValueError:
        return ""


def _delivery(told: Mapping[str, Any], text: bytes, call: Call) -> Delivery:
    """Return an event; its key is Zoom's number of the request, which stays the same when Zoom tries again."""
    key = call.headers.get("x-zm-request-id", "").strip()
    if not key.isascii() or not 0 < len(key) <= LONGEST_KEY:
        key = _identity(told)
    account = _part(told, "payload").get("account_id")
    occurred = moment(told.get("event_ts"), call.at)
    return Delivery("zoom", account if isinstance(account, str) else "", key, occurred, text.decode())


def _identity(told: Mapping[str, Any]) -> str:
    """Return what an event is known by where Zoom numbers no request."""
    thing = _part(told, "payload", "object")
    person, registrant = _part(thing, "participant"), _part(thing, "registrant")
    named = [thing.get("uuid"), thing.get("id"), person.get("user_id"), registrant.get("id")]
    return identity([told.get("event"), told.get("event_ts"), *named])


def _part(told: Any, *names: str) -> Mapping[str, Any]:
    """Return an object within, an empty one where there is none."""
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told if isinstance(told, dict) else {}
