"""Which columns a model's columns are made of, read from its SQL by sqlglot; Dagster draws it."""

from collections.abc import Mapping

import dagster as dg
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from pipelines.models import Model


def column_lineage(model: Model, columns: Mapping[str, Mapping[str, str]]) -> dg.TableColumnLineage | None:
    """Return the lineage of a model's columns; None where its SQL is beyond sqlglot.

    Args:
        columns: model name to column to type, of this model and of those that it reads.
    """
    schema = {name: dict(columns[name]) for name in model.reads if name in columns}
    deps: dict[str, list[dg.TableColumnDep]] = {}
    try:
        tree = qualify(
            parse_one(model.sql, dialect="duckdb"),
            schema=schema,
            dialect="duckdb",
            validate_qualify_columns=False,
            identify=False,
        )
        scope = build_scope(tree)
        for column in columns[model.name]:
            node = lineage(column, tree, schema=schema, scope=scope, dialect="duckdb")
            leaves = {
                (leaf.source.name, leaf.name.rpartition(".")[2].strip('"'))
                for leaf in node.walk()
                if isinstance(leaf.source, exp.Table)
            }
            deps[column] = [
                dg.TableColumnDep(asset_key=dg.AssetKey(table), column_name=name)
                for table, name in sorted(leaves)
                if name in schema.get(table, {})
            ]
    except (SqlglotError, ValueError):
        return None
    return dg.TableColumnLineage(deps_by_column=deps)
