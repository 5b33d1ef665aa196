"""Streams as assets: `raw_<source>__<stream>`, one multi-asset per vendor so that a vendor is read in its own order."""

import dagster as dg

from assets.resources import TurnoutHome
from pipelines.vendors.registry import STREAMS

OWNERS = ["team:revenue-operations"]


def raw_key(source: str, stream: str) -> dg.AssetKey:
    """Return the asset of a stream."""
    return dg.AssetKey(f"raw_{source}__{stream}")


def streams_of(source: str) -> dg.AssetsDefinition:
    """Return the assets of one vendor's streams."""
    by_key = {raw_key(source, stream.name): stream for stream in STREAMS[source]}
    specs = [
        dg.AssetSpec(
            key,
            deps=[raw_key(source, need) for need in stream.needs],
            description=f"{stream.about[:1].upper()}{stream.about[1:]}.",
            group_name=f"log_{source}",
            kinds={source, "deltalake"},
            owners=OWNERS,
            skippable=True,
        )
        for key, stream in by_key.items()
    ]
    checks = [
        dg.AssetCheckSpec("was_read", asset=key, description="The vendor gave all of the stream at the last reading.")
        for key in by_key
    ]

    @dg.multi_asset(name=f"ingest_{source}", specs=specs, check_specs=checks, can_subset=True, pool=source)
    def ingest_vendor(context: dg.AssetExecutionContext, turnout: TurnoutHome):  # noqa: ANN202
        workspace = turnout.open()
        wanted = [stream.name for key, stream in by_key.items() if key in context.selected_asset_keys]
        connected = [one for one in workspace.sources if one.name == source]
        receipts = workspace.ingest([source], wanted, context.log.info) if connected else []
        for name in wanted:
            key = raw_key(source, name)
            failure = ""  # a vendor that nobody connected is no failure: the rest is done without it
            metadata: dict[str, object] = {"account": receipts[0].account if receipts else "not connected"}
            for receipt in receipts:
                failure = receipt.failed.get(name, "")
                one = receipt.streams.get(name)
                if one is not None:
                    metadata |= {"read": one.read, "dagster/row_count": one.appended, "absent": one.absent}
                if receipt.notes:
                    metadata["notes"] = dg.MetadataValue.md("\n".join(f"- {note}" for note in receipt.notes[:20]))
            yield dg.MaterializeResult(
                key,
                metadata=metadata,
                check_results=[
                    dg.AssetCheckResult(
                        asset_key=key,
                        check_name="was_read",
                        passed=not failure,
                        severity=dg.AssetCheckSeverity.WARN,
                        metadata={"reason": failure or ("all of it was read" if receipts else "not connected")},
                    )
                ],
            )

    return ingest_vendor


vendor_streams = [streams_of(source) for source in STREAMS]
