"""Who is registered in Zoom from the CRM: by a property, a form, a member's status, or by hand; and who is not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines import registering, transform
from pipelines.cli.steps import lines_plan, lines_run, told_run
from pipelines.errors import UsageError
from pipelines.events import Batch, Record, utc
from pipelines.log import OURS
from pipelines.publish import load_plan
from pipelines.run import RunReceipt, Workspace
from pipelines.vendors.zoom.destination import TOMORROW
from tests.company import Company
from tests.worlds import HOST, NOW, contact, form, registrant, session, webinar, world

World = dict[str, Any]
OPEN, CLOSED, OVER, ASKS, GONE, OTHER, SOON = 84759841045, 7002, 7003, 7004, 7005, 7006, 7007
FOUR = (7101, 7102, 7103, 7104)
DIET = "Any diet?"
OWNER = {**HOST, "id": "host2", "email": "olga@host.example", "role_id": "0"}
BRAND = {
    "account_id": "beta-account",
    "client_id": "beta-client",
    "client_secret": "beta-secret-value",
    "users": [HOST],
    "webinars": [webinar(OTHER, day="2026-12-09")],
}
WISHED = {
    1: ("ada", "847 5984-1045"),
    2: ("bob", str(OPEN)),
    3: ("cy", "next week"),
    4: ("hana", str(OPEN)),
    5: ("pat", str(OPEN)),
    6: ("dee", "999"),
    7: ("eve", str(CLOSED)),
    8: ("fay", str(OVER)),
    9: ("gus", str(ASKS)),
    10: ("ida", str(OTHER)),
    11: ("olga", str(OPEN)),
    12: ("", str(OPEN)),
    13: ("jo", str(OPEN)),
}
SETTINGS = f"""
[registration]
contact_property = "next_webinar"
[registration.forms]
{"".join(f'"form-{number}" = "{number}"{chr(10)}' for number in (OPEN, *FOUR))}
[connections]
zoom = ["beta"]
[marketo]
unlimited_users = true
[marketo.programs]
"1001" = "{SOON}"
"""
MAPPED = f"""
[registration.questions]
job = "job_title"
diet = "{DIET}"
"""


def mail(name: str) -> str:
    return f"{name}@{'host' if name in ('hana', 'olga') else 'x'}.example" if name else "no address"


def key(number: int, contact: int) -> str:
    return f"{number}||hubspot:{contact}"


def told() -> World:
    """A world in which each thing that can become of a wish becomes of one."""
    people = [
        contact(number, mail(name), properties={"firstname": name.title() or "No", "next_webinar": wish})
        for number, (name, wish) in WISHED.items()
    ]
    people[8]["properties"] |= {"job": "Pilot", "diet": "None"}
    people[12]["properties"]["firstname"] = ""
    found = world(
        webinar(
            OPEN,
            day="2026-12-10",
            registrants=[registrant(mail("bob"))],
            panelists=[{"id": "p1", "email": mail("pat"), "name": "Pat"}],
        ),
        webinar(CLOSED, day="2026-12-10", settings={"approval_type": 2}),
        webinar(OVER, instances=[session("u1==", "10:00", "11:00")]),
        webinar(
            ASKS,
            day="2026-12-10",
            questions={
                "questions": [{"field_name": "job_title", "required": True}],
                "custom_questions": [{"title": DIET, "type": "short", "required": True}],
            },
        ),
        webinar(GONE, day="2026-12-10"),
        webinar(SOON, day="2026-12-10"),
        *(webinar(number, day="2026-12-11") for number in FOUR),
        contacts=[*people, contact(21, mail("kim")), contact(22, mail("lou")), contact(23, mail("mo"))],
        users=[HOST, OWNER],
        properties=[
            {"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "contactinformation"}
            for name in ("next_webinar", "job", "diet")
        ],
        forms=[
            form(f"form-{OPEN}", [(mail("kim"), "2026-11-19T10:00:00+00:00")]),
            *(form(f"form-{number}", [(mail("mo"), "2026-11-19T10:00:00+00:00")]) for number in FOUR),
        ],
    )
    found["zoom"].append(BRAND)
    found["marketo"] = [
        {
            "munchkin_id": "100-ABC-200",
            "leads": [
                {"id": 31, "email": mail("ned"), "firstName": "Ned", "company": "Ned Ltd", "phone": "+49 30 1"},
                {"id": 32, "email": mail("ora"), "firstName": "Ora"},
            ],
            "channels": [{"name": "Webinar"}],
            "programs": [{"id": 1001, "channel": "Webinar", "createdAt": "2026-10-01T08:00:00Z"}],
            "members": [
                {"programId": 1001, "leadId": 31, "status": "Registered"},
                {"programId": 1001, "leadId": 32, "status": "Invited"},
            ],
        }
    ]
    return found


class Branded(Company):
    """A company with a second Zoom account."""

    @property
    def environment(self) -> dict[str, str]:
        more = {name: BRAND[name.lower()] for name in ("ACCOUNT_ID", "CLIENT_ID", "CLIENT_SECRET")}
        return {**super().environment, **{f"ZOOM_BETA_{name}": str(value) for name, value in more.items()}}

    def registrants(self, number: int) -> dict[str, World]:
        """Return address to registrant of a webinar."""
        every = [one for account in self.sandbox.world()["zoom"] for one in account["webinars"]]
        return {one["email"]: one for item in every if item["id"] == number for one in item["registrants"]}

    def calls(self) -> int:
        """Return how many registrations were asked for."""
        return sum(
            one["method"] == "POST" and one["path"].partition("?")[0].endswith("/registrants")
            for one in self.sandbox.requests()
        )

    def judged(self) -> dict[str, tuple[str, str | None]]:
        """Return key to verdict and reason."""
        rows = self.rows("select object_key, verdict, reason from verdicts where destination = 'zoom'")
        return {key: (verdict, reason) for key, verdict, reason in rows}


CONTACTS = "from sync_hubspot_contacts order by object_key"


def rows_by_key(home: Path, one: Branded) -> list[tuple[Any, ...]]:
    """Return what should be in HubSpot, built by key in a home that knows what this one knew before."""
    shutil.rmtree(home / "log")
    shutil.copytree(one.home / "log", home / "log")
    opened = Workspace({**one.environment, "TURNOUT_HOME": str(home)})
    names = {"sync_hubspot_contacts"}
    for name, model in reversed(opened.models.items()):
        names |= set(model.reads) if name in names else set()
    receipt = transform.build(opened.log, opened.models, as_of=opened.now(), only=names, small=0, share=1e9)
    assert receipt.models["sync_hubspot_contacts"].how == "by key"
    with opened.warehouse.connect() as db:
        return db.execute(CONTACTS).fetchall()


Place = tuple[Branded, RunReceipt]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Branded, RunReceipt]]:
    """The company, and its first run."""
    one = Branded(told(), tmp_path_factory.mktemp("registering") / "home", SETTINGS)
    yield one, one.run()
    one.sandbox.stop()


@pytest.mark.rule("HZ-32")
def test_a_property_and_a_form_register_people_with_their_names_and_nobody_twice(place: Place) -> None:
    one, receipt = place
    people = one.registrants(OPEN)
    assert set(people) == {mail("bob"), mail("ada"), mail("kim")}
    assert (people[mail("ada")]["first_name"], people[mail("ada")]["last_name"]) == ("Ada", "Name")
    assert one.judged()[key(OPEN, 1)][0] == "published"
    assert one.judged()[key(OPEN, 2)] == ("unchanged", "registered already")
    assert receipt.applied is not None
    assert receipt.applied.outcomes["registration"] == {"published": 7, "waiting": 1}
    assert one.calls() == 7


@pytest.mark.rule("HZ-32", "HZ-34", "HZ-35", "ZM-12", "EV-07")
@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("nextweek||hubspot:3", '"next week" is no webinar id'),
        (key(OPEN, 4), "hana@host.example is the host of the webinar"),
        (key(OPEN, 11), "olga@host.example is the connected user"),
        (key(OPEN, 5), "pat@x.example is a panelist"),
        (key(999, 6), "no connected Zoom account knows webinar 999; asked: beta-account, zoom-account"),
        (key(CLOSED, 7), f"webinar {CLOSED} does not require registration"),
        (key(OVER, 8), f"webinar {OVER} is over"),
        (key(OPEN, 12), "none that mail could reach"),
        (key(OPEN, 13), "requires a first name"),
    ],
)
def test_who_cannot_be_registered_is_told_why_and_stops_nobody(place: Place, record: str, words: str) -> None:
    one, _ = place
    verdict, reason = one.judged()[record]
    assert verdict == "rejected"
    assert words in str(reason)


@pytest.mark.rule("HZ-13", "HZ-35")
def test_a_webinar_is_looked_up_in_the_account_of_its_brand(place: Place) -> None:
    one, receipt = place
    assert set(one.registrants(OTHER)) == {mail("ida")}
    assert {read.account for read in receipt.ingested} >= {"zoom-account", "beta-account"}


@pytest.mark.rule("HZ-23")
def test_the_webinars_own_link_goes_back_to_the_contact_in_the_same_run(place: Place) -> None:
    one, _ = place
    for name, number in (("ada", OPEN), ("ida", OTHER), ("kim", OPEN)):
        found = one.contact(mail(name))
        assert found is not None
        assert found["turnout_last_registered_webinar_url"] == f"https://zoom.example/j/{number}"
        assert found["turnout_webinars_registered"] in ("0", "1")
    for name in ("bob", "hana", "lou"):  # registered on Zoom's own page, refused, not asked for
        assert not (one.contact(mail(name)) or {}).get("turnout_last_registered_webinar_url")


@pytest.mark.rule("ZM-02", "ZM-03", "ZM-04")
def test_a_member_who_is_registered_in_marketo_is_registered_in_zoom_and_gets_the_link(place: Place) -> None:
    one, _ = place
    people = one.registrants(SOON)
    assert set(people) == {mail("ned")}, "no other status registers anybody"
    ned = people[mail("ned")]
    assert (ned["first_name"], ned["org"], ned["phone"]) == ("Ned", "Ned Ltd", "+49 30 1")
    members = {one["leadId"]: one for one in one.sandbox.world()["marketo"][0]["members"]}
    assert members[31]["webinarUrl"] == ned["join_url"]
    assert not members[32].get("webinarUrl")


def test_nobodys_own_link_is_shown(place: Place) -> None:
    one, receipt = place
    links = [
        ada["join_url"]
        for number in (OPEN, SOON, OTHER)
        for ada in one.registrants(number).values()
        if ada.get("join_url")
    ]
    assert len(links) == 5
    shown = [repr(one.judged()), *lines_run(receipt), repr(told_run(receipt))]
    plans = [load_plan(one.home, file.stem) for file in (one.home / "plans").glob("*.parquet")]
    assert receipt.plan is not None
    assert receipt.plan.plan_id in {plan.plan_id for plan in plans}
    assert len(plans) == 2, "the second one sends what waited for the first"
    shown += [line for plan in plans for line in lines_plan(plan)]
    shown += [repr(one.contact(mail(name))) for name in ("ada", "kim", "ida")]
    assert not [link for link in links for text in shown if link in text]


@pytest.mark.rule("HZ-32", "HZ-33", "EV-07")
def test_the_fourth_of_a_day_goes_out_after_midnight_and_a_question_is_answered_by_a_mapping(place: Place) -> None:
    one, _ = place
    before = one.calls()
    (late,) = [number for number in FOUR if not one.registrants(number)]
    assert one.judged()[key(late, 23)] == ("waiting", TOMORROW)
    reason = f'the form of webinar {ASKS} requires "job_title"; map a contact property to it under'
    assert reason in str(one.judged()[key(ASKS, 9)])
    one.sandbox.set_clock("2026-11-20T23:59:30Z")
    one.set(SETTINGS + MAPPED.replace("diet =", "unknown ="))
    receipt = one.run()
    assert receipt.is_partial
    assert "contacts have no property unknown" in repr([read.notes for read in receipt.ingested])
    assert one.judged()[key(late, 23)] == ("waiting", TOMORROW)
    verdict, reason = one.judged()[key(ASKS, 9)]
    assert verdict == "rejected"
    assert f'requires "{DIET}", and the property that is mapped to it is empty' in str(reason)
    assert one.calls() == before
    one.sandbox.set_clock("2026-11-21T00:00:30Z")
    one.set(SETTINGS + MAPPED)
    assert not one.run().is_partial
    assert set(one.registrants(late)) == {mail("mo")}
    gus = one.registrants(ASKS)[mail("gus")]
    assert gus["job_title"] == "Pilot"
    assert gus["custom_questions"] == [{"title": DIET, "value": "None"}]
    assert one.calls() == before + 2


@pytest.mark.rule("HZ-32", "HZ-35", "EV-02")
def test_somebody_is_registered_by_hand_once_however_often_it_is_asked(place: Place, tmp_path: Path) -> None:
    one, _ = place
    before = one.calls()
    shutil.copytree(one.home, tmp_path / "home")
    assert registering.register(one.workspace, str(GONE), 22).verdict == "published"
    lou = one.contact(mail("lou"))
    assert lou is not None
    assert lou["turnout_last_registered_webinar_url"] == f"https://zoom.example/j/{GONE}"
    assert rows_by_key(tmp_path / "home", one) == one.rows(CONTACTS)
    wish = Record("lost", utc(NOW), orjson.dumps({"webinar_id": str(GONE), "contact_id": "4711"}))
    one.workspace.log.append(OURS, OURS, registering.WISHES, Batch([wish]), run="test")
    again = one.command("register", f"{GONE:,}".replace(",", "-"), "--contact", "22", "--json")
    assert (again.returncode, orjson.loads(again.stdout)["verdict"]) == (0, "unchanged")
    assert one.judged()[key(GONE, 4711)] == ("rejected", "HubSpot has no contact 4711")
    assert one.calls() == before + 1
    wrong = one.command("register", str(GONE), "--contact", "lou")
    assert (wrong.returncode, "has digits only" in wrong.stderr) == (2, True)
    with pytest.raises(UsageError, match="no connected account knows webinar 999; asked: zoom-account, beta-account"):
        registering.register(one.workspace, "999", 22)
