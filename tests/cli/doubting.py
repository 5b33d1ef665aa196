"""The command line with one more audit, which fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipelines import cli, models
from pipelines.models import Model

load = models.load

AUDIT = """-- Nobody ever attends.
-- grain: one row per contact that contradicts it
select subject_key from contact_metrics where webinars_attended > 0
"""


def load_with_doubt(*where: Path) -> dict[str, Model]:
    """Return the models, and an audit that the people of any webinar contradict."""
    found = load(*where)
    like = next(model for model in found.values() if model.layer == "audits")
    found["assert_nobody_attends"] = replace(
        like, name="assert_nobody_attends", sql=AUDIT, question="Nobody ever attends.", reads=("contact_metrics",)
    )
    return found


def main() -> None:
    """Be `turnout …`, and doubt."""
    models.load = load_with_doubt
    cli.main()
