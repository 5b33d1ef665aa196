"""Audits and expectations as asset checks: each stands on its model, and stops what it concerns of the publish.

Checks that hold back the same destinations are one step, so that a failed one stops no other destination.
"""

from collections.abc import Sequence
from itertools import groupby

import dagster as dg

from assets.resources import TurnoutHome
from assets.transform import BUILT, MODELS
from pipelines.checks import Check, Lineage
from pipelines.expectations.judging import Finding
from pipelines.expectations.suites import SUITES

LINEAGE = Lineage(MODELS)
AUDITS = [
    Check(name, model.question, 0, model.reads[0], holds=LINEAGE.destinations(model.reads))
    for name, model in MODELS.items()
    if model.layer == "audits"
]
EXPECTED = [Finding(suite, one, 0, 0).check(LINEAGE) for suite in SUITES for one in suite.expectations]
"""Checks before anything was looked at: what they are called, claim and hold back."""


def spec_of(check: Check, *, blocking: bool = True) -> dg.AssetCheckSpec:
    """Return a check as Dagster knows it before it was ever run."""
    return dg.AssetCheckSpec(
        check.name,
        asset=check.table,
        blocking=blocking and check.is_blocking,
        description=check.claim,
        metadata={"door": check.door, "holds back": ", ".join(sorted(check.holds)) if check.is_blocking else "nothing"},
    )


def result_of(check: Check, page: str) -> dg.AssetCheckResult:
    """Return what a check found, for Dagster; `page` is where the report is."""
    metadata: dict[str, object] = {
        "claim": check.claim,
        "rows that contradict it": check.failing,
        "rows that may": check.tolerated,
        "quality report": dg.MetadataValue.url(page),
    }
    if check.named:
        metadata["what contradicts it"] = dg.MetadataValue.md("\n".join(f"- {one}" for one in check.named))
    return dg.AssetCheckResult(
        asset_key=check.table,
        check_name=check.name,
        passed=check.passed,
        severity=dg.AssetCheckSeverity.ERROR if check.is_blocking else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def page_of(turnout: TurnoutHome) -> str:
    """Return where the report about quality is."""
    return (turnout.open().home.resolve() / "quality" / "index.html").as_uri()


def together(name: str, checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    """Return the step that runs these checks."""
    known = {check.name for check in checks}

    @dg.multi_asset_check(name=name, specs=[spec_of(check) for check in checks], can_subset=True)
    def look(context: dg.AssetCheckExecutionContext, turnout: TurnoutHome):  # noqa: ANN202
        selected = {key.name for key in context.selected_asset_check_keys} & known
        found = {check.name: check for check in turnout.open().check()}
        page = page_of(turnout)
        for check in checks:
            if check.name in selected:  # a table that was never built has nothing that could contradict
                yield result_of(found.get(check.name, check), page)

    return look


def _held(check: Check) -> tuple[str, ...]:
    return tuple(sorted(check.holds)) if check.is_blocking else ()


OF_TABLES = sorted((check for check in (*AUDITS, *EXPECTED) if check.table in BUILT), key=_held)
checks = [
    together("_".join(["checks", *held]) if held else "checks_that_warn", list(some))
    for held, some in groupby(OF_TABLES, key=_held)
]


def checked(destination: str) -> list[str]:
    """Return the assets whose blocking checks hold a destination back; what publishes to it depends on them."""
    return sorted({check.table for check in OF_TABLES if check.is_blocking and destination in check.holds})


def of_publishing(destination: str) -> list[Check]:
    """Return the checks of what is about to go to a destination; they run where its plan is made."""
    return [check for check in EXPECTED if check.table == f"published_{destination}"]
