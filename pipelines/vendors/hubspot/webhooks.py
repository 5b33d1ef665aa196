"""HubSpot's webhooks: their signature (v3), and the events in a request. They name contacts, and make a run due."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any
from urllib.parse import unquote

import msgspec

from pipelines.errors import DeliveryError
from pipelines.inbox import Call, Delivery, Received
from pipelines.vendors.signing import check_age, check_signature, document, hmac_sha256, identity, moment, number

DECODED = re.compile("%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
"""What HubSpot decodes in an address before it signs, and nothing else."""
IDENTITY = ("portalId", "subscriptionId", "objectId", "eventId", "occurredAt", "propertyName")
"""HubSpot's `eventId` alone may come twice."""


class HubSpotReceiver:
    """Takes HubSpot's requests, signed with the app's client secret; versions 1 and 2 sign no time and do not count."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def receive(self, call: Call) -> Received:
        """Check a request and return what is in it; see `pipelines.inbox.Receiver`."""
        given = call.headers.get("x-hubspot-signature-v3", "")
        stamp = call.headers.get("x-hubspot-request-timestamp", "")
        signed_at = number(stamp)
        uri = DECODED.sub(lambda found: unquote(found[0]), call.uri)
        content = b"POST%b%b%b" % (uri.encode(), call.body, stamp.encode())
        check_signature(given, b64encode(hmac_sha256(self._secret, content)).decode())
        check_age(signed_at, call.at)
        told, text = document(call.body)
        if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
            raise DeliveryError("the body is no list of HubSpot's events", status=400)
        try:
            raws = msgspec.json.decode(text, type=list[msgspec.Raw])
        except (msgspec.MsgspecError, RecursionError):
            raise DeliveryError("the body is nested too deeply", status=400) from None
        return Received(given, [_delivery(one, bytes(raw), call) for one, raw in zip(told, raws, strict=True)])


def _delivery(told: dict[str, Any], raw: bytes, call: Call) -> Delivery:
    account = told.get("portalId")
    key = identity(told.get(name) for name in IDENTITY)
    occurred = moment(told.get("occurredAt"), call.at)
    return Delivery("hubspot", str(account) if isinstance(account, str | int) else "", key, occurred, raw.decode())
