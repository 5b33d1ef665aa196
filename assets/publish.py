"""Publishing as assets: one per destination; plan, then apply exactly that plan."""

from dataclasses import replace

import dagster as dg

from assets.checks import checked, of_publishing, page_of, result_of, spec_of
from assets.ingest import OWNERS
from assets.resources import TurnoutHome
from assets.transform import MODELS
from pipelines.errors import ChecksFailed

SYNC = {name: model for name, model in MODELS.items() if model.layer == "sync"}
SHOWN = 20


class PublishConfig(dg.Config):
    """How to publish."""

    allow: bool = False
    """Let a plan through whose shape a fuse would stop."""


def publish_to(destination: str) -> dg.AssetsDefinition:
    """Return the asset that stands for what a destination holds."""
    models = [name for name, model in SYNC.items() if model.header["destination"] == destination]
    judged = of_publishing(destination)

    @dg.asset(
        name=f"published_{destination}",
        deps=[*models, *checked(destination)],
        check_specs=[spec_of(check, blocking=False) for check in judged],
        group_name="publish",
        kinds={destination},
        owners=OWNERS,
        pool=destination,
        description=f"What {destination} holds by our hand: planned, sent once, and remembered with its answer.",
    )
    def publish_now(context: dg.AssetExecutionContext, config: PublishConfig, turnout: TurnoutHome):  # noqa: ANN202
        workspace, page = turnout.open(), page_of(turnout)
        if destination not in workspace.destinations:
            note = f"{destination} is not connected; nothing was published"
            found = [result_of(check, page) for check in judged]
            yield dg.MaterializeResult(metadata={"note": note}, check_results=found)
            return
        try:
            plan, lines = workspace.plan([destination], progress=context.log.info)
        except ChecksFailed as error:
            for check in judged:
                yield result_of(replace(check, failing=error.failing.get(check.name, 0)), page)
            raise dg.Failure(str(error)) from None
        for line in lines:
            context.log.info(line)
        path = workspace.save(plan)
        metadata: dict[str, object] = {"plan": dg.MetadataValue.path(str(path)), "changes": plan.total}
        rows = [
            dg.TableRecord({"object": kind, "operation": operation, "records": count})
            for kind, by_operation in plan.counts().get(destination, {}).items()
            for operation, count in by_operation.items()
        ]
        if rows:
            metadata["planned"] = dg.MetadataValue.table(rows)
        if plan.total:
            receipt = workspace.apply(plan, allow=config.allow, progress=context.log.info)
            metadata |= {
                "published": receipt.published,
                "calls": receipt.calls,
                "rejected": len(receipt.rejected),
                "waiting": len(receipt.waiting),
            }
            if receipt.rejected:
                words = "\n".join(f"- {row.object}: {why}" for row, why in receipt.rejected[:SHOWN])
                metadata["what was refused"] = dg.MetadataValue.md(words)
            for name, why in receipt.stopped.items():
                raise dg.Failure(f"{name} stopped us: {why}", metadata=metadata)
        found = {check.name: check for check in (*workspace.check(), *plan.checks)}
        results = [result_of(found.get(check.name, check), page) for check in judged]
        yield dg.MaterializeResult(metadata=metadata, check_results=results)

    return publish_now


destinations = [publish_to(name) for name in sorted({model.header["destination"] for model in SYNC.values()})]
