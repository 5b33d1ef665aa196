"""Records of any object type by their ids, a batch a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.vendors.hubspot.client import read_page
from pipelines.vendors.hubspot.run import Run
from pipelines.vendors.hubspot.searching import read_id
from pipelines.vendors.reading import in_order, payload


def by_id(
    run: Run, kind: str, names: Sequence[str], asked: Mapping[str, Any], *, is_archived: bool = False, size: int
) -> dict[str, bytes]:
    """Return records by the id that they answer under; one that is missing is asked for once more.

    Args:
        asked: what is wanted of each: `properties`, `propertiesWithHistory`.
        size: records of one call.
    """

    def batch(chunk: Sequence[str]) -> list[bytes]:
        answer = run.client.post(
            run.client.path("objects", kind, "batch", "read"),
            doing=f"{len(chunk)} {kind}",
            params={"archived": "true"} if is_archived else None,
            json={"inputs": [{"id": name} for name in chunk], **asked},
            accept=(404,),
            decode=read_page,
        )
        return [payload(raw) for raw in answer.data.results] if answer.status != 404 else []

    found: dict[str, bytes] = {}
    wanted = list(dict.fromkeys(names))
    for _ in range(2):
        chunks = [wanted[at : at + size] for at in range(0, len(wanted), size)]
        for _, contents in in_order(batch, chunks, run.ingest.at_once):
            for content in contents:
                name = read_id(content).id
                if name:
                    found[str(name)] = content
        wanted = [name for name in wanted if name not in found]
    return found
