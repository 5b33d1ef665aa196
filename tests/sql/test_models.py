"""Single rules of single models: rows given, rows expected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import duck, models

MODELS = models.load()
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
US = timedelta(microseconds=1)
Run = Callable[..., list[dict[str, Any]]]


def us(seconds: float) -> int:
    """Return microseconds since 1970 of an instant so many seconds after noon."""
    return (NOON - datetime(1970, 1, 1, tzinfo=UTC)) // US + round(seconds * 1_000_000)


def run_model(
    name: str, *, as_of: datetime = NOON, threads: int = 2, **given: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Run one model over the rows given for the models that it reads."""
    with duck.look() if threads == 2 else duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        db.execute(f"set threads = {threads}")
        db.execute("set variable as_of = cast(? as timestamptz)", [as_of.isoformat()])
        for table, rows in given.items():
            db.register(table, pa.Table.from_pylist(rows))
        found = db.execute(MODELS[name].sql)
        columns = [column[0] for column in found.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def connection(
    person: int, start: float, end: float, reason: str | None = None, name: str | None = "Ada"
) -> dict[str, Any]:
    """A row of int_connections."""
    return {
        "connection_key": f"{person} {start} {end}",
        "name": name,
        "webinar_id": 1,
        "occurrence_id": "",
        "person_key": person,
        "start_us": us(start),
        "end_us": us(end),
        "reason": reason,
    }


def occurrence(seconds: float = 3600) -> dict[str, Any]:
    """A row of int_occurrences."""
    return {"webinar_id": 1, "occurrence_id": "", "actual_us": round(seconds * 1_000_000)}


@pytest.mark.rule("HZ-20")
@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([(0, 600)], 600),
        ([(0, 600), (600, 1200)], 1200),
        ([(0, 600), (0, 600)], 600),
        ([(0, 1000), (100, 200), (300, 400)], 1000),
        ([(0, 100), (50, 150), (140, 300), (1000, 1001)], 301),
        ([(500, 600), (0, 100)], 200),
    ],
)
def test_time_watched_is_the_length_of_the_union(spans: list[tuple[float, float]], seconds: int) -> None:
    rows = run_model(
        "int_attendances", int_connections=[connection(7, *span) for span in spans], int_occurrences=[occurrence()]
    )
    assert [row["attended_us"] for row in rows] == [seconds * 1_000_000]


