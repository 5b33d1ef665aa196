"""Is the log whole? Every file, every id and every cursor is looked at (`turnout verify`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import duckdb
from deltalake.exceptions import DeltaError

from pipelines import duck
from pipelines.errors import LogError
from pipelines.events import ID_BYTES, digest, event_id, following
from pipelines.log import Log


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and where."""

    stream: str
    problem: str


def verify(log: Log) -> list[Finding]:
    """Check that files are whole, ids are unique and are those of their content, and cursors can be read."""
    findings: list[Finding] = []
    with duck.look() as db:
        for source, stream in log.streams():
            name = f"{source}/{stream}"
            try:
                findings += [Finding(name, problem) for problem in _problems(db, log, source, stream)]
            except (LogError, duckdb.Error, DeltaError, OSError, ValueError) as error:
                said = f"cannot be read: {str(error)[:300]}. Restore this folder from a backup."
                findings.append(Finding(name, said))
    return findings


def _problems(db: duckdb.DuckDBPyConnection, log: Log, source: str, stream: str) -> Iterator[str]:
    table = log.table(source, stream)
    assert table is not None
    actions = table.get_add_actions(flatten=True)
    counts = dict(zip(actions["path"].to_pylist(), actions["num_records"].to_pylist(), strict=True))
    for path, expected in sorted(counts.items()):
        file = log.root / source / stream / path
        if not file.exists():
            yield f"{path} is missing. Restore it from a backup."
            return
        found = db.execute("select count(payload is null) from read_parquet(?)", [str(file)]).fetchall()[0][0]
        if found != expected:
            yield f"{path} holds {found} rows, and its commit says {expected}. Restore it from a backup."
    files = log.files(source, stream)
    if not files:
        return
    rows = db.execute(
        """
        select event_id, account, key, digest, payload from read_parquet(?)
        order by account, key, occurred_at, observed_at, event_id
        """,
        [files],
    )
    seen: set[bytes] = set()
    before: tuple[str, str, bytes | None] = ("", "", None)
    while some := rows.fetchmany(10_000):
        for identity, account, key, content, payload in some:
            if identity in seen:
                yield f"event {identity.hex()} (key {key!r}) stands twice."
            seen.add(identity)
            told = (payload or "").encode()
            if content not in (event_id(source, account, stream, key, told), _says(told)):
                yield f"event {identity.hex()} (key {key!r}) is not what it was when it was written."
            previous = before[2] if before[:2] == (account, key) else None
            names = [content, following(content, previous)]
            names += (_early_id(source, account, stream, key, content, one) for one in (None, previous))
            if identity not in names:
                yield f"event {identity.hex()} (key {key!r}) does not carry the id of its content."
            before = (account, key, identity)
    for account, cursor in log.cursors(source, stream).items():
        if not isinstance(cursor, dict):
            yield f"the cursor of account {account!r} is no object."


def _says(payload: bytes) -> bytes | None:
    """Return the digest of what a payload says; None where it is no JSON any more."""
    try:
        return digest(payload)
    except ValueError:
        return None


def _early_id(source: str, account: str, stream: str, key: str, content: bytes, previous: bytes | None) -> bytes:
    """Return the id that events had while `digest` named them: of what a record says, not of its bytes."""
    told = "\x1f".join((source, account, stream, key, "")).encode() + content + (previous or b"")
    return blake2b(told, digest_size=ID_BYTES).digest()
