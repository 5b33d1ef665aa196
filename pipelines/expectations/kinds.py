"""What can be expected of a table, in a few words each."""

from __future__ import annotations

from pipelines.expectations import FEW, Expectation

WEEKLY = 20
"""A stream that had so many events in each of four weeks is expected to have some in the fifth."""


def complete(noun: str, column: str, words: str, share: int = 10, *, blocking: bool = True) -> Expectation:
    """Expect a column that is needed to make anything of a row; a few rows without it are set aside."""
    return Expectation(
        f"expect_{noun}_to_have_{column}",
        f"{words} (up to {share} % of them may lack it, or {FEW}).",
        "complete",
        (column,),
        share=share,
        few=FEW,
        is_blocking=blocking,
    )


def once(noun: str, *columns: str, words: str = "") -> Expectation:
    """Expect that no event stands twice."""
    told = words or f"No event of {noun.replace('_', ' ')} stands twice in the table."
    return Expectation(f"expect_{noun}_once", told, "unique", columns or ("event_id",), is_blocking=True)


def known(noun: str, column: str, words: str, *values: str) -> Expectation:
    """Expect words that we know the meaning of; a new one is named, and holds nothing up."""
    return Expectation(f"expect_known_{column}_of_{noun}", words, "known", (column,), values=values)


def past(noun: str, column: str) -> Expectation:
    """Expect nothing from the future: the sign of a time zone read wrong."""
    return Expectation(
        f"expect_{noun}_not_in_the_future",
        f"{column} is not later than the vendors' clocks at the last reading (up to 5 % may be, or {FEW}).",
        "true",
        (column,),
        sql=f"{column} <= {{read_at}} + interval 1 hour",
        share=5,
        few=FEW,
        is_blocking=True,
    )


def steady(noun: str, column: str) -> Expectation:
    """Expect events this week where each of the four weeks before had some."""
    sql = f"""
        select 'none in the last 7 days; at least ' || least_count || ' in each of the 4 weeks before' as what
        from (
            select
                count(*) filter (where weeks = 0) as last_count,
                least(
                    count(*) filter (where weeks = 1), count(*) filter (where weeks = 2),
                    count(*) filter (where weeks = 3), count(*) filter (where weeks = 4)
                ) as least_count
            from (
                select cast(floor((epoch({{read_at}}) - epoch({column})) / 604800) as bigint) as weeks
                from {{batch}} where {column} > {{read_at}} - interval 35 day and {column} <= {{read_at}}
            )
        )
        where last_count = 0 and least_count >= {WEEKLY}
    """
    claim = f"The last 7 days are not empty where each of the 4 weeks before had {WEEKLY} or more."
    return Expectation(f"expect_{noun}_as_usual", claim, "none", (column,), sql=sql)


def staying(noun: str, key: str) -> Expectation:
    """Expect that a list does not lose a large part of its records within a day: an empty answer looks like that."""
    sql = f"""
        select gone_count || ' of ' || all_count || ' are gone within a day' as what
        from (
            select
                count(*) as all_count,
                count(*) filter (where is_gone and last_at > {{read_at}} - interval 1 day) as gone_count
            from (
                select
                    arg_max(kind, (occurred_at, observed_at, event_id)) = 'absent' as is_gone,
                    max(occurred_at) as last_at
                from {{batch}} group by {key}
            )
        )
        where gone_count > greatest({FEW}, all_count * 3 // 10)
    """
    claim = f"Not more than 30 % of the {noun.replace('_', ' ')} are gone within a day (or {FEW})."
    return Expectation(f"expect_{noun}_not_to_vanish", claim, "none", (key,), sql=sql, is_blocking=True)


def ordered(noun: str, first: str, second: str) -> Expectation:
    """Expect an end after its beginning."""
    return Expectation(
        f"expect_{noun}_to_end_after_they_begin",
        f"{second} is not before {first} (up to 5 % may be, or {FEW}).",
        "true",
        (first, second),
        sql=f"{second} >= {first}",
        share=5,
        few=FEW,
        is_blocking=True,
    )
