"""A company in which everything that the audit knows is amiss at once, and how its people mend it."""

from __future__ import annotations

from typing import Any

from tests.company import Company
from tests.worlds import HOST, NOW, contact, joined, later, registrant, series, session, webinar, world

PEOPLE, OFF, EVENTS, EXCLUDED, EMPTY, NEVER, COMING = (900_000_000 + number for number in range(1, 8))
UNWANTED, SHY, MISSING, DELETED, SILENT, FRESH, LOST, OLD, DARK, REFUSED, EARLY, SERIES = (
    900_000_000 + number for number in range(11, 23)
)
ADA, BOB, GONE = "ada@x.example", "bob@x.example", "gone@x.example"
TOPIC = "<script>document.title = 'taken'</script> & `so` on"
LONG = "x" * 70_000
"""Longer than HubSpot lets a value be."""

SETTINGS = f"""
[sync]
recordings = "selected"
[sync.webinars]
"{OFF}" = false
[sync.users."{HOST["email"]}"]
recordings = true
[sync.users."rex@norec.example"]
recordings = true
[exclusions]
host_domains = ["closed.example"]
recording_domains = ["norec.example"]
contacts = ["shut.example"]
"""
MENDED = f"""
[sync]
recordings = "all"
[sync.webinars]
"{OFF}" = true
[identity]
secondary_emails = "attribute"
"""


def host(name: str, email: str) -> dict[str, Any]:
    """A further Zoom user."""
    return {**HOST, "id": name, "email": email, "first_name": name.title()}


def files(*kinds: str, **more: Any) -> dict[str, Any]:
    """A recording of these kinds of files."""
    told = [{"id": f"f-{kind}", "file_type": kind, "status": "completed"} for kind in kinds]
    return {"share_url": "https://zoom.example/rec/1", "recording_files": told, **more}


