"""What is expected of the data (EV-12): suites as plain data, judged in each run by DuckDB, and by Great Expectations.

A suite is about the rows of one table. In a run each suite is one query over Parquet, which takes milliseconds; the
same definitions become suites of Great Expectations (`great.py`), which takes seconds and makes the report. Nothing
here names a person: a finding holds counts, and words of a vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Door = Literal["came in", "computed", "goes out"]
Kind = Literal["complete", "within", "known", "unique", "true", "none"]
FEW = 20
"""So many odd rows are anybody's; they are set aside, and stop nothing."""
PLAN = "plan"
"""The name of the plan's rows, in suites about what goes out."""
READINGS = "readings"
"""The name of the table of sources and when each was last read."""


@dataclass(frozen=True)
class Expectation:
    """One claim about a table.

    Attributes:
        kind: `complete`: the column is never null or empty. `within`: it lies between `low` and `high`. `known`: it is
            one of `values`. `unique`: the columns name one row. `true`: `sql` is true of each row, or unknown.
            `none`: the query `sql` over `{batch}` gives no rows; each would be a text that may be shown.
        share: per cent of the rows that may contradict the claim. `few`: so many may in any case.
        is_blocking: whether what is made of the table is held back while the claim does not hold.
    """

    name: str
    claim: str
    kind: Kind
    columns: tuple[str, ...] = ()
    sql: str = ""
    low: int | None = None
    high: int | None = None
    values: tuple[str, ...] = ()
    share: int = 0
    few: int = 0
    is_blocking: bool = False

    def failing(self) -> str:
        """Return the condition that a row contradicts the claim, as SQL."""
        if self.kind == "complete":
            return " or ".join(f"{column} is null" for column in self.columns)
        if self.kind == "within":
            bounds = [f"{self.columns[0]} < {self.low}"] if self.low is not None else []
            bounds += [f"{self.columns[0]} > {self.high}"] if self.high is not None else []
            return " or ".join(bounds)
        if self.kind == "known":
            listed = ", ".join("'" + value.replace("'", "''") + "'" for value in self.values)
            return f"{self.columns[0]} not in ({listed})"
        if self.kind == "true":
            return f"not ({self.sql})"
        raise ValueError(f"{self.name}: `{self.kind}` is no claim about single rows")

    def tolerated(self, considered: int) -> int:
        """Return how many rows may contradict the claim, of so many that it is about."""
        return max(self.few, considered * self.share // 100)


@dataclass(frozen=True)
class Suite:
    """Expectations of one table.

    Attributes:
        table: a model, `plan` or `readings`. where: which of its rows; all where nothing is said.
        about: the model that Dagster shows the checks at, and whose readers are held back; `table` where empty.
        destination: for a plan, whose rows it is about.
        reads: further models that the SQL of its expectations reads.
        empty: columns in which an empty text is as good as none.
    """

    name: str
    door: Door
    table: str
    expectations: tuple[Expectation, ...]
    where: str = ""
    about: str = ""
    destination: str = ""
    reads: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    columns: tuple[str, ...] = field(default=())

    @property
    def model(self) -> str:
        """The model that it is about."""
        return self.about or self.table

    def rows(self) -> str:
        """Return the query for the rows that it is about; GX and DuckDB both read these."""
        taken = [f"nullif({name}, '') as {name}" for name in self.empty]
        replaced = f" replace ({', '.join(taken)})" if taken else ""
        return f"select *{replaced} from {self.table}{f' where {self.where}' if self.where else ''}"

    def stated(self, sql: str, clock: Mapping[str, datetime]) -> str:
        """Return SQL with the moments that it asks for: `{read_at}` and `{as_of}`."""
        for name, moment in clock.items():
            sql = sql.replace(f"{{{name}}}", f"timestamptz '{moment.isoformat()}'")
        return sql
