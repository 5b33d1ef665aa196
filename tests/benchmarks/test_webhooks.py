"""The benchmark of webhooks: what it sends is signed as the vendor signs, answered and kept."""

from __future__ import annotations

from pathlib import Path

from benchmarks.webhooks import measured


def test_a_burst_is_answered_and_kept(tmp_path: Path) -> None:
    told = measured(40, tmp_path)
    assert told["answers"] == {"200": 40}
    assert told["kept"] == 40
    assert 0 < told["median_seconds"] <= told["slowest_seconds"]
