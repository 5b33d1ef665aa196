"""The answers of vendors' APIs as bytes: 120,000 records of the made company in pages of 300, for the measure of ingest.

60 % are marketing email events, 25 % rows of Zoom's participant reports, 15 % contacts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks import company
from benchmarks.company import END, START, Size

RECORDS = 120_000
PAGE = 300
SHARES = {"email_events": 0.60, "participants": 0.25, "contacts": 0.15}
Page = tuple[str, str, bytes]
"""Stream, scope (a session's UUID) and body."""


def pages(records: int = RECORDS) -> list[Page]:
    """Return the answers, stream by stream, as they come."""
    size = Size(max(records * 20, 20_000))
    with duckdb.connect() as db:
        for statement in [*company.macros(size), company.webinars(size), company.sessions()]:
            db.execute(statement)
        return [page for name in SHARES for page in _pages(db, size, name, int(records * SHARES[name]))]


def _pages(db: duckdb.DuckDBPyConnection, size: Size, name: str, count: int) -> Iterator[Page]:
    sql = {"email_events": company.email_events, "participants": company.participants, "contacts": company.contacts}[
        name
    ]
    begin = START if name == "contacts" else END.replace(month=END.month - 6)
    rows = db.execute(
        f"select scope, payload from ({sql(size, begin, END)}) order by scope, occurred_at, key limit {count}"
    ).fetchall()
    at = 0
    while at < len(rows):
        scope = rows[at][0]
        some = [payload for told, payload in rows[at : at + PAGE] if told == scope]
        at += len(some)
        records = ",".join(some)
        is_last = at >= len(rows) or rows[at][0] != scope
        if name == "email_events":
            body = f'{{"hasMore":{"false" if is_last else "true"},"offset":"o{at}","events":[{records}]}}'
        elif name == "participants":
            body = f'{{"page_size":300,"next_page_token":"{"" if is_last else at}","participants":[{records}]}}'
        else:
            paging = "" if is_last else f',"paging":{{"next":{{"after":"{at}"}}}}'
            body = f'{{"results":[{records}]{paging}}}'
        yield name, scope, body.encode()


def records_key(name: str) -> str:
    """Return the name under which a page holds its records."""
    return {"email_events": "events", "participants": "participants", "contacts": "results"}[name]


def first(made: list[Page]) -> list[Page]:
    """Return the first page of each stream: what a process does once is done with these, and is not the rate."""
    return [next(page for page in made if page[0] == name) for name in SHARES]


def save(path: Path, made: list[Page]) -> None:
    """Write pages to one file, a page a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(b"\t".join((name.encode(), scope.encode(), body)) for name, scope, body in made))


def load(path: Path) -> list[Page]:
    """Read what `save` wrote."""
    found = [line.split(b"\t", 2) for line in path.read_bytes().split(b"\n")]
    return [(name.decode(), scope.decode(), body) for name, scope, body in found]
