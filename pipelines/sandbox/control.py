"""The sandbox's own routes: the world, the clock, the faults and the log of requests. They serve loopback only."""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.faults import FaultError
from pipelines.sandbox.salesforce.conversion import convert, merge
from pipelines.sandbox.web import Answer, Call
from pipelines.sandbox.world.frame import WorldError

CONTROL = "_sandbox"


def control(call: Call) -> Answer:
    """Answer a call to `/_sandbox/…`; whatever cannot be read is a 400 that says why, and changes nothing."""
    what = "/".join(call.segments[1:])
    try:
        answer = _routed(call, what)
    except (WorldError, FaultError, ValueError) as error:
        return Answer(400, {"error": str(error)})
    return answer or Answer(404, {"error": f"the sandbox has no {call.method} /{CONTROL}/{what}"})


def _routed(call: Call, what: str) -> Answer | None:
    state = call.state
    if what == "world" and call.method == "GET":
        return Answer(200, state.dump())
    if what == "world" and call.method == "PUT":
        state.put(call.json())
        return Answer(204)
    if what == "clock" and call.method == "PUT":
        state.clock.set(_instant(call.json()))
        return Answer(200, {"now": iso(state.clock.now)})
    if what == "clock" and call.method == "GET":
        return Answer(200, {"now": iso(state.clock.now)})
    if what == "faults" and call.method == "PUT":
        state.faults.put(call.json())
        return Answer(200, state.faults.show())
    if what == "faults" and call.method == "GET":
        return Answer(200, state.faults.show())
    if what == "salesforce/convert" and call.method == "POST":
        return Answer(200, convert(state, call.json()))
    if what == "salesforce/merge" and call.method == "POST":
        return Answer(200, merge(state, call.json()))
    if what == "requests" and call.method == "GET":
        return Answer(200, state.requests)
    if what == "requests" and call.method == "DELETE":
        state.requests.clear()
        return Answer(204)
    return None


def _instant(given: Any) -> str:
    if not isinstance(given, dict) or set(given) != {"now"} or not isinstance(given["now"], str):
        raise ValueError('clock: expected {"now": "2026-11-20T12:00:00Z"}')
    return given["now"]


class Bench:
    """The control port's own vendor: it has nothing but the control routes."""

    name = "control"

    def answer(self, call: Call) -> Answer:
        return Answer(404, {"error": f"only /{CONTROL}/… is served here"})

    def limited(self, call: Call, policy: str, retry_after: float | None) -> Answer:
        return self.answer(call)

    def expired(self, call: Call) -> Answer:
        return self.answer(call)

    def error(self, call: Call, status: int) -> Answer:
        return self.answer(call)
