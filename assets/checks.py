"""Audits as asset checks: each stands on the model that it reads first, and stops the publish when it fails."""

import dagster as dg

from assets.resources import TurnoutHome
from assets.transform import MODELS

AUDITS = {name: model for name, model in MODELS.items() if model.layer == "audits"}
SPECS = [
    dg.AssetCheckSpec(name, asset=model.reads[0], blocking=True, description=model.question)
    for name, model in AUDITS.items()
]
CHECKED = sorted({spec.asset_key for spec in SPECS})
"""Assets that bear a blocking check; whatever publishes depends on them."""


@dg.multi_asset_check(specs=SPECS, can_subset=True)
def audits(context: dg.AssetCheckExecutionContext, turnout: TurnoutHome):  # noqa: ANN201
    """Look for rows that contradict a claim."""
    selected = {key.name for key in context.selected_asset_check_keys}
    for found in turnout.open().check():
        if found.name in selected:
            yield dg.AssetCheckResult(
                asset_key=AUDITS[found.name].reads[0],
                check_name=found.name,
                passed=found.passed,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata={"claim": found.claim, "rows that contradict it": found.failing},
            )
