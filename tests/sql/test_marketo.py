"""What the models make of programs that are linked to webinars: which links are used, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from pipelines import models, transform
from pipelines.errors import SettingsError
from pipelines.log import Log
from pipelines.settings import parse
from tests.sql.telling import AS_OF, MODELS, Told
from tests.worlds import HOST, series, webinar

INSTANCE = "100-ABC-200"
GOOD, TWICE, TWIN, PAPER, TOUR, LOCAL, STRANGE, FOREIGN, WHOLE, DATE, WRONG, OFF, LOST, NONE, TAGGED, PLAIN = range(
    1001, 1017
)
FIRST, OCCURRENCE = (one["occurrence_id"] for one in series(90, ["2026-11-10", "2026-12-10"])["occurrences"])
USUAL = [{"name": name, "step": step} for name, step in (("Registered", 30), ("No Show", 40), ("Attended", 50))]
HERE = [{"name": name, "step": step} for name, step in (("Dabei", 10), ("Fehlt", 20), ("War da", 20))]
CHANNELS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "Webinar": ("event", USUAL),
    "Content": ("program", USUAL),
    "Roadshow": ("event", USUAL),
    "Vortrag": ("event", HERE),
    "Old Webinar": ("event", USUAL[:2]),
}
PROGRAMS = {
    GOOD: ("Webinar", "81"),
    TWICE: ("Webinar", "82"),
    TWIN: ("Webinar", "82"),
    PAPER: ("Content", "83"),
    TOUR: ("Roadshow", "84"),
    LOCAL: ("Vortrag", "85"),
    STRANGE: ("Old Webinar", "86"),
    FOREIGN: ("Webinar", "87"),
    WHOLE: ("Webinar", "90"),
    DATE: ("Webinar", f"90/{OCCURRENCE}"),
    WRONG: ("Webinar", "90/17"),
    OFF: ("Webinar", "88"),
    LOST: ("Webinar", "89"),
}
SETTINGS: dict[str, Any] = {
    "sync": {"by_webinar": {"88": False}},
    "marketo": {
        "users": ["Hana@host.example "],
        "programs": {str(program): number for program, (_, number) in PROGRAMS.items()} | {str(NONE): "81"},
        "channels": {"Vortrag": {"registered": "Dabei", "no_show": "fehlt", "attended": "War da"}},
    },
}


def needed(name: str) -> dict[str, models.Model]:
    """Return a model, and all that it reads, in order."""
    names = {name}
    for found, model in reversed(MODELS.items()):
        if found in names:
            names |= set(model.reads)
    return {found: model for found, model in MODELS.items() if found in names}


def company(told: Told) -> None:
    """Tell of an instance with a program for each thing that can be wrong, and of an account with its webinars."""
    owner = HOST | {"id": "host2", "email": "owner@host.example", "role_id": "0"}
    for user in (HOST, owner, HOST | {"id": "host3", "email": "eve@host.example", "role_id": "1"}):
        told.tell("zoom/users", user["id"], user)
    hosts = {81: "host2", 87: "host3"}
    emails = {81: "owner@host.example", 87: "eve@host.example"}
    for number in (*range(81, 89), 90):
        make = series(90, ["2026-11-10", "2026-12-10"]) if number == 90 else webinar(number)
        more = {"host_id": hosts[number], "host_email": emails[number]} if number in hosts else {}
        told.tell("zoom/webinars", str(number), make | more)
    for at, (name, (kind, statuses)) in enumerate(CHANNELS.items()):
        told.tell(
            "marketo/channels",
            str(at),
            {"name": name, "applicableProgramType": kind, "progressionStatuses": statuses},
            account=INSTANCE,
        )
    tags = {GOOD: "84", TAGGED: f"90 / {FIRST}", PLAIN: "soon"}
    for program in (*PROGRAMS, TAGGED, PLAIN):
        channel, _ = PROGRAMS.get(program, ("Webinar", ""))
        tag = [{"tagType": "Zoom Webinar", "tagValue": tags[program]}] if program in tags else []
        payload = {"name": f"P{program}", "channel": channel, "tags": tag}
        told.tell("marketo/programs", str(program), payload, account=INSTANCE)


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    told = Told(tmp_path_factory.mktemp("links"))
    told.tell("turnout/settings", "settings", parse(SETTINGS).meaning(), AS_OF, account="turnout")
    company(told)
    transform.build(cast(Log, told.log), needed("int_marketo_links"), as_of=AS_OF)
    return {row["program_id"]: row for row in told.rows("int_marketo_links")}


@pytest.mark.rule("ZM-01", "ZM-07", "ZM-08")
def test_a_link_that_cannot_be_used_says_what_stands_against_it_and_what_to_do(links: dict[int, Any]) -> None:
    reasons = {program: row["reason"] for program, row in links.items()}
    assert set(reasons) == {*PROGRAMS, NONE, TAGGED}
    assert {program for program, reason in reasons.items() if reason is None} == {GOOD, LOCAL, DATE, TAGGED}
    for program, *signs in (
        (TWICE, "linked_twice: ", "82", f"{TWICE}, {TWIN}"),
        (TWIN, "linked_twice: ", "82", f"{TWICE}, {TWIN}"),
        (PAPER, "channel_not_for_webinars: ", str(PAPER), "Content"),
        (TOUR, "channel_not_for_webinars: ", str(TOUR), "Roadshow"),
        (STRANGE, "unknown_status: ", "Old Webinar", "Attended"),
        (FOREIGN, "host_not_visible: ", "87", "marketo.users"),
        (WHOLE, "recurring_webinar: ", "90/<occurrence id>"),
        (WRONG, "unknown_occurrence: ", "17"),
        (OFF, "sync_off_webinar: ", "88"),
        (LOST, "unknown_webinar: ", "89", "meetings cannot be linked"),
        (NONE, "unknown_program: ", str(NONE)),
    ):
        assert reasons[program].startswith(signs[0])
        assert all(sign in reasons[program] for sign in signs), reasons[program]


@pytest.mark.rule("ZM-05", "ZM-08")
def test_a_link_bears_the_channel_s_own_statuses_and_the_occurrence(links: dict[int, Any]) -> None:
    found = links[GOOD]
    assert (found["account"], found["zoom_account"], found["webinar_id"], found["occurrence_id"]) == (
        INSTANCE,
        "77",
        81,
        "",
    )
    assert [found[f"{name}_status"] for name in ("registered", "no_show", "attended")] == [
        "Registered",
        "No Show",
        "Attended",
    ]
    assert [links[LOCAL][f"{name}_status"] for name in ("registered", "no_show", "attended")] == [
        "Dabei",
        "Fehlt",
        "War da",
    ]
    assert [links[LOCAL][f"{name}_step"] for name in ("registered", "no_show", "attended")] == [10, 20, 20]
    assert [(links[one]["webinar_id"], links[one]["occurrence_id"]) for one in (DATE, TAGGED)] == [
        (90, OCCURRENCE),
        (90, FIRST),
    ]


@pytest.mark.rule("ZM-07")
@pytest.mark.parametrize(
    ("count", "options", "is_visible"),
    [
        (20, {}, True),
        (21, {}, False),
        (21, {"unlimited_users": True}, True),
        (21, {"users": ["h1@x.example"]}, True),
        (20, {"users": ["h2@x.example"]}, False),
    ],
)
def test_who_hosts_webinars_is_visible_up_to_twenty(
    tmp_path: Path, count: int, options: dict[str, Any], is_visible: bool
) -> None:
    told = Told(tmp_path)
    settings = parse({"marketo": {"programs": {str(GOOD): "101"}, **options}})
    told.tell("turnout/settings", "settings", settings.meaning(), AS_OF, account="turnout")
    told.tell("marketo/channels", "1", {"name": "Webinar", "applicableProgramType": "event"}, account=INSTANCE)
    told.tell("marketo/programs", str(GOOD), {"name": "P", "channel": "Webinar"}, account=INSTANCE)
    for at in range(1, count + 1):
        host = {"host_id": f"h{at}", "host_email": f"h{at}@x.example"}
        told.tell("zoom/webinars", str(100 + at), webinar(100 + at) | host)
    transform.build(cast(Log, told.log), needed("int_marketo_links"), as_of=AS_OF)
    (row,) = told.rows("int_marketo_links")
    assert (row["reason"].partition(":")[0] != "host_not_visible") is is_visible


@pytest.mark.rule("ZM-07")
def test_more_than_twenty_users_are_an_error_until_there_is_no_limit() -> None:
    users = [f"u{at}@x.example" for at in range(21)]
    assert len(parse({"marketo": {"users": users[:20]}}).marketo.users) == 20
    with pytest.raises(SettingsError, match=r"users names 21 Zoom users.*unlimited_users = true$"):
        parse({"marketo": {"users": users}})
    assert parse({"marketo": {"users": users, "unlimited_users": True}}).marketo.unlimited_users


def test_a_link_that_is_written_wrongly_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        parse({"marketo": {"programs": {"P1": "84", "1002": "abc", "1003": "84/xyz"}}})
    assert "3 wrong entries" in str(caught.value)
    assert parse({"marketo": {"programs": {"7": "847 5984-1045/ 17"}}}).marketo.programs == {"7": "84759841045/17"}
