"""A made-up company."""

from typing import Any


def generate(seed: int = 7, contacts: int = 2000, now: str = "2026-11-20T12:00:00Z") -> dict[str, Any]:
    return {"now": now}
