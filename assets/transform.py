"""Models as assets: one file of `sql/` is one asset; all are built in one step, over one DuckDB connection."""

from collections.abc import Mapping

import dagster as dg

from assets import segments
from assets.ingest import OWNERS, raw_key
from assets.lineage import column_lineage
from assets.resources import TurnoutHome
from pipelines import models as sql_models
from pipelines.log import OURS
from pipelines.models import Model
from pipelines.transform import Built

ROOT = sql_models.SQL_ROOT.parent
MODELS = sql_models.load()
BUILT = {name: model for name, model in MODELS.items() if model.layer != "audits"}


def describe(model: Model) -> str:
    """Return a model's header as markdown."""
    facts = [f"**{word}**: {text}" for word, text in model.header.items()]
    return "\n\n".join([model.question, *facts])


def spec_of(model: Model) -> dg.AssetSpec:
    """Return the asset of a model, with what it reads as its dependencies."""
    raws = [raw_key(source, stream) for source, stream in model.raws if source != OURS]
    return dg.AssetSpec(
        model.name,
        deps=[*raws, *model.reads],
        description=describe(model),
        group_name=model.layer,
        kinds={"sql", "duckdb"},
        owners=OWNERS,
        metadata={
            "file": str(model.path.relative_to(ROOT) if model.path.is_relative_to(ROOT) else model.path),
            "sql": dg.MetadataValue.md(f"```sql\n{model.sql}\n```"),
        },
    )


def metadata_of(model: Model, built: Built, known: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """Return what the last build says of a model: rows, columns, and what it was made of."""
    lineage = column_lineage(model, known) if model.reads else None
    columns = [dg.TableColumn(name, kind) for name, kind in built.columns.items()]
    made_of = [f"raw_{source}__{stream}" for source, stream in model.raws] + list(model.reads)
    drawn: dict[str, object] = {"dagster/column_lineage": lineage} if lineage is not None else {}
    return drawn | {
        "dagster/row_count": built.rows,
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "made of": ", ".join(made_of),
        "rows written": built.written,
        "seconds": round(built.seconds, 3),
        "unchanged": built.is_reused,
    }


@dg.multi_asset(specs=[spec_of(model) for model in BUILT.values()], can_subset=True)
def build_models(context: dg.AssetExecutionContext, turnout: TurnoutHome):  # noqa: ANN201
    """Bring the selected models up to the log."""
    only = {key.to_user_string() for key in context.selected_asset_keys}
    workspace = turnout.open()
    receipt = workspace.build(only=only, progress=context.log.debug)
    known = {name: entry.columns for name, entry in workspace.warehouse.catalog().entries.items()}
    sizes = segments.sizes_of(workspace.warehouse)
    for name, model in BUILT.items():  # who is in all segments is found out before each of them, and told after it
        built = receipt.models.get(name)
        if built is None or name not in only:
            continue
        metadata = {**metadata_of(model, built, known), "as of": receipt.as_of.isoformat()}
        metadata |= segments.metadata_of(name, sizes, receipt.faults)
        yield dg.MaterializeResult(name, metadata=metadata)
