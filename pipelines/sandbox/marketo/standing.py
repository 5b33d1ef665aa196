"""Where a lead stands in a program, and that nobody goes back a step.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/program-members : a status with
a lower step than the present one is skipped (1037), and so is the present one; a status of the same step is not.
Reaching success once is kept.
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.marketo.fields import STATUS_CHANGE
from pipelines.sandbox.marketo.gate import MarketoCall, Refused, Skipped, path_number
from pipelines.sandbox.marketo.instance import Instance

Record = dict[str, Any]
OUTSIDE = "Not in Program"


def program_of(call: MarketoCall) -> Record:
    """The program of the path. Refused where there is none."""
    identifier = path_number(call, "program")
    program = call.instance.programs.get(identifier)
    if program is None:
        raise Refused("1013", f"Object not found: program '{identifier}'")
    return program


def named_status(instance: Instance, program: Record, name: object) -> Record | None:
    """A status of the program's channel."""
    return instance.statuses(program).get(str(name))


def enrol(call: MarketoCall, program: Record, lead: Record, name: str, source: str) -> None:
    """Give a lead a status in a program, which makes it a member. Skipped where the channel does not have it so."""
    instance = call.instance
    status = named_status(instance, program, name)
    if status is None:
        raise Skipped("1025", f"Program status '{name}' not found")
    row = instance.member(program["id"], lead["id"])
    before = named_status(instance, program, row["status"]) if row is not None else None
    if before is not None and (before["name"] == name or int(status["step"]) < int(before["step"])):
        raise Skipped("1037", "Lead was skipped: it is already in this status or past it")
    if row is None:
        row = {
            "programId": program["id"],
            "leadId": lead["id"],
            "status": name,
            "reachedSuccess": False,
            "acquiredBy": False,
            "isExhausted": False,
            "membershipDate": iso(call.now),
            "createdAt": iso(call.now),
        }
        instance.add_member(row)
    row["status"], row["updatedAt"] = name, iso(call.now)
    if status.get("success") and not row["reachedSuccess"]:
        row["reachedSuccess"], row["reachedSuccessDate"] = True, iso(call.now)
    told = {
        "value_id": program["id"],
        "New Status": name,
        "New Status ID": status["step"],
        "Old Status": before["name"] if before else OUTSIDE,
        "Old Status ID": before["step"] if before else None,
        "Reason": f"Changed by {source}",
        "Source": "Web service API",
        "Success": bool(status.get("success")),
    }
    lag = call.switch("commit_lag_seconds")
    instance.write(call.now, lag, lead["id"], STATUS_CHANGE, program["name"], **told)