@pytest.mark.rule("HZ-20", "HZ-28")
@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40), st.integers(1, 20)), min_size=1, max_size=12),
    st.randoms(),
)
def test_the_union_is_that_of_plain_sets_in_any_order(told: list[tuple[int, int, int]], dice: Any) -> None:
    rows = [connection(person, start, start + length) for person, start, length in told]
    dice.shuffle(rows)
    found = run_model("int_attendances", int_connections=rows, int_occurrences=[occurrence()])
    expected = {
        person: len({second for who, start, length in told if who == person for second in range(start, start + length)})
        for person, _, _ in told
    }
    assert {row["person_key"]: row["attended_us"] // 1_000_000 for row in found} == expected


@pytest.mark.rule("HZ-20")
def test_a_connection_with_a_reason_is_no_attendance() -> None:
    rows = [connection(7, 0, 600, "panelist"), connection(8, 0, 600)]
    found = run_model("int_attendances", int_connections=rows, int_occurrences=[occurrence()])
    assert [row["person_key"] for row in found] == [8]


@pytest.mark.rule("HZ-11")
@pytest.mark.parametrize("turned", [1, -1])
def test_the_name_is_that_of_the_last_connection_with_one_in_the_last_webinar_attended(turned: int) -> None:
    rows = [connection(7, 0, 10, name="A"), connection(7, 20, 30, name="B"), connection(7, 25, 30, name=None)]
    rows += [connection(7, 40, 50, "waiting_room", name="C")]
    found = run_model("int_attendances", int_connections=rows[::turned], int_occurrences=[occurrence()])
    assert [row["name"] for row in found] == ["B"]
    attended = [attendance(at, 1, 1) | {"joined_at": NOON - timedelta(days=3 - at), "name": str(at)} for at in range(3)]
    scope = [{"webinar_id": at, "out_of_scope_reason": "excluded" if at == 2 else None} for at in range(3)]
    met = run_model(
        "int_zoom_metrics",
        int_attendances=attended[::turned],
        int_people=[{"person_key": 7, "subject_key": 7}],
        int_webinars=scope,
        int_registrations=NO_REGISTRATIONS,
    )
    assert [row["met_name"] for row in met] == ["1"]


def attendance(webinar: int, part: int, of: int, person: int = 7) -> dict[str, Any]:
    """A row of int_attendances, its share rounded as the model rounds it."""
    return {
        "webinar_id": webinar,
        "occurrence_id": "",
        "person_key": person,
        "joined_at": NOON - timedelta(days=3),
        "attended_ppq": (part * 10**15 + of // 2) // of,
        "name": "Ada",
    }


def average(shares: list[tuple[int, int]]) -> int | None:
    """Return the average in hundredths of a percent that int_zoom_metrics makes of shares."""
    webinar = [{"webinar_id": at, "out_of_scope_reason": None} for at in range(len(shares))]
    rows = run_model(
        "int_zoom_metrics",
        int_attendances=[attendance(at, part, of) for at, (part, of) in enumerate(shares)],
        int_people=[{"person_key": 7, "subject_key": 7}],
        int_webinars=webinar,
        int_registrations=NO_REGISTRATIONS,
    )
    return rows[0]["avg_attended_hundredths"]


NO_REGISTRATIONS = [
    {
        "webinar_id": 999,
        "person_key": 8,
        "registered_at": NOON,
        "first_registered_at": NOON,
        "first_name": "",
        "last_name": "",
    }
]


def half_up(value: Fraction) -> int:
    """Round half up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


@pytest.mark.rule("HZ-21")
@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(1, 86_400), st.integers(1, 86_400)).map(lambda p: (min(p), max(p))),
        min_size=1,
        max_size=9,
    )
)
def test_the_average_is_the_exact_mean_rounded_half_up(shares: list[tuple[int, int]]) -> None:
    exact = sum(Fraction(part, of) for part, of in shares) / len(shares) * 10_000
    assert average([(part * 1_000_000, of * 1_000_000) for part, of in shares]) == half_up(exact)


@pytest.mark.rule("HZ-21")
@pytest.mark.parametrize(
    ("shares", "hundredths"),
    [
        ([(1, 3), (20003, 30000)], 5001),
        ([(1, 3), (2, 3)], 5000),
        ([(1, 1)], 10000),
        ([(1, 20000)], 1),
        ([(1, 20001)], 0),
    ],
)
def test_means_that_are_exactly_a_half_are_rounded_up(shares: list[tuple[int, int]], hundredths: int) -> None:
    assert average(shares) == hundredths


@pytest.mark.rule("HZ-28")
def test_one_thread_and_two_give_the_same_rows_fifteen_times() -> None:
    rows = [
        connection(person, start, start + 30) for person in range(200) for start in range(0, 300, 7) for _ in (0, 1)
    ]
    results = {
        repr(
            sorted(
                map(
                    repr,
                    run_model("int_attendances", threads=threads, int_connections=rows, int_occurrences=[occurrence()]),
                )
            )
        )
        for threads in (1, 2)
        for _ in range(15)
    }
    assert len(results) == 1


@pytest.fixture
def setting() -> dict[str, Any]:
    """A row of int_settings with nothing set."""
    return {"contact_exclusions": ["acme.example", "*.other.example", "one@x.example"]}


@pytest.mark.rule("HZ-04")
@pytest.mark.parametrize(
    ("email", "is_excluded"),
    [
        ("a@acme.example", True),
        ("a@eu.acme.example", False),
        ("a@notacme.example", False),
        ("a@other.example", False),
        ("a@sub.other.example", True),
        ("a@deep.sub.other.example", True),
        ("a@another.example", False),
        ("one@x.example", True),
        ("someone@x.example", False),
        ("acme.example@x.example", False),
    ],
)
def test_an_exclusion_names_an_address_a_domain_or_its_subdomains(
    setting: dict[str, Any], email: str, is_excluded: bool
) -> None:
    people = [{"email": email, "email_key": 1}]
    none = [{"email": "", "email_key": None}]
    found = run_model(
        "int_excluded_addresses",
        int_met_addresses=people,
        int_contact_addresses=none,
        int_settings=[setting],
    )
    assert bool(found) is is_excluded


@pytest.mark.rule("HZ-24")
def test_a_date_that_zoom_no_longer_lists_before_it_came_is_cancelled() -> None:
    def state(number: int, days: list[int]) -> dict[str, Any]:
        return {
            "webinar_id": 1,
            "event_id": bytes([number]),
            "kind": "seen",
            "occurred_at": NOON - timedelta(days=10 - number),
            "observed_at": NOON - timedelta(days=10 - number),
            "occurrences": [
                {
                    "occurrence_id": str(day),
                    "start_time": NOON + timedelta(days=day),
                    "duration": 60,
                    "status": "available",
                }
                for day in days
            ],
        }

    webinar = {
        "webinar_id": 1,
        "state_id": bytes([2]),
        "state_at": NOON - timedelta(days=8),
        "absent_at": None,
        "webinar_type": 9,
        "start_at": NOON,
        "duration_minutes": 60,
        "listed_count": 2,
    }
    sessions = [{"webinar_id": 2, "start_at": NOON}]
    rows = run_model(
        "int_schedule",
        stg_zoom__webinars=[state(1, [-20, 5, 12]), state(2, [12, 19])],
        int_webinars=[{**webinar, "absent_at": NOON + timedelta(days=365)}],
        int_sessions_seen=sessions,
    )
    assert {row["occurrence_id"]: row["is_cancelled"] for row in rows} == {
        "-20": False,
        "5": True,
        "12": False,
        "19": False,
    }
