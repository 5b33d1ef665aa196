"""Which columns a model's columns are made of, read from its SQL by sqlglot; Dagster draws it.

All columns are asked for at once, and no query is trimmed for its picture: column by column it would take a sync of
Dagster's longer than everything else that it does.
"""

from collections.abc import Mapping

import dagster as dg
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage

from pipelines.models import Model


def column_lineage(model: Model, columns: Mapping[str, Mapping[str, str]]) -> dg.TableColumnLineage | None:
    """Return the lineage of a model's columns; None where its SQL is beyond sqlglot.

    Args:
        columns: model name to column to type, of this model and of those that it reads.
    """
    schema = {name: dict(columns[name]) for name in model.reads if name in columns}
    deps: dict[str, list[dg.TableColumnDep]] = {}
    try:
        nodes = lineage(None, model.sql, schema=schema, dialect="duckdb", trim_selects=False)
        for column in columns[model.name]:
            leaves = {
                (leaf.source.name, leaf.name.rpartition(".")[2].strip('"'))
                for leaf in nodes[column.lower()].walk()
                if isinstance(leaf.source, exp.Table)
            }
            deps[column] = [
                dg.TableColumnDep(asset_key=dg.AssetKey(table), column_name=name)
                for table, name in sorted(leaves)
                if name in schema.get(table, {})
            ]
    except (SqlglotError, ValueError, KeyError):
        return None
    return dg.TableColumnLineage(deps_by_column=deps)
