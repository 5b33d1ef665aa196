"""Publishing as assets: one per destination; plan, then apply exactly that plan."""

import dagster as dg

from assets.checks import CHECKED
from assets.ingest import OWNERS
from assets.resources import TurnoutHome
from assets.transform import MODELS

SYNC = {name: model for name, model in MODELS.items() if model.layer == "sync"}
SHOWN = 20


class PublishConfig(dg.Config):
    """How to publish."""

    allow: bool = False
    """Let a plan through whose shape a fuse would stop."""


def publish_to(destination: str) -> dg.AssetsDefinition:
    """Return the asset that stands for what a destination holds."""
    models = [name for name, model in SYNC.items() if model.header["destination"] == destination]

    @dg.asset(
        name=f"published_{destination}",
        deps=[*models, *CHECKED],
        group_name="publish",
        kinds={destination},
        owners=OWNERS,
        pool=destination,
        description=f"What {destination} holds by our hand: planned, sent once, and remembered with its answer.",
    )
    def publish_now(
        context: dg.AssetExecutionContext, config: PublishConfig, turnout: TurnoutHome
    ) -> dg.MaterializeResult:
        workspace = turnout.open()
        if destination not in workspace.destinations:
            return dg.MaterializeResult(metadata={"note": f"{destination} is not connected; nothing was published"})
        plan, lines = workspace.plan([destination], progress=context.log.info)
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
        return dg.MaterializeResult(metadata=metadata)

    return publish_now


destinations = [publish_to(name) for name in sorted({model.header["destination"] for model in SYNC.values()})]
