"""Builds a model by changed key: the rows of touched keys are computed again, all others keep theirs (EV-02).

What `sql/touched/<model>.sql` may name too many is found by comparing: only keys whose rows really differ become a
layer, and only they are told to the models above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipelines import duck
from pipelines.models import CHANGED, Increment, Model
from pipelines.narrowing import Narrowing
from pipelines.transform.bench import Bench, Change, fingerprint_of
from pipelines.transform.layers import are_scattered, fold, is_large, rows_kept
from pipelines.warehouse import Entry

Found = tuple[Entry, int] | None
"""The entry and the rows written for it; None where the model must be built whole."""


def by_key(bench: Bench, model: Model, old: Entry, made_of: dict[str, str]) -> Found:
    """Compute the rows of touched keys again, over the inputs narrowed to what these keys need."""
    increment = _of(model)
    bench.narrow_nothing()
    bench.show_before(model, old)
    touched = bench.table("touched", f"select distinct * from ({_inner(increment.sql)})", model)
    count, is_known = bench.count_known(touched)
    if count == 0:
        return _unchanged(bench, model, old, made_of)
    if count > bench.most or not is_known:
        return None
    for narrowing in increment.narrowed:
        _narrow(bench, model, narrowing, touched)
    match = _match(increment.key, increment.key)
    fresh = bench.table(
        "fresh", f"select mine.* from ({_inner(model.sql)}) as mine semi join {touched} as other on {match}", model
    )
    bench.narrow_nothing()
    if model.name not in bench.watched:
        return _unlooked(bench, model, old, made_of, fresh, touched)
    return _layer(bench, model, old, made_of, fresh, _stale(bench, model, old, touched))


def merge(bench: Bench, model: Model, old: Entry, made_of: dict[str, str]) -> Found:
    """Compute over new rows alone, and keep the greatest of what that gives and what stood."""
    increment = _of(model)
    bench.narrow_nothing()
    bench.show_before(model, old)
    taken = bench.table("taken", increment.sql, model)
    count, is_known = bench.count_known(taken)
    if count == 0:
        return _unchanged(bench, model, old, made_of)
    if count > bench.most or not is_known:
        return None
    bench.narrow(model, increment.of, f"select * from {taken}")
    for narrowing in increment.narrowed:
        _narrow(bench, model, narrowing, taken)
    partial = bench.table("partial", model.sql, model)
    bench.narrow_nothing()
    keys = ", ".join(f'"{name}"' for name in increment.key)
    touched = bench.table("touched", f"select distinct {keys} from {partial}", model)
    listed = ", ".join(
        f'max("{name}") as "{name}"' if name in increment.merged else f'"{name}"' for name in old.columns
    )
    stale = _stale(bench, model, old, touched)
    fresh = bench.table(
        "fresh", f"select {listed} from (from {partial} union all by name from {stale}) group by {keys}", model
    )
    return _layer(bench, model, old, made_of, fresh, stale)


def append(bench: Bench, model: Model, old: Entry, made_of: dict[str, str]) -> Found:
    """Let the new rows of the one input give new rows."""
    (name,) = model.reads
    if bench.changes.get(name) is not Change.ROWS:
        return _unchanged(bench, model, old, made_of)
    bench.narrow_nothing()
    bench.narrow(model, name, f"select * from changed.{name}{CHANGED}")
    fingerprint = fingerprint_of(model.fingerprint, "", made_of, old.fingerprint)
    file = f"{model.name}/{fingerprint}.parquet"
    rows = bench.write(model, model.sql, file)
    bench.narrow_nothing()
    bench.how = "appended"
    bench.changes[model.name] = Change.ROWS
    bench.came(model.name, f"select * from read_parquet({duck.text(bench.warehouse.root / file)})")
    entry = replace(
        old,
        fingerprint=fingerprint,
        files=[*old.files, file],
        counts=[*old.counts, rows],
        gone=[*old.gone, ""],
        rows=old.rows + rows,
        made_of=made_of,
        as_of=bench.as_of.isoformat(),
    )
    return fold(bench, model, entry), rows


def _stale(bench: Bench, model: Model, old: Entry, touched: str) -> str:
    """Keep the rows that stood under the touched keys; return their table."""
    return bench.table(
        "stale", rows_kept(bench, model, old, list(old.columns), _touched_alone(model, old, touched)), model
    )


def _touched_alone(model: Model, old: Entry, touched: str) -> str:
    key = _of(model).key
    return _wanted(old, key, key, touched)


def _wanted(entry: Entry, columns: Sequence[str], matching: Sequence[str], keys: str) -> str:
    """Return the semi joins that leave of a model, as `mine`, the rows of these keys.

    Of keys of several columns each is met alone before: by one column DuckDB leaves rows out while it reads.
    """
    whole = f"semi join {keys} as other on {_match(columns, matching)}"
    if not is_large(entry) or len(columns) == 1:
        return whole
    alone = [
        f'semi join (select "{other}" as its from {keys}) as few_{n} on mine."{mine}" = few_{n}.its'
        for n, (mine, other) in enumerate(zip(columns, matching, strict=True))
        if "(" not in mine + other
    ]
    return " ".join([*alone, whole])


def _layer(bench: Bench, model: Model, old: Entry, made_of: dict[str, str], fresh: str, stale: str) -> Found:
    """Put the rows that really differ on top of what stood."""
    key = _of(model).key
    match = _match(key, key)
    if not bench.difference(model, fresh, f"from {stale}"):
        return _unchanged(bench, model, old, made_of)
    keys = ", ".join(f'"{name}"' for name in key)
    differing = bench.table("differing", f"select distinct {keys} from changed.{model.name}{CHANGED}", model)
    came = f"select mine.* from {fresh} as mine semi join {differing} as other on {match}"
    went = bench.count(f"(select 1 from {stale} as mine semi join {differing} as other on {match})")
    return _on_top(bench, model, old, made_of, came, differing, went)


def _unlooked(bench: Bench, model: Model, old: Entry, made_of: dict[str, str], fresh: str, touched: str) -> Found:
    """Put all rows of touched keys on top: where no model asks what changed, finding that out costs more than it saves.

    Of what stood only the keys are read, to count it.
    """
    went = bench.count(f"({bench.warehouse.relation(old)}) as mine {_touched_alone(model, old, touched)}")
    if not went and not bench.count(fresh):
        return _unchanged(bench, model, old, made_of)
    return _on_top(bench, model, old, made_of, f"from {fresh}", touched, went)


def _on_top(
    bench: Bench, model: Model, old: Entry, made_of: dict[str, str], came: str, keys: str, went: int
) -> tuple[Entry, int]:
    """Write a layer: the rows that came, and the keys whose older rows, `went` in number, no longer count."""
    bench.how = "by key"
    bench.changes[model.name] = Change.ROWS
    fingerprint = fingerprint_of(model.fingerprint, bench.as_of.isoformat(), made_of, old.fingerprint)
    file, gone = f"{model.name}/{fingerprint}.parquet", f"{model.name}/{fingerprint}.gone.parquet"
    rows = bench.write(model, came, file)
    bench.write(model, f"select * from {keys}", gone)
    entry = replace(
        old,
        fingerprint=fingerprint,
        files=[*old.files, file],
        counts=[*old.counts, rows],
        gone=[*old.gone, gone],
        key=list(_of(model).key),
        rows=old.rows - went + rows,
        made_of=made_of,
        as_of=bench.as_of.isoformat(),
    )
    return fold(bench, model, entry), rows


def _unchanged(bench: Bench, model: Model, old: Entry, made_of: dict[str, str]) -> tuple[Entry, int]:
    bench.changes[model.name] = Change.NONE
    return replace(old, made_of=made_of, as_of=bench.as_of.isoformat()), 0


def _narrow(bench: Bench, model: Model, narrowing: Narrowing, touched: str) -> None:
    other = bench.narrowed(narrowing.of) if narrowing.of else touched
    columns, matching = narrowing.columns, narrowing.matching
    if narrowing.also:
        other = bench.table("matching", _pairs(model, narrowing, other, touched), model)
        columns, matching = (*columns, *narrowing.also), (*matching, *narrowing.also)
    elif narrowing.others:
        other = bench.table("matching", _either(bench, narrowing, touched), model)
        matching = columns
    entry, needed = bench.shown[narrowing.name], _needed(bench, model, narrowing.name)
    kept = _wanted(entry, columns, matching, other)
    scattered = are_scattered(bench, entry, columns, other)
    bench.narrow(model, narrowing.name, rows_kept(bench, model, entry, needed, kept, scattered=scattered))


def _either(bench: Bench, narrowing: Narrowing, touched: str) -> str:
    """Return the query that gives what an input has to match, where it is narrowed by several others."""
    parts: list[str] = []
    for one in narrowing.each:
        pairs = zip(one.columns, one.matching, strict=True)
        listed = ", ".join(f'{_of_table("mine", other)} as "{column}"' for column, other in pairs)
        parts.append(f"select {listed} from {bench.narrowed(one.of) if one.of else touched} as mine")
    return " union ".join(parts)


def _pairs(model: Model, narrowing: Narrowing, other: str, touched: str) -> str:
    """Return the query that gives what an input narrowed before has to match, each with what its touched keys have."""
    (earlier,) = (one for one in _of(model).narrowed if one.name == narrowing.of)
    listed = [_of_table("mine", column) for column in narrowing.matching]
    listed += [_of_table("other", column) for column in narrowing.also]
    match = _match(earlier.columns, earlier.matching)
    return f"select distinct {', '.join(listed)} from {other} as mine inner join {touched} as other on {match}"


def _needed(bench: Bench, model: Model, name: str) -> list[str]:
    """Return the columns of an input that the model, or a narrowing after this one, speaks of."""
    columns = list(bench.shown[name].columns)
    if name in model.starred:
        return columns
    narrowed = _of(model).narrowed
    matched = {column for narrowing in narrowed for one in narrowing.each if one.of == name for column in one.matching}
    named = model.named.get(name, frozenset())
    return [column for column in columns if column.lower() in named or column in matched] or columns[:1]


def _match(columns: Sequence[str], matching: Sequence[str]) -> str:
    pairs = zip(columns, matching, strict=True)
    return " and ".join(f"{_of_table('mine', mine)} = {_of_table('other', other)}" for mine, other in pairs)


def _of_table(table: str, column: str) -> str:
    """Return a column as a table's; an expression says itself what it speaks of."""
    return column if "(" in column else f'{table}."{column}"'


def _inner(sql: str) -> str:
    return sql.strip().removesuffix(";") + "\n"


def _of(model: Model) -> Increment:
    assert model.increment is not None, model.name
    return model.increment
