"""Reads of a file of keys which rows of its model's inputs a build by changed key needs: `-- narrowed: …` (EV-02)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.errors import ModelError

NARROWED = re.compile(r"(\w+) by (.+?)(?: of (\w+)(?: with (.+))?)?")


@dataclass(frozen=True)
class Narrowing:
    """Which rows of an input a build by changed key needs: those whose `columns` match `matching` of another relation.

    Attributes:
        of: an input, as it was narrowed before this one; "" for the touched keys themselves.
        also: columns that must match those of the same touched key, too: a person's rows of that webinar alone. The
            input `of` is then one that was narrowed by the touched keys themselves.
        others: where the input is named again, by the same columns: rows are needed that match any of them.
    """

    name: str
    columns: tuple[str, ...]
    matching: tuple[str, ...]
    of: str = ""
    also: tuple[str, ...] = ()
    others: tuple[Narrowing, ...] = ()

    @property
    def each(self) -> tuple[Narrowing, ...]:
        """All that say which rows are needed."""
        return (self, *self.others)


def narrowings(text: str, path: Path, of: str = "") -> tuple[Narrowing, ...]:
    """Return what the header of a file of keys says, each input once, after those that it is narrowed by.

    Args:
        of: an input that is narrowed without being named: the one of which rows are taken in.

    Raises:
        ModelError: what is written cannot be read, or not in that order; names the file.
    """
    found: dict[str, Narrowing] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        one = _narrowing(part, path)
        earlier = found.pop(one.name, None)
        if earlier and (earlier.columns != one.columns or earlier.also or one.also or "(" in "".join(one.columns)):
            raise ModelError(
                f"{path}: `{one.name}` is named twice: both times by the same plain columns, without `with`."
            )
        found[one.name] = replace(earlier, others=(*earlier.others, one)) if earlier else one
    known = {of: ""}
    for narrowing in found.values():
        for one in narrowing.each:
            if one.also and known.get(one.of, "?"):
                raise ModelError(
                    f"{path}: `{one.name} … of {one.of} with …`: {one.of} must be narrowed by the keys first."
                )
            if one.of and one.of not in known:
                raise ModelError(f"{path}: `{one.name} … of {one.of}`: {one.of} must be narrowed first.")
        known[narrowing.name] = narrowing.of
    return tuple(found.values())


def _narrowing(text: str, path: Path) -> Narrowing:
    found = NARROWED.fullmatch(text)
    if not found:
        raise ModelError(
            f"{path}: `narrowed: {text}` is not "
            "`<input> by <column [= other]> [and …] [of <input> [with <column> [and …]]]`."
        )
    pairs = [pair.split(" = ") for pair in found[2].split(" and ")]
    return Narrowing(
        found[1],
        tuple(pair[0].strip() for pair in pairs),
        tuple(pair[-1].strip() for pair in pairs),
        found[3] or "",
        tuple(found[4].split(" and ")) if found[4] else (),
    )
