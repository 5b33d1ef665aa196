"""The page of the workbench, a marimo notebook that `turnout workbench` serves."""

# mypy: ignore-errors

import marimo

app = marimo.App(width="medium", app_title="turnout workbench")


@app.cell
def _():
    import marimo as mo

    from pipelines import workbench
    from pipelines.asking import Desk
    from pipelines.errors import UsageError
    from pipelines.models import DELIVERED, segments_folder
    from pipelines.run import Workspace

    opened = Workspace()
    desk = Desk(opened.warehouse)
    folder = segments_folder(opened.environment)
    return DELIVERED, UsageError, desk, folder, mo, workbench


@app.cell
def _(mo):
    query = mo.ui.code_editor(
        value="select contact_id, webinars_attended\nfrom contact_metrics\nwhere webinars_attended >= 1",
        language="sql",
        min_height=140,
    ).form(submit_button_label="Run")
    mo.vstack([mo.md("# Workbench\nOne query over the tables; nothing is written until it is saved."), query])
    return (query,)


@app.cell
def _(UsageError, desk, mo, query, workbench):
    found = None
    if query.value:
        try:
            found = workbench.shown(desk, query.value)
            chart = workbench.bars(found.columns, found.rows)
            parts = [mo.md(f"**{found.about}**"), mo.ui.table(found.records, selection=None, pagination=True)]
            told = mo.vstack([*parts, *([mo.Html(chart)] if chart else [])])
        except UsageError as error:
            told = mo.callout(mo.plain_text(str(error)), kind="danger")
    else:
        told = mo.md("")
    told
    return (found,)


@app.cell
def _(DELIVERED, found, mo):
    mo.stop(found is None or found.contacts is None)
    segment = (
        mo.md("**Save as segment** {name} {title} {deliver}")
        .batch(
            name=mo.ui.text(label="File", placeholder="keen_but_silent"),
            title=mo.ui.text(label="Name", placeholder="Keen but silent"),
            deliver=mo.ui.multiselect(options=list(DELIVERED), label="Deliver to"),
        )
        .form(submit_button_label="Save")
    )
    segment
    return (segment,)


@app.cell
def _(UsageError, folder, mo, query, segment, workbench):
    mo.stop(not segment.value)
    try:
        kept = workbench.save(
            folder, query.value, segment.value["name"], segment.value["title"], segment.value["deliver"]
        )
        said = mo.callout(mo.plain_text(kept), kind="success")
    except UsageError as error:
        said = mo.callout(mo.plain_text(str(error)), kind="danger")
    said
    return


if __name__ == "__main__":
    app.run()