def whole(number: int, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A webinar to which Ada and these came, recorded with its transcript unless told otherwise."""
    recordings = more.pop("recordings", files("MP4", "TRANSCRIPT"))
    ran = session(f"u{number}==", "10:00", "11:00", [joined(ADA, "10:00", "10:30"), *rows], recordings=recordings)
    return webinar(number, **{"registrants": [registrant(ADA)], "instances": [ran], **more})


def crowded() -> dict[str, Any]:
    """A webinar with everybody who is not synced."""
    emails = ["no-at-sign", "second@x.example", "x@shut.example", "sam@portal.example", GONE]
    denied = registrant("dan@x.example", status="denied")
    inside = [
        joined("", "10:00", "10:20"),
        joined("", "10:05", "10:20"),
        joined(HOST["email"], "10:00", "11:00"),
        joined("pat@x.example", "10:00", "11:00"),
        joined("wes@x.example", "10:00", "10:10", status="in_waiting_room"),
        joined("nat@x.example", "11:10", "11:20"),
        joined("no-at-sign", "10:00", "10:30"),
        joined("walk@in.example", "10:00", "10:30"),
    ]
    practice = session("practice==", "09:00", "09:20", [joined("prue@x.example", "09:00", "09:10")])
    told = whole(PEOPLE, *inside, panelists=[{"id": "p1", "email": "pat@x.example", "name": "Pat"}])
    told["registrants"] += [*map(registrant, emails), denied, registrant(BOB, first_name=LONG)]
    told["instances"].append(practice)
    return told


def recurring() -> dict[str, Any]:
    """A series: its first date was started twice and recorded the second time; who came late is in the second alone."""
    first, second = "2026-11-09", "2026-12-01"
    ran = [
        session("u-one==", "10:00", "10:20", [joined(ADA, "10:00", "10:20", first)], first),
        session(
            "u-two==",
            "10:25",
            "11:00",
            [joined(ADA, "10:25", "11:00", first)],
            first,
            recordings=files("MP4", "TRANSCRIPT"),
        ),
    ]
    late = registrant("late", create_time="2026-11-12T09:00:00Z")
    return series(SERIES, [first, second], registrants=[registrant(ADA), late], instances=ran)


def amiss() -> dict[str, Any]:
    """A world in which every reason of the audit has its cause; each webinar is named after what is wrong with it."""
    told = world(
        crowded(),
        whole(OFF, topic=TOPIC),
        whole(EVENTS, zoom_events=True),
        whole(EXCLUDED, host_id="host2", host_email="rita@closed.example"),
        webinar(EMPTY, instances=[session("u-empty==", "10:00", "11:00", recordings=files("MP4", "TRANSCRIPT"))]),
        webinar(NEVER, registrants=[registrant(ADA)]),
        webinar(COMING, day="2026-11-30", registrants=[registrant(ADA)]),
        whole(UNWANTED, host_id="host3", host_email="noor@other.example"),
        whole(SHY, host_id="host4", host_email="rex@norec.example"),
        whole(MISSING, recordings=None),
        whole(DELETED),
        whole(SILENT, recordings=files("MP4")),
        webinar(
            FRESH,
            day=NOW[:10],
            registrants=[registrant(ADA)],
            instances=[session("u-fresh==", "10:00", "11:00", [joined(ADA, "10:00", "10:30", NOW[:10])], NOW[:10])],
        ),
        webinar(EARLY, day=NOW[:10], instances=[session("u-early==", "10:00", "11:00", [], NOW[:10])]),
        recurring(),
        whole(LOST, deleted=True),
        whole(OLD),
        whole(DARK),
        whole(REFUSED),
        contacts=[
            contact(1, "first@x.example", properties={"hs_additional_emails": "second@x.example"}),
            contact(2, GONE, archived=True, archivedAt="2026-06-01T00:00:00.000Z"),
        ],
        users=[
            HOST,
            host("host2", "rita@closed.example"),
            host("host3", "noor@other.example"),
            host("host4", "rex@norec.example"),
        ],
    )
    told["hubspot"][0]["users"] = [{"id": "1", "email": "sam@portal.example"}]
    return told


def refusal(vendor: str, path: str, status: int = 400, method: str = "GET", **body: Any) -> dict[str, Any]:
    """A fault: a vendor refuses what goes to a path."""
    rule = {"vendor": vendor, "method": method, "path": path, "kind": "status", "status": status}
    return rule | {"body": {"code": 300, "message": "refused", **body}}


FAULTS = {
    "rules": [
        refusal("zoom", f"/report/webinars/u{OLD}", code=12702),
        refusal("zoom", f"/past_webinars/u{OLD}", code=12702),
        refusal("zoom", f"/webinars/{DARK}"),
        refusal("hubspot", f"/{REFUSED}/", method="POST", category="VALIDATION_ERROR", message="no such subscriber"),
    ]
}


def mend(one: Company) -> None:
    """Let people mend all that can be mended, two hours later; one recording is deleted meanwhile."""

    def change(told: dict[str, Any]) -> None:
        webinars = {item["id"]: item for item in told["zoom"][0]["webinars"]}
        crowd = webinars[PEOPLE]
        crowd["registrants"] = [
            entry
            | ({"first_name": "Bob"} if entry["email"] == BOB else {})
            | ({"email": "valid@x.example"} if entry["email"] == "no-at-sign" else {})
            for entry in crowd["registrants"]
        ]
        by_name = {row["user_email"]: row for run in crowd["instances"] for row in run["participants"]}
        by_name["no-at-sign"]["user_email"] = "valid@x.example"
        for row in (row for run in crowd["instances"] for row in run["participants"] if not row["user_email"]):
            row["registrant_id"] = f"r-{BOB}"
        webinars[EMPTY]["instances"][0]["participants"] = [joined(BOB, "10:00", "10:30")]
        webinars[EARLY]["instances"][0] |= {
            "participants": [joined(BOB, "10:00", "10:30", NOW[:10])],
            "recordings": files("MP4", "TRANSCRIPT"),
        }
        webinars[MISSING]["instances"][0]["recordings"] = files("MP4", "TRANSCRIPT")
        webinars[DELETED]["instances"][0]["recordings"]["deleted_time"] = later(NOW, hours=1)
        webinars[SILENT]["instances"][0]["recordings"] = files("MP4", "TRANSCRIPT")
        webinars[FRESH]["instances"][0]["recordings"] = files("MP4", "TRANSCRIPT")
        webinars[LOST].pop("deleted", None)
        webinars[COMING]["start_time"] = "2026-12-01T09:00:00Z"
        portal = told["hubspot"][0]
        portal["users"] = []
        portal["contacts"] = [
            contact(2, GONE, updatedAt=later(NOW, minutes=90)) if entry["id"] == "2" else entry
            for entry in portal["contacts"]
        ]

    one.sandbox.set_faults({})
    one.set(MENDED)
    one.change(change, later(NOW, hours=2))
