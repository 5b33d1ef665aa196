"""Layers of a model: an immutable base, and small ones on top of it, folded together now and then.

Folding writes new files and changes no row, so a reader of the old ones notices nothing. A few rows of a large base are
found by their place in the file: first the key columns are read, then only those stretches that hold a row wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipelines import duck
from pipelines.models import Model
from pipelines.transform.bench import Bench
from pipelines.warehouse import Entry

LAYERS = 8
"""Layers above the base, until they are folded into one."""
SHARE = 4
"""The layers above hold less than a quarter of the base, or they become one with it."""
LEAST = 50_000
"""As long as they hold fewer rows than this, they need not."""

LARGE = 200_000
"""A base of fewer rows is simply read."""
STRETCH = 50_000
"""Rows that are read or left out together."""
GAP = 20
"""Stretches that are passed over sooner than another scan is planned: what a semi join leaves out is not unpacked."""
PEOPLE = frozenset({"person_key", "email_key"})
"""In no model do a person's rows lie together: they are in the order of time, or of webinars."""
STRETCHES_OF_A_PERSON = 4
"""At least, in a large model, as a rule of thumb."""


def fold(bench: Bench, model: Model, entry: Entry) -> Entry:
    """Return the entry with as few layers as it should have; the rows stay what they are."""
    above = sum(entry.counts[1:])
    if len(entry.files) <= 1 or (len(entry.files) <= LAYERS and above <= max(LEAST, entry.counts[0] // SHARE)):
        return entry
    if above > max(LEAST, entry.counts[0] // SHARE):
        file = f"{model.name}/{entry.fingerprint}.base.parquet"
        rows = bench.write(model, bench.warehouse.relation(entry), file)
        return replace(entry, files=[file], counts=[rows], gone=[""])
    file = f"{model.name}/{entry.fingerprint}.folded.parquet"
    rows = bench.write(model, bench.warehouse.relation(entry, first=1), file)
    gone = ""
    if taken := [str(bench.warehouse.root / name) for name in entry.gone[1:] if name]:
        gone = f"{model.name}/{entry.fingerprint}.folded.gone.parquet"
        bench.write(model, f"select distinct * from read_parquet({duck.texts(taken)})", gone)
    return replace(entry, files=[entry.files[0], file], counts=[entry.counts[0], rows], gone=["", gone])


def is_large(entry: Entry) -> bool:
    """Whether reading all of a model costs so much that rows are looked for by their place."""
    return entry.counts[0] >= LARGE


def are_scattered(bench: Bench, entry: Entry, by: Sequence[str], keys: str) -> bool:
    """Whether the keys of a relation, in these columns, are likely to have rows in every stretch of a model."""
    return PEOPLE.issuperset(by) and bench.count(keys) * STRETCHES_OF_A_PERSON * STRETCH > entry.counts[0]


def rows_kept(
    bench: Bench, model: Model, entry: Entry, columns: Sequence[str], kept: str, *, scattered: bool = False
) -> str:
    """Return the query that gives those rows of a model that are wanted, in these columns alone.

    Args:
        kept: the semi joins, with the model as `mine`, that say which.
        scattered: every stretch will be read, so their places need not be found.
    """
    listed = ", ".join(f'mine."{column}"' for column in columns)

    def joined(relation: str) -> str:
        return f"select {listed} from ({relation}) as mine {kept}"

    if scattered or not is_large(entry):
        return joined(bench.warehouse.relation(entry))
    base = bench.warehouse.root / entry.files[0]
    numbered = f"read_parquet({duck.text(base)}, file_row_number = true)"
    places = bench.table(
        "places",
        f"select mine.file_row_number as place from {numbered} as mine {kept}",
        model,
    )
    found = bench.db.execute(f"select distinct place // {STRETCH} from {places} order by 1").fetchall()
    parts = [joined(bench.warehouse.relation(entry, first=1))] if len(entry.files) > 1 else []
    taken = bench.warehouse.without_taken(entry, 0)
    for first, last in _stretches(row[0] for row in found):
        span = f"(from {numbered} where file_row_number between {first} and {last})"
        place = f"semi join {places} as places on mine.file_row_number = places.place"
        parts.append(f"select {listed} from {span} as mine {place} {taken}")
    return " union all ".join(parts) or f"{joined(bench.warehouse.relation(entry))} limit 0"


def _stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and last row of each run of stretches, with what is passed over between them."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number - runs[-1][1] <= GAP:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [(first * STRETCH, (last + 1) * STRETCH - 1) for first, last in runs]
