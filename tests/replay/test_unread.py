"""A webinar whose details Zoom does not tell is not published as something else."""

from __future__ import annotations

from collections.abc import Callable

from tests.company import Company
from tests.worlds import contact, joined, registrant, series, session, webinar, world

Make = Callable[..., Company]
ONE, TWO = 84759841045, 84759841046
ADA = "ada@x.example"


def test_a_webinar_whose_details_cannot_be_read_yet_is_not_published_as_something_else(company: Make) -> None:
    rows = [joined(ADA, "10:00", "10:40")]
    one = company(
        world(
            series(ONE, ["2026-11-10", "2026-11-25"], instances=[session("u1==", "10:00", "11:00", rows)]),
            webinar(TWO, registrants=[registrant(ADA)], instances=[session("u2==", "10:00", "11:00", rows)]),
            contacts=[contact(1, ADA)],
        )
    )
    one.sandbox.set_faults({"rules": [{"vendor": "zoom", "path": f"/v2/webinars/{ONE}[?]", "kind": "html"}]})
    one.run()
    assert one.event(str(ONE)) is None
    assert one.event(str(TWO)) is not None
    one.sandbox.set_faults({})
    one.run()
    assert one.event(str(ONE)) is None


def test_a_webinar_that_was_deleted_before_it_was_ever_read_is_published_from_its_sessions(company: Make) -> None:
    rows = [joined(ADA, "10:00", "10:40")]
    gone = webinar(ONE, instances=[session("u1==", "10:00", "11:00", rows)], deleted=True)
    one = company(world(gone, contacts=[contact(1, ADA)]))
    one.run()
    assert one.event(str(ONE)) is not None
    assert one.contact(ADA)["turnout_webinars_attended"] == "1"
