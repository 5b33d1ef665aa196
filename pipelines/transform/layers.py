"""Layers of a model: an immutable base, and small ones on top of it, folded together now and then.

Folding writes new files and changes no row, so a reader of the old ones notices nothing.
"""

from __future__ import annotations

from dataclasses import replace

from pipelines.models import Model
from pipelines.transform.bench import Bench
from pipelines.warehouse import Entry

LAYERS = 8
"""Layers above the base, until they are folded into one."""
SHARE = 4
"""The layers above hold less than a quarter of the base, or they become one with it."""
LEAST = 50_000
"""As long as they hold fewer rows than this, they need not."""


def fold(bench: Bench, model: Model, entry: Entry) -> Entry:
    """Return the entry with as few layers as it should have; the rows stay what they are."""
    above = sum(entry.counts[1:])
    if len(entry.files) <= 1 or (len(entry.files) <= LAYERS and above <= max(LEAST, entry.counts[0] // SHARE)):
        return entry
    if above > max(LEAST, entry.counts[0] // SHARE):
        file = f"{model.name}/{entry.fingerprint}.base.parquet"
        rows, _ = bench.write(model, bench.warehouse.relation(entry), file)
        return replace(entry, files=[file], counts=[rows], gone=[""])
    file = f"{model.name}/{entry.fingerprint}.folded.parquet"
    rows, _ = bench.write(model, bench.warehouse.relation(entry, first=1), file)
    gone = ""
    if taken := [str(bench.warehouse.root / name) for name in entry.gone[1:] if name]:
        gone = f"{model.name}/{entry.fingerprint}.folded.gone.parquet"
        bench.write(model, f"select distinct * from read_parquet({taken!r})", gone)
    return replace(entry, files=[entry.files[0], file], counts=[entry.counts[0], rows], gone=["", gone])
